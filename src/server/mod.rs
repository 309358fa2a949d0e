//! The composition root: puts the parts together and runs them.
//!
//! May import: everything but `cli`; and `pingora`.

mod drain;
mod listen;
mod signals;

use std::{io, path::PathBuf, sync::Arc};

use pingora::{
    proxy::http_proxy_service_with_name,
    server::{RunArgs, Server, configuration::ServerConf},
    services::{background::background_service, listening::Service},
};
use tokio::sync::mpsc;

use self::{
    drain::Drain,
    listen::{Sockets, Worker},
    signals::Signals,
};
use crate::{
    admin::Admin,
    config::{Environment, Ingredients, Loaded},
    logs::LogSink,
    metrics::{Metrics, MetricsError},
    model::{SystemClock, SystemRandom},
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
    /// What it was loaded from.
    pub ingredients: Ingredients,
    pub log: LogSink,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the {listener} listener cannot listen on {address}: {source}")]
    Listen { listener: &'static str, address: std::net::SocketAddr, source: io::Error },
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] MetricsError),
    #[error("no keys can be made: {0}")]
    Keys(#[from] crate::tokens::KeyError),
}

/// Serves until a signal ends the process: SIGTERM finishes running requests, SIGINT does not.
///
/// # Errors
/// [`StartError`] before anything is served.
pub fn run(settings: Settings) -> Result<(), StartError> {
    let listeners = settings.loaded.config.listeners.clone();
    let workers = workers();
    let public = listen::bind("public", listeners.public, workers)?;
    let internal = listen::bind("internal", listeners.internal, workers)?;
    let admin = listen::bind("admin", listeners.admin, 1)?;
    let foundation = Foundation::new(Metrics::new()?, public.address, internal.address)?;
    let log = settings.log.clone();
    let parts = Parts::assemble(settings, &foundation);
    let conf = server_configuration();
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let (hangup, hangups) = mpsc::channel(1);
    parts.add_services(&mut server, public, internal, admin, hangups);
    let generations = parts.shared.generations.clone();
    let ready = Box::new(move || announce(&generations.live()));
    server.run(RunArgs { shutdown_signal: Box::new(Signals { hangup, ready }) });
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
            settings.ingredients,
        ));
        let shared = Arc::new(Shared {
            generations,
            http: Arc::new(PluginClient::new(resolver.clone(), 2 * workers())),
            clock,
            random: Arc::new(SystemRandom),
            metrics: foundation.metrics.clone(),
            log: settings.log,
            resolver,
            in_flight: InFlight::default(),
        });
        Self { shared, reloader }
    }

    fn add_services(
        &self,
        server: &mut Server,
        public: Sockets,
        internal: Sockets,
        admin: Sockets,
        hangups: mpsc::Receiver<()>,
    ) {
        let conf = server.configuration.clone();
        for (sockets, listener) in [(public, Listener::Public), (internal, Listener::Internal)] {
            for (number, socket) in sockets.sockets.into_iter().enumerate() {
                let gateway = Gateway::new(listener, self.shared.clone());
                let service = http_proxy_service_with_name(&conf, gateway, listener.as_str());
                server.add_service(Worker::new(service, number, sockets.address, socket));
            }
        }
        self.add_admin(server, admin);
        let reload = ReloadService::new(self.reloader.clone(), hangups);
        server.add_service(background_service("reload", reload));
        let drain = Drain { in_flight: self.shared.in_flight.clone(), log: self.shared.log.clone() };
        server.add_service(background_service("drain", drain));
    }

    fn add_admin(&self, server: &mut Server, sockets: Sockets) {
        for (number, socket) in sockets.sockets.into_iter().enumerate() {
            let admin = Admin {
                generations: self.shared.generations.clone(),
                reloader: self.reloader.clone(),
                metrics: self.shared.metrics.clone(),
                log: self.shared.log.clone(),
            };
            let service = Service::new("admin".to_owned(), admin);
            server.add_service(Worker::new(service, number, sockets.address, socket));
        }
    }
}

/// Workers of each listener that carries traffic, each with a thread of its own.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn server_configuration() -> ServerConf {
    ServerConf {
        // Each service has one thread: see `listen::Worker`.
        threads: 1,
        work_stealing: false,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        grace_period_seconds: Some(drain::LIMIT.as_secs()),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

fn announce(snapshot: &Snapshot) {
    tracing::info!(
        generation = snapshot.generation(),
        choose = snapshot.public_url().join("/choose"),
        "ready"
    );
}
