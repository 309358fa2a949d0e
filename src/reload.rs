//! Loading a new generation while the old one goes on serving.
//!
//! Asked for by SIGHUP and by `POST /reload`, and noticed on its own: events of the directory,
//! plus a poll, because neither an editor's rename nor a ConfigMap's symlink swap always gives an
//! event. May import: `snapshot`, `config`, `model`, `metrics`; `pingora`, `notify`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use notify::Watcher;
use pingora::{server::ShutdownWatch, services::background::BackgroundService};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use crate::{
    config::{
        self, AuthKind, Config, Diagnostic, Environment, Ingredients, Listeners, Recorder, Report, Sources,
    },
    metrics::Metrics,
    model::Clock,
    snapshot::{Foundation, Generations, Snapshot},
};

/// How often the files are read, whatever the events say.
const POLL: Duration = Duration::from_secs(5);
/// Editors write several files, and some in several steps: for so long nothing may have changed.
const QUIET: Duration = Duration::from_millis(100);

/// A generation that went live.
#[derive(Debug)]
pub struct Reloaded {
    pub generation: u64,
    pub warnings: Report,
    /// Settings whose new value waits for a restart.
    pub restart_needed: Vec<&'static str>,
}

/// Makes generations of the files in one directory.
pub struct Reloader {
    directory: PathBuf,
    environment: Arc<dyn Environment + Send + Sync>,
    foundation: Foundation,
    generations: Arc<Generations>,
    /// The listeners that the process was started with.
    listeners: Listeners,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    generation: u64,
    /// What the files held when they were last tried.
    tried: Ingredients,
}

/// What started a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Signal,
    Request,
    Change,
}

impl Trigger {
    fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Request => "request",
            Self::Change => "change",
        }
    }
}

impl Reloader {
    /// Takes over after the first generation, made of these ingredients.
    pub fn new(
        directory: PathBuf,
        environment: Arc<dyn Environment + Send + Sync>,
        foundation: Foundation,
        generations: Arc<Generations>,
        clock: Arc<dyn Clock>,
        ingredients: Ingredients,
    ) -> Self {
        let first = generations.live();
        foundation.metrics.configuration_tried(Some(first.generation()), clock.now());
        Self {
            directory,
            environment,
            foundation,
            clock,
            listeners: first.config().listeners.clone(),
            state: Mutex::new(State { generation: first.generation(), tried: ingredients }),
            generations,
        }
    }

    /// Loads the files and publishes a whole new generation, or changes nothing. One at a time.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub async fn reload(&self, trigger: Trigger) -> Result<Reloaded, Report> {
        let mut state = self.state.lock().await;
        let (sources, found) = self.read(&state.tried).await;
        self.load(sources, found, trigger, &mut state).await
    }

    /// Reloads when the files differ from what was last tried, as soon as they have stopped to change:
    /// half of a file may be a valid configuration too.
    async fn reload_if_changed(&self) {
        let started = Instant::now();
        let tried = self.state.lock().await.tried.clone();
        let mut found = self.read(&tried).await.1;
        // Files that never stop to change are left to the next look.
        while found != self.state.lock().await.tried && started.elapsed() < POLL {
            sleep(QUIET).await;
            let mut state = self.state.lock().await;
            let (sources, now) = self.read(&state.tried).await;
            let unchanged = now == found;
            found = now;
            if unchanged && found != state.tried {
                // The log has the outcome.
                let _ = self.load(sources, found.clone(), Trigger::Change, &mut state).await;
            }
        }
    }

    /// The three files, and what they and the secret files that were tried hold now.
    async fn read(&self, tried: &Ingredients) -> (Result<Sources, Report>, Ingredients) {
        let (directory, environment, before) =
            (self.directory.clone(), self.environment.clone(), tried.clone());
        let read = move || {
            let sources = Sources::read(&directory);
            let found = before.again(&sources, &*environment);
            (sources, found)
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(_) => (Err(Report::default()), tried.clone()),
        }
    }

    async fn load(
        &self,
        sources: Result<Sources, Report>,
        found: Ingredients,
        trigger: Trigger,
        state: &mut State,
    ) -> Result<Reloaded, Report> {
        state.tried = found;
        let outcome = match sources {
            Ok(sources) => self.build(sources, state).await,
            Err(report) => Err(report),
        };
        match outcome {
            Ok((snapshot, reloaded)) => {
                state.generation = reloaded.generation;
                self.metrics().configuration_tried(Some(reloaded.generation), self.clock.now());
                log_success(&reloaded, trigger);
                warn_of_provisional(snapshot.config());
                self.generations.publish(snapshot);
                Ok(reloaded)
            }
            Err(report) => {
                self.metrics().configuration_tried(None, self.clock.now());
                log_failure(&report, trigger);
                Err(report)
            }
        }
    }

    /// Off the worker threads: a large configuration takes a while.
    async fn build(&self, sources: Sources, state: &mut State) -> Result<(Snapshot, Reloaded), Report> {
        let (environment, foundation) = (self.environment.clone(), self.foundation.clone());
        let (listeners, generation) = (self.listeners.clone(), state.generation + 1);
        let build = move || {
            let recorder = Recorder::new(&*environment);
            let loaded = config::load(&sources, &recorder);
            let outcome = loaded.map(|mut loaded| {
                let restart_needed = changed_listeners(&listeners, &loaded.config.listeners);
                loaded.config.listeners = listeners;
                let snapshot = Snapshot::build(generation, loaded.config, &foundation);
                (snapshot, Reloaded { generation, warnings: loaded.warnings, restart_needed })
            });
            (recorder.ingredients(&sources), outcome)
        };
        match tokio::task::spawn_blocking(build).await {
            Ok((ingredients, outcome)) => {
                state.tried = ingredients;
                outcome
            }
            Err(_) => Err(Report::default()),
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.foundation.metrics
    }
}

fn changed_listeners(started: &Listeners, wanted: &Listeners) -> Vec<&'static str> {
    [
        ("listeners.public.address", started.public != wanted.public),
        ("listeners.internal.address", started.internal != wanted.internal),
        ("listeners.admin.address", started.admin != wanted.admin),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect()
}

/// Warns of what must never be true in production, whenever a configuration goes live: sign-ins that
/// anybody passes, and sessions that survive neither a restart nor another instance.
pub fn warn_of_provisional(config: &Config) {
    for method in config.auth.iter().filter(|method| matches!(method.kind, AuthKind::Test { .. })) {
        tracing::warn!(
            auth_method = method.tag.as_str(),
            "development only: anybody can sign in with this method"
        );
    }
    if config.keys.state.is_empty() {
        tracing::warn!(
            "`keys.state` is not configured: running sessions end with this process \
             (make a secret with `id-contact-gateway keys state`)"
        );
    }
}

fn log_success(reloaded: &Reloaded, trigger: Trigger) {
    tracing::info!(generation = reloaded.generation, trigger = trigger.as_str(), "configuration live");
    for diagnostic in reloaded.warnings.diagnostics() {
        tracing::warn!(place = place(diagnostic), "{}", diagnostic.message);
    }
    for name in &reloaded.restart_needed {
        tracing::warn!(setting = name, "changed, but needs a restart");
    }
}

fn place(diagnostic: &Diagnostic) -> String {
    match (diagnostic.line(), diagnostic.column()) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", diagnostic.file()),
        _ => diagnostic.file().to_owned(),
    }
}

fn log_failure(report: &Report, trigger: Trigger) {
    for diagnostic in report.diagnostics() {
        tracing::error!(
            place = place(diagnostic),
            code = diagnostic.code,
            help = diagnostic.help,
            "{}",
            diagnostic.message
        );
    }
    tracing::error!(
        trigger = trigger.as_str(),
        errors = report.error_count(),
        "configuration refused, the live one stays"
    );
}

/// Watches the directory and waits for SIGHUPs, until shutdown.
pub struct ReloadService {
    reloader: Arc<Reloader>,
    hangups: Mutex<mpsc::Receiver<()>>,
}

impl ReloadService {
    pub fn new(reloader: Arc<Reloader>, hangups: mpsc::Receiver<()>) -> Self {
        Self { reloader, hangups: Mutex::new(hangups) }
    }
}

#[async_trait]
impl BackgroundService for ReloadService {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let (events, mut changed) = mpsc::channel(1);
        // Dropping the watcher would end its events.
        let _watcher = watch(&self.reloader.directory, events);
        let mut hangups = self.hangups.lock().await;
        let mut poll = interval_at(Instant::now() + POLL, POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = shutdown.changed() => return,
                Some(()) = hangups.recv() => drop(self.reloader.reload(Trigger::Signal).await),
                _ = poll.tick() => self.reloader.reload_if_changed().await,
                Some(()) = changed.recv() => self.reloader.reload_if_changed().await,
            }
        }
    }
}

/// Events of the directory, not of the files: a ConfigMap's files give none after their first
/// swap. Without events the poll still notices.
fn watch(directory: &Path, events: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let notify = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // A full channel means that a look at the files is due anyway.
            let _ = events.try_send(());
        }
    };
    let watcher = notify::recommended_watcher(notify).and_then(|mut watcher| {
        watcher.watch(directory, notify::RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if watcher.is_err() {
        tracing::warn!("the directory cannot be watched; changes are noticed by polling");
    }
    watcher.ok()
}
