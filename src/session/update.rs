//! `POST /session/update/{state}?type=…`: the communication plugin reports activity or a logout, and the
//! gateway relays it to the authentication side (protocol.md, "Session updates").

use http::StatusCode;

use super::{
    Problem, ProblemCode,
    events::{Event, Outcome, record, record_refused},
    state::{SessionInfo, Updates, open},
};
use crate::{
    config::DEFAULT_PLUGIN_TIMEOUT,
    model::{OwnAnswer, OwnRequest, PluginUrl},
    plugins::{self, Environment, PluginError, TransportError},
    snapshot::Snapshot,
};

/// Relays an update, as often as it comes: it means the same the second time.
pub async fn relay(
    snapshot: &Snapshot,
    state: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    let Some(event) = event(request) else {
        return Problem::new(ProblemCode::InvalidRequest, "send `?type=user_active` or `?type=logout`")
            .json();
    };
    match open::<Updates>(state, snapshot, environment) {
        Ok(updates) => tell(snapshot, &updates, event, environment).await,
        Err(refused) => {
            record_refused(&refused, event, environment);
            Problem::unknown_session().json()
        }
    }
}

fn event(request: &OwnRequest) -> Option<Event> {
    let mut types = request.parameters("type");
    match (types.next()?.as_str(), types.next()) {
        ("user_active", None) => Some(Event::UserActive),
        ("logout", None) => Some(Event::Logout),
        _ => None,
    }
}

async fn tell(
    snapshot: &Snapshot,
    Updates { session, session_url }: &Updates,
    event: Event,
    environment: Environment<'_>,
) -> OwnAnswer {
    match send(snapshot, session, session_url, event, environment).await {
        Ok(_) => {
            record(session, event, Outcome::Ok, None, environment);
            OwnAnswer::empty(StatusCode::NO_CONTENT)
        }
        Err(error) => {
            record(session, event, Outcome::PluginError, Some(&error.to_string()), environment);
            if had_its_chance(error) {
                return OwnAnswer::empty(StatusCode::NO_CONTENT);
            }
            Problem::new(ProblemCode::AuthPluginError, "the authentication side cannot be reached")
                .of_session(session.reference)
                .json()
        }
    }
}

async fn send(
    snapshot: &Snapshot,
    session: &SessionInfo,
    session_url: &PluginUrl,
    event: Event,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    let url = PluginUrl::parse_attr_url(session_url.with_parameter("type", event.as_str()))
        .map_err(|_| PluginError::Malformed)?;
    let timeout =
        snapshot.auth(&session.auth_method).map_or(DEFAULT_PLUGIN_TIMEOUT, |(_, auth, _)| auth.timeout);
    plugins::update(&session.auth_method, &url, timeout, environment).await
}

/// Whatever it answered, and whether it did in time: the communication plugin need not know.
fn had_its_chance(error: PluginError) -> bool {
    !matches!(error, PluginError::Transport(TransportError::Connect | TransportError::Resolve))
}
