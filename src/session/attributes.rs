//! `POST /session/attributes/{state}`: the authentication plugin delivers, and the gateway passes it
//! on to the communication plugin, once. The answer is the receiver's status.

use http::StatusCode;

use super::{
    Problem, ProblemCode,
    continuation::rejection,
    delivery::{deliver, turn},
    events::{Event, Outcome, record, record_problem, record_refused},
    resealing::{Unready, ready},
    state::{Receiver, open},
};
use crate::{
    model::{OwnAnswer, OwnRequest, ResultToken},
    plugins::{Environment, PluginError, TransportError, deliveries::Progress},
    snapshot::Snapshot,
};

/// Takes a result; the body is the compact token, whatever type the plugin calls it.
pub async fn take(
    snapshot: &Snapshot,
    state: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    let receiver = match open::<Receiver>(state, snapshot, environment) {
        Ok(receiver) => receiver,
        Err(refused) => {
            record_refused(&refused, Event::AttributesDelivered, environment);
            return Problem::unknown_session().json();
        }
    };
    match pass_on(snapshot, &receiver, request, environment).await {
        Ok(status) => OwnAnswer::empty(status),
        Err(problem) => problem.of_session(receiver.session.reference).json(),
    }
}

async fn pass_on(
    snapshot: &Snapshot,
    Receiver { session, attr_url }: &Receiver,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> Result<StatusCode, Problem> {
    let mut turn = turn(snapshot, session, None, environment).await;
    match turn.progress() {
        Progress::Unknown | Progress::Unreached | Progress::Rejected => {}
        // As its receiver would answer.
        Progress::Delivered => return Ok(StatusCode::NOT_FOUND),
        Progress::Failed => {
            return Err(Problem::new(ProblemCode::DeliveryFailed, "the receiver failed before"));
        }
    }
    let token = std::str::from_utf8(&request.body).unwrap_or_default().trim();
    if token.is_empty() {
        turn.finish(Progress::Rejected);
        let problem = Problem::new(ProblemCode::InvalidRequest, "the body is not a compact token");
        record_problem(session, Event::AttributesDelivered, Outcome::Rejected, &problem, environment);
        return Err(problem);
    }
    let ready = ready(snapshot, session, &ResultToken::new(token.to_owned()), environment);
    // An adapter's results come with the citizen: this method has become one since the session began.
    let ready = match ready.and_then(|ready| ready.ok_or(Unready::NoWay)) {
        Ok(ready) => ready,
        Err(unready) => {
            // Plugins ignore the answer: the citizen who comes next is told.
            turn.finish(Progress::Rejected);
            let detail = unready.to_string();
            record(session, Event::AttributesDelivered, rejection(unready), Some(&detail), environment);
            return Err(Problem::new(ProblemCode::ResultRejected, detail));
        }
    };
    let delivered = deliver(snapshot, session, attr_url, &ready, turn, environment).await;
    Ok(delivered.unwrap_or_else(|undelivered| status_of(undelivered.error)))
}

/// What the authentication plugin is told of a receiver that failed.
fn status_of(error: PluginError) -> StatusCode {
    match error {
        PluginError::Status(status) if status.is_client_error() || status.is_server_error() => status,
        PluginError::Transport(TransportError::Timeout) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}
