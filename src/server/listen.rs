//! Sockets that are bound before anything starts, so that a port that is taken is an error with a
//! name, and port 0 is known.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::fd::IntoRawFd,
};

use async_trait::async_trait;
use pingora::{
    apps::ServerApp,
    server::{ListenFds, ShutdownWatch},
    services::{Service as PingoraService, listening::Service},
};
use socket2::{Domain, Socket, Type};

use super::StartError;

/// Connections that may wait to be accepted; the kernel caps it (`net.core.somaxconn`).
const BACKLOG: i32 = 65_535;

/// The sockets of one listener, one per worker; the kernel spreads connections over them.
pub(super) struct Sockets {
    pub sockets: Vec<TcpListener>,
    /// Where they really listen.
    pub address: SocketAddr,
}

/// Binds and listens, once per worker.
pub(super) fn bind(
    listener: &'static str,
    address: SocketAddr,
    workers: usize,
) -> Result<Sockets, StartError> {
    let failed = |source| StartError::Listen { listener, address, source };
    let first = bound(address, false).map_err(failed)?;
    let address = local_address(&first).map_err(failed)?;
    let more = (1..workers).map(|_| bound(address, true));
    let sockets = [Ok(first)].into_iter().chain(more).map(|socket| listening(socket?));
    let sockets = sockets.collect::<io::Result<_>>().map_err(failed)?;
    tracing::info!(listener, address = %address, "listening");
    Ok(Sockets { sockets, address })
}

/// The first socket is bound alone, so that a port that another process has is an error; only then
/// may others of this process share it.
fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn listening(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A service on a socket that listens already: Pingora finds it among the sockets that it would
/// inherit from a process before it.
///
/// Each worker is a service with one thread of its own, because Pingora without work stealing
/// accepts on one thread and serves on another: every event would cross over, and pooled
/// connections would be watched by the wrong thread.
pub(super) struct Worker<A> {
    service: Service<A>,
    socket: Option<TcpListener>,
    name: String,
}

impl<A> Worker<A> {
    pub(super) fn new(
        mut service: Service<A>,
        number: usize,
        address: SocketAddr,
        socket: TcpListener,
    ) -> Self {
        let name = format!("{address} worker {number}");
        service.add_tcp(&name);
        service.threads = Some(1);
        Self { service, socket: Some(socket), name }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> PingoraService for Worker<A> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        shutdown: ShutdownWatch,
        listeners_per_fd: usize,
    ) {
        if let (Some(fds), Some(socket)) = (&fds, self.socket.take()) {
            fds.lock().add(self.name.clone(), socket.into_raw_fd());
        }
        PingoraService::start_service(&mut self.service, fds, shutdown, listeners_per_fd).await;
    }

    fn name(&self) -> &str {
        PingoraService::name(&self.service)
    }

    fn threads(&self) -> Option<usize> {
        PingoraService::threads(&self.service)
    }
}
