//! Which signal does what.

use std::io;

use async_trait::async_trait;
use pingora::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// SIGTERM and SIGQUIT let running requests end, SIGINT does not, SIGHUP asks for a reload.
///
/// Pingora's own watch answers SIGQUIT by handing its listening sockets to whoever listens on a
/// well-known path under /tmp.
pub(super) struct Signals {
    pub hangup: mpsc::Sender<()>,
    /// Called once signals do what they should, and do not end the process on the spot any more.
    pub ready: Box<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl ShutdownSignalWatch for Signals {
    async fn recv(&self) -> ShutdownSignal {
        match Listening::start() {
            Ok(signals) => {
                (self.ready)();
                signals.wait(&self.hangup).await
            }
            Err(error) => {
                tracing::error!(%error, "signals cannot be listened for");
                ShutdownSignal::FastShutdown
            }
        }
    }
}

struct Listening {
    terminate: Signal,
    quit: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Listening {
    fn start() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(mut self, hangup: &mpsc::Sender<()>) -> ShutdownSignal {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return ShutdownSignal::GracefulTerminate,
                _ = self.quit.recv() => return ShutdownSignal::GracefulTerminate,
                _ = self.interrupt.recv() => return ShutdownSignal::FastShutdown,
                // A full channel means that a reload is due anyway.
                _ = self.hangup.recv() => drop(hangup.try_send(())),
            }
        }
    }
}
