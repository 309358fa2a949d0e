//! What happens in sessions, counted and logged: one count and one line for each event.

use http::StatusCode;

use super::{
    Problem, ProblemCode,
    state::{Continuation, Kind, OfSession, SessionInfo, open},
};
use crate::{
    metrics::SessionLabels,
    model::{SessionReference, Stuck},
    plugins::Environment,
    snapshot::Snapshot,
    tokens::StateError,
};

/// A step of a session: the label `event`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Start,
    AuthReturned,
    AttributesDelivered,
    HandedOver,
    UserActive,
    Logout,
}

/// How a step ended: the label `outcome`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Cancelled,
    Failed,
    Expired,
    Rejected,
    PluginError,
    DeliveryFailed,
}

impl Event {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::AuthReturned => "auth_returned",
            Self::AttributesDelivered => "attributes_delivered",
            Self::HandedOver => "handed_over",
            Self::UserActive => "user_active",
            Self::Logout => "logout",
        }
    }
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::PluginError => "plugin_error",
            Self::DeliveryFailed => "delivery_failed",
        }
    }

    /// Whether an operator should look at it: citizens may cancel, fail and take their time, and
    /// strangers may ask for what there is not.
    fn is_trouble(self, event: Event) -> bool {
        match self {
            Self::Rejected => event != Event::Start,
            Self::PluginError | Self::DeliveryFailed => true,
            Self::Ok | Self::Cancelled | Self::Failed | Self::Expired => false,
        }
    }
}

/// Counts and logs a step. `detail` is for people who operate the gateway, and holds nothing that a
/// client or a plugin sent.
pub(super) fn record(
    session: &SessionInfo,
    event: Event,
    outcome: Outcome,
    detail: Option<&str>,
    environment: Environment<'_>,
) {
    count_and_log(
        session.reference,
        Some(session.kind),
        session.labels(),
        event,
        outcome,
        (None, detail),
        environment,
    );
}

/// Counts and logs a step that ended with a problem.
pub(super) fn record_problem(
    session: &SessionInfo,
    event: Event,
    outcome: Outcome,
    problem: &Problem,
    environment: Environment<'_>,
) {
    let what = (Some(problem.code), Some(&*problem.detail));
    count_and_log(session.reference, Some(session.kind), session.labels(), event, outcome, what, environment);
}

/// Counts and logs a start that was refused before it was clear what it was to be.
pub(super) fn record_refused_start(
    reference: SessionReference,
    problem: &Problem,
    environment: Environment<'_>,
) {
    let what = (Some(problem.code), Some(&*problem.detail));
    count_and_log(reference, None, NOBODY, Event::Start, Outcome::Rejected, what, environment);
}

/// Counts and logs a step that a refused state was sent for. Whose it was is known only when it
/// has merely expired.
pub(super) fn record_refused<S: OfSession>(
    refused: &StateError<S>,
    event: Event,
    environment: Environment<'_>,
) {
    match refused {
        StateError::Expired(state) => record(state.session(), event, Outcome::Expired, None, environment),
        StateError::Refused => {
            environment.metrics.session_event(NOBODY, event.as_str(), Outcome::Rejected.as_str());
            tracing::info!(
                event = event.as_str(),
                outcome = Outcome::Rejected.as_str(),
                request_id = environment.request_id,
                "session event"
            );
        }
    }
}

/// Counts and logs that an adapter's page led a session no further: a source of identity or a conversation
/// that cannot be used, or, where the page forbids it, a visitor who may not.
pub(super) fn record_stuck(
    stuck: &Stuck,
    status: StatusCode,
    snapshot: &Snapshot,
    environment: Environment<'_>,
) {
    let detail = Some("the citizen reads that it does not go on");
    match stuck {
        Stuck::SignIn { continuation } => {
            let outcome = if status.is_server_error() { Outcome::PluginError } else { Outcome::Rejected };
            let state = continuation.as_str().rsplit('/').next().unwrap_or_default();
            if let Ok(Continuation { session, .. }) = open(state, snapshot, environment) {
                record(&session, Event::AuthReturned, outcome, detail, environment);
            }
        }
        Stuck::Conversation { session, purpose, auth_method, comm_method } => {
            let labels = SessionLabels { purpose, auth_method, comm_method };
            let (event, outcome) = (Event::HandedOver, Outcome::DeliveryFailed);
            count_and_log(*session, None, labels, event, outcome, (None, detail), environment);
        }
    }
}

const NOBODY: SessionLabels<'_> = SessionLabels { purpose: "", auth_method: "", comm_method: "" };

fn count_and_log(
    session: SessionReference,
    kind: Option<Kind>,
    labels: SessionLabels<'_>,
    event: Event,
    outcome: Outcome,
    (code, detail): (Option<ProblemCode>, Option<&str>),
    environment: Environment<'_>,
) {
    environment.metrics.session_event(labels, event.as_str(), outcome.as_str());
    let SessionLabels { purpose, auth_method, comm_method } = labels;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(%session, event = event.as_str(), outcome = outcome.as_str(),
                kind = kind.map(Kind::as_str), purpose, auth_method, comm_method, code = code.map(ProblemCode::as_str), detail,
                request_id = environment.request_id, "session event")
        };
    }
    if outcome.is_trouble(event) {
        line!(warn);
    } else {
        line!(info);
    }
}
