//! The composition root: puts the parts together and runs them.
//!
//! May import: everything but `cli`; and `pingora`.

mod drain;
mod listen;

use std::{io, net::TcpListener, path::PathBuf, sync::Arc};

use pingora::{
    proxy::http_proxy_service_with_name,
    server::{RunArgs, Server, configuration::ServerConf},
    services::{background::background_service, listening::Service},
};

use self::{drain::Drain, listen::Bound};
use crate::{
    admin::Admin,
    config::{Environment, Loaded},
    logs::LogSink,
    metrics::{Metrics, MetricsError},
    model::{SystemClock, SystemRandom},
    plugins::development::DevelopmentPair,
    proxy::{Gateway, InFlight, Shared, client::PluginClient, resolver::Resolver},
    reload::{ReloadService, Reloader},
    session::endpoints::Listener,
    snapshot::{Foundation, Generations, Snapshot},
};

/// Idle connections kept to upstreams. With fewer than the requests under way at once, each of
/// the rest connects anew, which costs more than the request (measured: 16 doubled the cost).
const UPSTREAM_POOL: usize = 1024;

/// What a gateway is started with.
pub struct Settings {
    pub directory: PathBuf,
    pub environment: Arc<dyn Environment + Send + Sync>,
    pub loaded: Loaded,
    /// Digest of the files that were loaded.
    pub digest: u64,
    pub log: LogSink,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the {listener} listener cannot listen on {address}: {source}")]
    Listen { listener: &'static str, address: std::net::SocketAddr, source: io::Error },
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] MetricsError),
    #[error("no keys can be made for the development pair: {0}")]
    Keys(#[from] crate::tokens::KeyError),
}

/// Serves until a signal ends the process: SIGTERM finishes running requests, SIGINT does not.
///
/// # Errors
/// [`StartError`] before anything is served.
pub fn run(settings: Settings) -> Result<(), StartError> {
    let listeners = settings.loaded.config.listeners.clone();
    let public = listen::bind("public", listeners.public)?;
    let internal = listen::bind("internal", listeners.internal)?;
    let admin = listen::bind("admin", listeners.admin)?;
    let foundation = Foundation {
        metrics: Metrics::new()?,
        development: Arc::new(DevelopmentPair::new()?),
        public_address: public.address,
        internal_address: internal.address,
    };
    let log = settings.log.clone();
    let parts = Parts::assemble(settings, &foundation);
    let conf = server_configuration();
    let mut server = Server::new_with_opt_and_conf(None, conf);
    parts.add_services(&mut server, public, internal, admin);
    announce(&parts);
    server.run(RunArgs::default());
    log.flush();
    Ok(())
}

/// The parts that live as long as the process.
struct Parts {
    shared: Arc<Shared>,
    reloader: Arc<Reloader>,
}

impl Parts {
    fn assemble(settings: Settings, foundation: &Foundation) -> Self {
        let first = Snapshot::build(1, settings.loaded.config, foundation);
        let generations = Arc::new(Generations::new(first));
        let resolver = Resolver::default();
        let clock = Arc::new(SystemClock);
        let reloader = Arc::new(Reloader::new(
            settings.directory,
            settings.environment,
            foundation.clone(),
            generations.clone(),
            clock.clone(),
            settings.digest,
        ));
        let shared = Arc::new(Shared {
            generations,
            http: Arc::new(PluginClient::new(resolver.clone(), 2 * threads())),
            clock,
            random: Arc::new(SystemRandom),
            metrics: foundation.metrics.clone(),
            log: settings.log,
            resolver,
            in_flight: InFlight::default(),
        });
        Self { shared, reloader }
    }

    fn add_services(&self, server: &mut Server, public: Socket, internal: Socket, admin: Socket) {
        let conf = server.configuration.clone();
        for (socket, listener) in [(public, Listener::Public), (internal, Listener::Internal)] {
            let gateway = Gateway::new(listener, self.shared.clone());
            let service = http_proxy_service_with_name(&conf, gateway, listener.as_str());
            server.add_service(Bound::new(service, socket));
        }
        let mut service = Service::new(
            "admin".to_owned(),
            Admin {
                generations: self.shared.generations.clone(),
                reloader: self.reloader.clone(),
                metrics: self.shared.metrics.clone(),
                log: self.shared.log.clone(),
            },
        );
        service.threads = Some(1);
        server.add_service(Bound::new(service, admin));
        server.add_service(background_service("reload", ReloadService { reloader: self.reloader.clone() }));
        let drain = Drain { in_flight: self.shared.in_flight.clone(), log: self.shared.log.clone() };
        server.add_service(background_service("drain", drain));
    }
}

/// A socket that listens, and where it really does.
pub(crate) struct Socket {
    listener: TcpListener,
    address: std::net::SocketAddr,
}

/// Worker threads of each listener that carries traffic.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn server_configuration() -> ServerConf {
    ServerConf {
        threads: threads(),
        // Measured: a sixth less CPU than with stealing.
        work_stealing: false,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        grace_period_seconds: Some(drain::LIMIT.as_secs()),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

fn announce(parts: &Parts) {
    let snapshot = parts.shared.generations.live();
    tracing::info!(
        generation = snapshot.generation(),
        choose = snapshot.public_url().join("/choose"),
        "ready"
    );
}
