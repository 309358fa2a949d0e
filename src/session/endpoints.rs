//! The gateway's own endpoints: which listener offers which, with which methods.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderValue, Method, header};

use super::{
    Problem, ProblemCode, attributes, choose, continuation, events::record_stuck, options, start, update,
};
use crate::{
    model::{Language, OwnAnswer, OwnRequest},
    pages,
    plugins::Environment,
    routing::{OwnPath, decode_segment},
    snapshot::Snapshot,
};

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// What browsers reach.
    Public,
    /// What plugins reach.
    Internal,
}

impl Listener {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }
}

/// An own endpoint, as metrics and the log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    SessionOptions,
    Start,
    Choose,
    SessionContinue,
    SessionAttributes,
    SessionUpdate,
    Jwks,
    Auth,
    Comm,
    Static,
    NotFound,
}

/// The methods of pages and documents.
const READ: &str = "GET, HEAD";

impl Endpoint {
    pub const ALL: [Self; 11] = [
        Self::SessionOptions,
        Self::Start,
        Self::Choose,
        Self::SessionContinue,
        Self::SessionAttributes,
        Self::SessionUpdate,
        Self::Jwks,
        Self::Auth,
        Self::Comm,
        Self::Static,
        Self::NotFound,
    ];

    /// The endpoint that a path means on a listener.
    pub fn of(path: &OwnPath<'_>, listener: Listener) -> Self {
        match (path, listener) {
            (OwnPath::SessionOptions | OwnPath::SessionOptionsOf(_), _) => Self::SessionOptions,
            (OwnPath::Start, _) => Self::Start,
            (OwnPath::Comm { .. }, _) => Self::Comm,
            (OwnPath::Auth { .. }, Listener::Public) => Self::Auth,
            (OwnPath::Choose | OwnPath::ChooseFor(_), Listener::Public) => Self::Choose,
            (OwnPath::SessionContinue(_), Listener::Public) => Self::SessionContinue,
            (OwnPath::SessionAttributes(_), Listener::Internal) => Self::SessionAttributes,
            (OwnPath::SessionUpdate(_), Listener::Internal) => Self::SessionUpdate,
            (OwnPath::Jwks, _) => Self::Jwks,
            (OwnPath::Static(_), Listener::Public) => Self::Static,
            _ => Self::NotFound,
        }
    }

    /// The value of the label `route`. Has a colon, which sets it apart in dashboards.
    pub fn label(self) -> &'static str {
        match self {
            Self::SessionOptions => "gateway:session_options",
            Self::Start => "gateway:start",
            Self::Choose => "gateway:choose",
            Self::SessionContinue => "gateway:session_continue",
            Self::SessionAttributes => "gateway:session_attributes",
            Self::SessionUpdate => "gateway:session_update",
            Self::Jwks => "gateway:jwks",
            Self::Auth => "gateway:auth",
            Self::Comm => "gateway:comm",
            Self::Static => "gateway:static",
            Self::NotFound => "gateway:not_found",
        }
    }

    /// The methods it knows, as `Allow` lists them.
    fn methods(self, listener: Listener) -> &'static str {
        match (self, listener) {
            (Self::Start | Self::SessionAttributes | Self::SessionUpdate, _)
            | (Self::Comm, Listener::Internal) => "POST",
            (Self::Auth | Self::Comm, Listener::Public) => "GET, HEAD, POST",
            _ => READ,
        }
    }

    /// Refuses a method that the endpoint does not know.
    pub fn check_method(self, method: &Method, listener: Listener) -> Result<(), &'static str> {
        let allowed = self.methods(listener);
        if self == Self::NotFound || allowed.split(", ").any(|name| name == method.as_str()) {
            Ok(())
        } else {
            Err(allowed)
        }
    }
}

/// 405 with the methods that would be right (RFC 9110, section 15.5.6).
pub fn method_not_allowed(
    allowed: &'static str,
    accept: Option<&str>,
    language: Language,
    base: &str,
) -> OwnAnswer {
    Problem::new(ProblemCode::MethodNotAllowed, format!("the methods here are {allowed}"))
        .answer_for(accept, language, base)
        .with_header(header::ALLOW, HeaderValue::from_static(allowed))
}

/// Answers that need neither a body nor a copy: `session_options`. `None` for other endpoints.
pub fn prepared(
    snapshot: &Snapshot,
    path: &OwnPath<'_>,
    language: Language,
) -> Option<Result<Arc<OwnAnswer>, Problem>> {
    match path {
        OwnPath::SessionOptions => Some(Ok(options::all(snapshot, language))),
        OwnPath::SessionOptionsOf(segment) => {
            let tag = if segment.contains('%') {
                decode_segment(segment).map(Cow::Owned)
            } else {
                Some(Cow::Borrowed(*segment))
            };
            Some(options::of_purpose(snapshot, tag.as_deref(), language))
        }
        _ => None,
    }
}

/// Answers a request for an own path; its method is one that the endpoint knows.
pub async fn answer(
    snapshot: &Snapshot,
    listener: Listener,
    path: &OwnPath<'_>,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    let answer = match (path, listener) {
        (OwnPath::Start, _) => Some(start::start(snapshot, listener, request, environment).await),
        (OwnPath::SessionContinue(state), Listener::Public) => {
            Some(continuation::resume(snapshot, state, request, environment).await)
        }
        (OwnPath::SessionAttributes(state), Listener::Internal) => {
            Some(attributes::take(snapshot, state, request, environment).await)
        }
        (OwnPath::SessionUpdate(state), Listener::Internal) => {
            Some(update::relay(snapshot, state, request, environment).await)
        }
        (OwnPath::Jwks, _) => Some(OwnAnswer::clone(snapshot.jwks())),
        (OwnPath::Choose, Listener::Public) => Some(choose::purposes(snapshot, request.language)),
        (OwnPath::ChooseFor(segment), Listener::Public) => {
            choose::methods(snapshot, segment, request, environment)
        }
        (OwnPath::Auth { tag, rest }, Listener::Public) => {
            auth_page(snapshot, tag, rest, request, environment).await
        }
        (OwnPath::Comm { tag, rest }, _) => comm(snapshot, listener, tag, rest, request, environment),
        (OwnPath::Static(name), Listener::Public) => {
            pages::assets::asset(name, request.if_none_match.as_deref())
        }
        _ => None,
    };
    answer.unwrap_or_else(|| not_found(request, snapshot.base_path()))
}

fn not_found(request: &OwnRequest, base: &str) -> OwnAnswer {
    Problem::new(ProblemCode::NotFound, "no endpoint and no route matches the path").answer(request, base)
}

/// A page of an adapter that plays an authentication plugin.
async fn auth_page(
    snapshot: &Snapshot,
    tag: &str,
    rest: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> Option<OwnAnswer> {
    let (_, _, plugin) = snapshot.auth(&decode_segment(tag)?)?;
    plugin.page(rest, request, environment).await.map(|answer| recorded(snapshot, answer, environment))
}

/// A page from which a session cannot go on is an event of that session.
fn recorded(snapshot: &Snapshot, mut answer: OwnAnswer, environment: Environment<'_>) -> OwnAnswer {
    if let Some(stuck) = answer.stuck.take() {
        record_stuck(&stuck, answer.status, snapshot, environment);
    }
    answer
}

/// A page of an adapter that plays a communication plugin, or a result delivered to it.
fn comm(
    snapshot: &Snapshot,
    listener: Listener,
    tag: &str,
    rest: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> Option<OwnAnswer> {
    let (_, _, plugin) = snapshot.comm(&decode_segment(tag)?)?;
    match listener {
        Listener::Public => {
            plugin.page(rest, request, environment).map(|answer| recorded(snapshot, answer, environment))
        }
        Listener::Internal => plugin.receive(rest, request, environment),
    }
}
