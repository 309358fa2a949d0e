//! SIGTERM: no new connections, running requests end, the process exits with 0.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::{server::ShutdownWatch, services::background::BackgroundService};

use crate::{logs::LogSink, proxy::InFlight};

/// Longest wait for running requests.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// How often they are counted.
const COUNTING: Duration = Duration::from_millis(20);

/// Ends the process as soon as nothing runs any more. Pingora alone would wait a fixed time.
pub(super) struct Drain {
    pub in_flight: InFlight,
    pub log: LogSink,
}

#[async_trait]
impl BackgroundService for Drain {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        while !*shutdown.borrow() {
            if shutdown.changed().await.is_err() {
                return;
            }
        }
        tracing::info!(requests = self.in_flight.count(), "draining");
        let started = Instant::now();
        // Twice none: a request may have been read from its connection, but not counted yet.
        let mut none = 0;
        while none < 2 && started.elapsed() < LIMIT {
            none = if self.in_flight.count() == 0 { none + 1 } else { 0 };
            tokio::time::sleep(COUNTING).await;
        }
        tracing::info!(requests = self.in_flight.count(), "stopped");
        self.log.flush();
        #[allow(clippy::disallowed_methods, reason = "main sleeps inside Pingora's fixed grace period")]
        std::process::exit(0);
    }
}
