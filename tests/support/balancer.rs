//! A round robin over several servers, one connection after another: what stands before two
//! instances of the gateway. A server that does not accept is passed over.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::Watched;

pub struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    servers: Watched<Vec<SocketAddr>>,
    next: AtomicUsize,
    stopped: AtomicBool,
}

impl Balancer {
    pub fn start(servers: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        shared.servers.update(|list| *list = servers.to_vec());
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept_all(&listener)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Spreads over these servers from now on, beginning with the first.
    pub fn spread_over(&self, servers: &[SocketAddr]) {
        self.shared.servers.update(|list| *list = servers.to_vec());
        self.shared.next.store(0, Ordering::SeqCst);
    }
}

impl Drop for Balancer {
    #[allow(clippy::disallowed_methods, reason = "a test may block")]
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn accept_all(&self, listener: &TcpListener) {
        for client in listener.incoming() {
            let client = client.expect("a connection can be accepted");
            if self.stopped.load(Ordering::SeqCst) {
                break;
            }
            if let Some(server) = self.next_server() {
                // They end with their connections, which the gateways or the clients close.
                let _ = couple(client, server);
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "a test may block")]
    fn next_server(&self) -> Option<TcpStream> {
        let servers = self.servers.lock().clone();
        (0..servers.len()).find_map(|_| {
            let position = self.next.fetch_add(1, Ordering::SeqCst) % servers.len();
            TcpStream::connect(servers[position]).ok()
        })
    }
}

fn couple(client: TcpStream, server: TcpStream) -> io::Result<()> {
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
