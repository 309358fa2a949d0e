//! `POST /start`: the first step of a session.

use http::{HeaderValue, StatusCode, header};

use super::{Problem, ProblemCode, SessionReference, negotiate, start_request::StartRequest};
use crate::{
    config::{AuthMethod, CommMethod, Purpose},
    metrics::SessionLabels,
    model::{OwnAnswer, OwnRequest, PluginUrl, ResultToken, wire},
    plugins::{
        AuthPlugin, AuthenticationRequest, CommPlugin, CommunicationRequest, Environment, PluginError,
        TransportError,
    },
    snapshot::Snapshot,
};

/// A start whose tags are known and allowed: every kind that can go wrong early has.
enum Start<'s> {
    /// Authentication, then communication.
    Full { purpose: &'s Purpose, auth: Auth<'s>, comm: Comm<'s> },
    /// Communication with an earlier result.
    WithResult { purpose: &'s Purpose, comm: Comm<'s>, result: ResultToken },
    /// Communication without authentication.
    Unauthenticated { purpose: &'s Purpose, comm: Comm<'s> },
}

#[derive(Clone, Copy)]
struct Auth<'s> {
    config: &'s AuthMethod,
    plugin: &'s AuthPlugin,
}

#[derive(Clone, Copy)]
struct Comm<'s> {
    config: &'s CommMethod,
    plugin: &'s CommPlugin,
}

/// Starts a session: a JSON answer, a redirect or a problem.
pub async fn start(snapshot: &Snapshot, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
    let reference = SessionReference::new(environment.random);
    match try_start(snapshot, request, reference, environment).await {
        Ok(client_url) => answer(&client_url, request.accept.as_deref()),
        Err(problem) => problem.of_session(reference).answer(request, snapshot.base_path()),
    }
}

async fn try_start(
    snapshot: &Snapshot,
    request: &OwnRequest,
    reference: SessionReference,
    environment: Environment<'_>,
) -> Result<String, Problem> {
    let parsed = StartRequest::parse(request.content_type.as_deref(), &request.body)
        .and_then(|body| Start::resolve(snapshot, body));
    let start = match parsed {
        Ok(start) => start,
        Err(problem) => {
            tracing::info!(session = %reference, code = problem.code.as_str(),
                request_id = environment.request_id, "session refused");
            return Err(problem);
        }
    };
    let labels = start.labels();
    let outcome = start.run(environment).await;
    let event = match &outcome {
        Ok(_) => "ok",
        Err(problem) if problem.code == ProblemCode::DeliveryFailed => "delivery_failed",
        Err(_) => "plugin_error",
    };
    environment.metrics.session_event(labels, "start", event);
    let SessionLabels { purpose, auth_method, comm_method } = labels;
    match &outcome {
        Ok(_) => {
            environment.metrics.session_started(labels, start.kind());
            tracing::info!(session = %reference, purpose, auth_method, comm_method, kind = start.kind(),
                request_id = environment.request_id, "session started");
        }
        Err(problem) => {
            tracing::warn!(session = %reference, purpose, auth_method, comm_method, kind = start.kind(),
                code = problem.code.as_str(), detail = &*problem.detail,
                request_id = environment.request_id, "session not started");
        }
    }
    outcome
}

fn answer(client_url: &str, accept: Option<&str>) -> OwnAnswer {
    let answer = if negotiate::wants_json(accept) {
        // A string always has a JSON form.
        let body = serde_json::to_vec(&wire::ClientUrl { client_url }).unwrap_or_default();
        OwnAnswer::new(StatusCode::OK, "application/json", body)
    } else {
        match HeaderValue::from_str(client_url) {
            Ok(location) => OwnAnswer::empty(StatusCode::SEE_OTHER).with_header(header::LOCATION, location),
            // Only visible ASCII and bytes above it get here, and those a header can carry.
            Err(_) => OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    };
    answer.with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

impl<'s> Start<'s> {
    fn resolve(snapshot: &'s Snapshot, body: StartRequest) -> Result<Self, Problem> {
        let tag = body
            .purpose
            .as_deref()
            .ok_or_else(|| Problem::new(ProblemCode::InvalidRequest, "the field `purpose` is missing"))?;
        let purpose = snapshot.purpose(tag).ok_or_else(|| {
            Problem::new(ProblemCode::UnknownPurpose, "the purpose is not in purposes.yaml")
        })?;
        let auth =
            body.auth_method.as_deref().map(|tag| Auth::resolve(snapshot, purpose, tag)).transpose()?;
        let comm =
            body.comm_method.as_deref().map(|tag| Comm::resolve(snapshot, purpose, tag)).transpose()?;
        match (auth, comm, body.auth_result) {
            (Some(auth), Some(comm), _) => Ok(Self::Full { purpose, auth, comm }),
            (None, Some(comm), Some(result)) => Ok(Self::WithResult { purpose, comm, result }),
            (None, Some(comm), None) if purpose.unauthenticated => {
                Ok(Self::Unauthenticated { purpose, comm })
            }
            (None, Some(_), None) => Err(Problem::new(
                ProblemCode::UnauthenticatedNotAllowed,
                "name an `auth_method`, or send an `auth_result`",
            )),
            (Some(_), None, _) if body.comm_url.is_some() || body.attr_url.is_some() => Err(Problem::new(
                ProblemCode::NotSupportedYet,
                "authentication during communication is not supported yet",
            )),
            (Some(_), None, _) => Err(Problem::new(
                ProblemCode::NotSupportedYet,
                "authentication before the choice of a communication method is not supported yet",
            )),
            (None, None, _) => Err(Problem::new(
                ProblemCode::InvalidRequest,
                "neither `auth_method` nor `comm_method` is given",
            )),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Full { .. } => "full",
            Self::WithResult { .. } => "communication",
            Self::Unauthenticated { .. } => "unauthenticated",
        }
    }

    fn labels(&self) -> SessionLabels<'s> {
        let (purpose, auth, comm) = match self {
            Self::Full { purpose, auth, comm } => (purpose, auth.config.tag.as_str(), comm),
            Self::WithResult { purpose, comm, .. } | Self::Unauthenticated { purpose, comm } => {
                (purpose, "", comm)
            }
        };
        SessionLabels {
            purpose: purpose.tag.as_str(),
            auth_method: auth,
            comm_method: comm.config.tag.as_str(),
        }
    }

    /// Calls the plugins; the answer is where the citizen goes.
    async fn run(&self, environment: Environment<'_>) -> Result<String, Problem> {
        match self {
            Self::Full { purpose, auth, comm } => full(purpose, *auth, *comm, environment).await,
            Self::WithResult { purpose, comm, result } => {
                with_result(purpose, *comm, result, environment).await
            }
            Self::Unauthenticated { purpose, comm } => {
                let request = CommunicationRequest { purpose, auth_result: None };
                let started = comm.plugin.start(&request, environment).await.map_err(|e| comm.problem(e))?;
                Ok(started.client_url.as_str().to_owned())
            }
        }
    }
}

/// Communication first, then authentication with its URLs (protocol.md, "Core -> auth plugin").
async fn full(
    purpose: &Purpose,
    auth: Auth<'_>,
    comm: Comm<'_>,
    environment: Environment<'_>,
) -> Result<String, Problem> {
    let request = CommunicationRequest { purpose, auth_result: None };
    let communication = comm.plugin.start(&request, environment).await.map_err(|e| comm.problem(e))?;
    let request = AuthenticationRequest {
        purpose,
        attributes: &purpose.attributes,
        continuation: &communication.client_url,
        attr_url: communication.attr_url.as_ref(),
    };
    let client_url = auth.plugin.start(&request, environment).await.map_err(|e| auth.problem(e))?;
    Ok(client_url.as_str().to_owned())
}

/// Communication with a result that exists (protocol.md, "Core -> comm plugin").
async fn with_result(
    purpose: &Purpose,
    comm: Comm<'_>,
    result: &ResultToken,
    environment: Environment<'_>,
) -> Result<String, Problem> {
    let at_start = !comm.config.disable_attributes_at_start;
    let request = CommunicationRequest { purpose, auth_result: at_start.then_some(result) };
    let started = comm.plugin.start(&request, environment).await.map_err(|e| comm.problem(e))?;
    match &started.attr_url {
        _ if at_start => Ok(started.client_url.as_str().to_owned()),
        None => Ok(with_result_added(&started.client_url, result)),
        Some(attr_url) => {
            comm.plugin.deliver(attr_url, result, comm.config.timeout, environment).await.map_err(
                |error| {
                    let detail = format!("`{}` did not take the result: {error}", comm.config.tag);
                    Problem::new(ProblemCode::DeliveryFailed, detail)
                },
            )?;
            Ok(started.client_url.as_str().to_owned())
        }
    }
}

/// A result's characters are those of base64url and the full stop, unless a stranger made it up.
fn with_result_added(client_url: &PluginUrl, result: &ResultToken) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(result.expose().as_bytes()).collect();
    client_url.with_result(&encoded)
}

impl<'s> Auth<'s> {
    fn resolve(snapshot: &'s Snapshot, purpose: &Purpose, tag: &str) -> Result<Self, Problem> {
        let (id, config, plugin) = snapshot.auth(tag).ok_or_else(|| {
            Problem::new(ProblemCode::UnknownAuthMethod, "the authentication method is not in plugins.yaml")
        })?;
        if !purpose.allowed_auth.contains(&id) {
            return Err(Problem::new(
                ProblemCode::AuthMethodNotAllowed,
                "it is not among the purpose's `allowed_auth`",
            ));
        }
        Ok(Self { config, plugin })
    }

    fn problem(&self, error: PluginError) -> Problem {
        plugin_problem(
            self.config.tag.as_str(),
            error,
            ProblemCode::AuthPluginTimeout,
            ProblemCode::AuthPluginError,
        )
    }
}

impl<'s> Comm<'s> {
    fn resolve(snapshot: &'s Snapshot, purpose: &Purpose, tag: &str) -> Result<Self, Problem> {
        let (id, config, plugin) = snapshot.comm(tag).ok_or_else(|| {
            Problem::new(ProblemCode::UnknownCommMethod, "the communication method is not in plugins.yaml")
        })?;
        if !purpose.allowed_comm.contains(&id) {
            return Err(Problem::new(
                ProblemCode::CommMethodNotAllowed,
                "it is not among the purpose's `allowed_comm`",
            ));
        }
        Ok(Self { config, plugin })
    }

    fn problem(&self, error: PluginError) -> Problem {
        plugin_problem(
            self.config.tag.as_str(),
            error,
            ProblemCode::CommPluginTimeout,
            ProblemCode::CommPluginError,
        )
    }
}

fn plugin_problem(tag: &str, error: PluginError, timeout: ProblemCode, other: ProblemCode) -> Problem {
    let code = if error == PluginError::Transport(TransportError::Timeout) { timeout } else { other };
    Problem::new(code, format!("the plugin `{tag}` failed: {error}"))
}
