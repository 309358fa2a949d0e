//! One delivery of a result: whoever may make it, and how it went.

use std::time::Instant;

use http::StatusCode;

use super::{
    continuation::outcome_of,
    events::{Event, Outcome, record},
    resealing::Ready,
    state::SessionInfo,
};
use crate::{
    config::{CommMethod, DEFAULT_PLUGIN_TIMEOUT},
    model::{Nonce, PluginUrl},
    plugins::{
        self, Environment, PluginError,
        deliveries::{DeliveryId, Progress, Turn},
    },
    snapshot::Snapshot,
};

/// A delivery that failed, and what is remembered of it.
pub(super) struct Undelivered {
    pub(super) error: PluginError,
    pub(super) progress: Progress,
}

/// Waits until nobody else delivers the result of this session to its method; `held` is what is a result's own
/// that waited for the choice.
pub(super) async fn turn(
    snapshot: &Snapshot,
    session: &SessionInfo,
    held: Option<Nonce>,
    environment: Environment<'_>,
) -> Turn {
    let id = DeliveryId::new(session.reference, &session.comm_method, held);
    snapshot.deliveries().turn(id, environment.clock.now()).await
}

/// Posts a result to the communication plugin's own URL, and records how that went; the answer is the
/// receiver's.
pub(super) async fn deliver(
    snapshot: &Snapshot,
    session: &SessionInfo,
    attr_url: &PluginUrl,
    ready: &Ready,
    mut turn: Turn,
    environment: Environment<'_>,
) -> Result<StatusCode, Undelivered> {
    let comm = snapshot.comm(&session.comm_method);
    let keyed = comm.is_some_and(|(_, config, _)| CommMethod::has_keyed_deliveries(config));
    turn.begin(keyed);
    let started = Instant::now();
    let outcome = if let Some((_, config, plugin)) = comm {
        plugin.deliver(attr_url, &ready.token, config.timeout, environment).await
    } else {
        let tag = &session.comm_method;
        plugins::deliver(tag, attr_url, &ready.token, DEFAULT_PLUGIN_TIMEOUT, environment).await
    };
    environment.metrics.session_stage("delivery", started.elapsed());
    match outcome {
        Ok(status) => {
            record(session, Event::AttributesDelivered, outcome_of(ready.failed), None, environment);
            turn.finish(Progress::Delivered);
            Ok(status)
        }
        Err(error) => {
            let detail = error.to_string();
            record(session, Event::AttributesDelivered, Outcome::DeliveryFailed, Some(&detail), environment);
            let progress = Progress::after(error, keyed);
            turn.finish(progress);
            Err(Undelivered { error, progress })
        }
    }
}
