//! `POST /session/update/{state}?type=…`: the communication plugin reports activity or a logout, and the
//! gateway relays it to the authentication side (protocol.md, "Session updates").

use http::StatusCode;

use super::{
    Problem, ProblemCode,
    events::{Event, Outcome, record, record_refused},
    state::{SessionInfo, UpdateTarget, Updates, open},
};
use crate::{
    config::DEFAULT_PLUGIN_TIMEOUT,
    model::{OwnAnswer, OwnRequest, PluginUrl},
    plugins::{self, Environment, PluginError, SessionUpdate, TransportError},
    snapshot::Snapshot,
};

/// Relays an update, as often as it comes: it means the same the second time.
pub async fn relay(
    snapshot: &Snapshot,
    state: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    let Some(update) = update(request) else {
        return Problem::new(ProblemCode::InvalidRequest, "send `?type=user_active` or `?type=logout`")
            .json();
    };
    match open::<Updates>(state, snapshot, environment) {
        Ok(updates) => tell(snapshot, &updates, update, environment).await,
        Err(refused) => {
            record_refused(&refused, event(update), environment);
            Problem::unknown_session().json()
        }
    }
}

fn update(request: &OwnRequest) -> Option<SessionUpdate> {
    let mut types = request.parameters("type");
    match (types.next()?.as_str(), types.next()) {
        ("user_active", None) => Some(SessionUpdate::UserActive),
        ("logout", None) => Some(SessionUpdate::Logout),
        _ => None,
    }
}

fn event(update: SessionUpdate) -> Event {
    match update {
        SessionUpdate::UserActive => Event::UserActive,
        SessionUpdate::Logout => Event::Logout,
    }
}

async fn tell(
    snapshot: &Snapshot,
    Updates { session, target }: &Updates,
    update: SessionUpdate,
    environment: Environment<'_>,
) -> OwnAnswer {
    let event = event(update);
    let sent = match target {
        UpdateTarget::Plugin { session_url } => {
            send(snapshot, session, session_url, update, environment).await
        }
        UpdateTarget::Adapter(ticket) => match snapshot.auth(&session.auth_method) {
            Some((_, _, adapter)) => adapter.update(ticket, update, environment).await,
            None => Err(PluginError::Gone),
        },
    };
    match sent {
        Ok(()) => {
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
    update: SessionUpdate,
    environment: Environment<'_>,
) -> Result<(), PluginError> {
    let url = PluginUrl::parse_attr_url(session_url.with_parameter("type", update.as_str()))
        .map_err(|_| PluginError::Malformed)?;
    let timeout =
        snapshot.auth(&session.auth_method).map_or(DEFAULT_PLUGIN_TIMEOUT, |(_, auth, _)| auth.timeout);
    plugins::update(&session.auth_method, &url, timeout, environment).await.map(|_| ())
}

/// Whatever it answered, and whether it did in time: the communication plugin need not know.
fn had_its_chance(error: PluginError) -> bool {
    !matches!(error, PluginError::Transport(TransportError::Connect | TransportError::Resolve))
}
