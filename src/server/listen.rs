//! Sockets that are bound before anything starts, so that a port that is taken is an error with a
//! name, and port 0 is known.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::IntoRawFd,
};

use async_trait::async_trait;
use pingora::{
    apps::ServerApp,
    server::{ListenFds, ShutdownWatch},
    services::{Service as PingoraService, listening::Service},
};

use super::{Socket, StartError};

/// Binds and listens.
pub(super) fn bind(listener: &'static str, address: SocketAddr) -> Result<Socket, StartError> {
    let failed = |source| StartError::Listen { listener, address, source };
    let socket = TcpListener::bind(address).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    tracing::info!(listener, address = %address, "listening");
    Ok(Socket { listener: socket, address })
}

/// A service on a socket that listens already: Pingora finds it among the sockets that it would
/// inherit from a process before it.
pub(super) struct Bound<A> {
    service: Service<A>,
    socket: Option<TcpListener>,
    address: String,
}

impl<A> Bound<A> {
    pub(super) fn new(mut service: Service<A>, socket: Socket) -> Self {
        let address = socket.address.to_string();
        service.add_tcp(&address);
        Self { service, socket: Some(socket.listener), address }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> PingoraService for Bound<A> {
    async fn start_service(
        &mut self,
        fds: Option<ListenFds>,
        shutdown: ShutdownWatch,
        listeners_per_fd: usize,
    ) {
        if let (Some(fds), Some(socket)) = (&fds, self.socket.take()) {
            fds.lock().add(self.address.clone(), socket.into_raw_fd());
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
