//! The two sides that the gateway links: authentication and communication plugins.
//!
//! One closed enum per side; a remote plugin and an adapter (the gateway itself playing the
//! plugin) answer the same calls, and nothing else in the crate knows the difference. Calls leave
//! the process through [`HttpClient`], which the composition root supplies.
//! May import: `upstreams`, `tokens`, `config`, `model`; `pages` for what adapters show; `metrics`.

pub mod client;
pub mod deliveries;
mod delivery;
pub mod development;
pub mod handover;
pub mod headers;
pub mod inspect;
pub mod link;
pub mod oidc;
mod place;
mod recent;
pub mod remote;
pub mod rest;
mod sign_in;
pub mod test;
#[cfg(test)]
mod testing;

use std::time::{Duration, Instant};

use http::StatusCode;

pub use self::{
    client::{HttpClient, IncomingAnswer, OutgoingRequest, TransportError},
    handover::{Authenticated, Delivery, Ticket},
    place::{Place, SealedPlace, open, seal},
    remote::RemotePlugin,
};
use crate::{
    config::Purpose,
    metrics::Metrics,
    model::{
        AttributeTag, Clock, MethodTag, Nonce, OwnAnswer, OwnRequest, PluginUrl, Random, ResultToken,
        SessionReference, UrlError,
    },
};

/// What a step of a session may use of the world: all of it is a parameter.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    pub http: &'a dyn HttpClient,
    pub clock: &'a dyn Clock,
    pub random: &'a dyn Random,
    pub metrics: &'a Metrics,
    /// Sent along as `X-Request-Id`, so that a plugin's log lines can be found.
    pub request_id: &'a str,
}

/// What an authentication plugin is asked (protocol.md, "Core -> auth plugin").
pub struct AuthenticationRequest<'a> {
    /// Never sent to a remote plugin; an adapter binds its result to it.
    pub session: SessionReference,
    /// Never sent to a remote plugin; an adapter's page shows it.
    pub purpose: &'a Purpose,
    pub attributes: &'a [AttributeTag],
    /// Where the citizen goes afterwards.
    pub continuation: &'a PluginUrl,
    /// Where the result is to be delivered by POST; without it, it goes with the citizen.
    pub attr_url: Option<&'a PluginUrl>,
}

/// What a communication plugin is asked (protocol.md, "Core -> comm plugin").
pub struct CommunicationRequest<'a> {
    /// Never sent to a remote plugin; an adapter takes no other session's result.
    pub session: SessionReference,
    pub purpose: &'a Purpose,
    pub auth_result: Option<&'a ResultToken>,
    /// Never sent to a remote plugin; what an adapter names a conversation by whose choice can be made
    /// twice, so that it leads to the same one.
    pub random: Option<Nonce>,
    /// Whether a result comes sooner or later.
    pub authenticated: bool,
}

/// What a communication plugin wants.
#[derive(Debug, Clone)]
pub struct CommunicationStarted {
    /// Where the citizen goes to communicate.
    pub client_url: PluginUrl,
    /// Where the result is delivered by POST; without it, it goes with the citizen.
    pub attr_url: Option<PluginUrl>,
}

/// Which URL of an answer is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlField {
    ClientUrl,
    AttrUrl,
    /// One that an adapter `http` keeps of an answer.
    Saved,
}

impl std::fmt::Display for UrlField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ClientUrl => "client_url",
            Self::AttrUrl => "attr_url",
            Self::Saved => "URL",
        })
    }
}

/// What is wrong with a plugin. Says nothing of what it sent: that may hold a citizen's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("it answered with status {0}")]
    Status(StatusCode),
    #[error("its answer is not the JSON that the protocol wants")]
    Malformed,
    #[error("its {field} cannot be used: {reason}")]
    Url { field: UrlField, reason: UrlError },
    #[error("a template of plugins.yaml cannot be filled in")]
    Template,
    #[error("the result that it got is not one of this session")]
    Result,
    #[error("the configuration has no such adapter any more, or another service for it")]
    Gone,
    #[error("the cryptographic library failed")]
    Library,
}

impl PluginError {
    /// Whether another attempt may end otherwise: nobody refused what was sent.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Transport(error) => error != TransportError::TooLarge,
            Self::Status(status) => status.is_server_error(),
            _ => false,
        }
    }

    /// The value of the metric label `outcome`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Transport(error) => error.label(),
            Self::Status(_) => "bad_status",
            Self::Malformed => "malformed",
            Self::Url { .. } => "bad_url",
            Self::Template => "bad_template",
            Self::Result => "bad_result",
            Self::Gone | Self::Library => "failed",
        }
    }
}

/// An authentication method at work.
pub struct AuthPlugin {
    pub tag: MethodTag,
    pub role: AuthRole,
}

/// Who plays the authentication plugin.
pub enum AuthRole {
    Remote(RemotePlugin),
    Test(test::TestAdapter),
    Oidc(Box<oidc::OidcAdapter>),
    Http(Box<rest::HttpAuthAdapter>),
    Headers(headers::HeadersAdapter),
}

/// A communication method at work.
pub struct CommPlugin {
    pub tag: MethodTag,
    pub role: CommRole,
}

/// Who plays the communication plugin.
pub enum CommRole {
    Remote(RemotePlugin),
    Inspect(inspect::InspectAdapter),
    Link(Box<link::LinkAdapter>),
    Http(Box<rest::HttpCommAdapter>),
}

impl AuthPlugin {
    /// Starts an authentication; the answer is where the citizen goes to identify themself.
    ///
    /// # Errors
    /// [`PluginError`]; the metrics have counted it.
    pub async fn start(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let call = Call::begin(self.tag.as_str(), "start_authentication", environment.metrics);
        call.end(match &self.role {
            AuthRole::Remote(plugin) => plugin.start_authentication(request, environment).await,
            AuthRole::Test(adapter) => {
                Ok(adapter.start(request, environment.clock.now(), environment.random))
            }
            AuthRole::Oidc(adapter) => adapter.start(request, environment),
            AuthRole::Http(adapter) => adapter.start(request, environment).await,
            AuthRole::Headers(adapter) => adapter.start(request, environment),
        })
    }

    /// Answers a request for the public `/auth/{tag}/{rest}`; `None` where there is no page.
    pub async fn page(
        &self,
        rest: &str,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Option<OwnAnswer> {
        Some(match (&self.role, request.without_effect()) {
            (AuthRole::Remote(_), _) => return None,
            (AuthRole::Test(adapter), _) => adapter.page(rest, request, environment).await,
            (_, Some(answer)) => answer,
            (AuthRole::Oidc(adapter), None) => adapter.page(rest, request, environment).await,
            (AuthRole::Http(adapter), None) => adapter.page(rest, request, environment).await,
            (AuthRole::Headers(adapter), None) => adapter.page(rest, request, environment),
        })
    }

    /// Tells an adapter of a session update: what it made of the ticket that it issued.
    ///
    /// # Errors
    /// [`PluginError`]; the metrics have counted it.
    pub async fn update(
        &self,
        ticket: &Ticket,
        update: SessionUpdate,
        environment: Environment<'_>,
    ) -> Result<(), PluginError> {
        let call = Call::begin(self.tag.as_str(), "session_update", environment.metrics);
        call.end(match &self.role {
            AuthRole::Oidc(adapter) => adapter.update(ticket, update, environment).await,
            AuthRole::Http(adapter) => adapter.update(ticket, update, environment).await,
            AuthRole::Remote(_) | AuthRole::Test(_) | AuthRole::Headers(_) => Err(PluginError::Gone),
        })
    }
}

impl CommPlugin {
    /// Starts a communication.
    ///
    /// # Errors
    /// [`PluginError`]; the metrics have counted it.
    pub async fn start(
        &self,
        request: &CommunicationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let call = Call::begin(self.tag.as_str(), "start_communication", environment.metrics);
        call.end(match &self.role {
            CommRole::Remote(plugin) => plugin.start_communication(request, environment).await,
            CommRole::Inspect(adapter) => {
                Ok(adapter.start(request, environment.clock.now(), environment.random))
            }
            CommRole::Link(adapter) => adapter.start(request, environment),
            CommRole::Http(adapter) => adapter.start(request, environment).await,
        })
    }

    /// Delivers a result to the `attr_url` that this method named at its start, at most once. The
    /// answer is the receiver's own 2xx.
    ///
    /// # Errors
    /// [`PluginError`]; the metrics have counted it.
    pub async fn deliver(
        &self,
        attr_url: &PluginUrl,
        result: &ResultToken,
        total_timeout: Duration,
        environment: Environment<'_>,
    ) -> Result<StatusCode, PluginError> {
        let CommRole::Http(adapter) = &self.role else {
            return deliver(self.tag.as_str(), attr_url, result, total_timeout, environment).await;
        };
        let call = Call::begin(self.tag.as_str(), "deliver_attributes", environment.metrics);
        call.end(adapter.deliver(attr_url, result, environment).await)
    }

    /// Answers a request for the public `/comm/{tag}/{rest}`; `None` where there is no page.
    pub fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> Option<OwnAnswer> {
        Some(match (&self.role, request.without_effect()) {
            (CommRole::Remote(_) | CommRole::Http(_), _) => return None,
            (CommRole::Inspect(adapter), _) => adapter.page(rest, request, environment.clock.now()),
            (CommRole::Link(_), Some(answer)) => answer,
            (CommRole::Link(adapter), None) => adapter.page(rest, request, environment),
        })
    }

    /// Answers a delivery to the internal `/comm/{tag}/{rest}`; `None` where nothing is taken.
    pub fn receive(
        &self,
        rest: &str,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Option<OwnAnswer> {
        match &self.role {
            CommRole::Inspect(adapter) => Some(adapter.deliver(rest, request, environment.clock.now())),
            CommRole::Remote(_) | CommRole::Link(_) | CommRole::Http(_) => None,
        }
    }
}

/// Delivers a result to the place that a communication plugin named, at most once. `plugin` is its
/// tag; empty where the plugin is none of plugins.yaml. The answer is the receiver's own 2xx.
///
/// # Errors
/// [`PluginError`]; the metrics have counted it.
pub async fn deliver(
    plugin: &str,
    attr_url: &PluginUrl,
    result: &ResultToken,
    total_timeout: Duration,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    let call = Call::begin(plugin, "deliver_attributes", environment.metrics);
    call.end(delivery::deliver(attr_url, result, total_timeout, environment).await)
}

/// What a communication plugin reports of a session (protocol.md, "Session updates").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUpdate {
    UserActive,
    Logout,
}

impl SessionUpdate {
    /// The value of the parameter `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserActive => "user_active",
            Self::Logout => "logout",
        }
    }
}

/// Relays a session update to the authentication plugin of this tag; `url` names the `type`.
///
/// # Errors
/// [`PluginError`]; the metrics have counted it.
pub async fn update(
    plugin: &str,
    url: &PluginUrl,
    total_timeout: Duration,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    let call = Call::begin(plugin, "session_update", environment.metrics);
    call.end(delivery::update(url, total_timeout, environment).await)
}

/// One call to a plugin on its way into the metrics.
struct Call<'a> {
    plugin: &'a str,
    operation: &'static str,
    metrics: &'a Metrics,
    started: Instant,
}

impl<'a> Call<'a> {
    fn begin(plugin: &'a str, operation: &'static str, metrics: &'a Metrics) -> Self {
        Self { plugin, operation, metrics, started: Instant::now() }
    }

    fn end<T>(self, answer: Result<T, PluginError>) -> Result<T, PluginError> {
        let outcome = answer.as_ref().map_or_else(|error| error.label(), |_| "ok");
        self.metrics.plugin_called(self.plugin, self.operation, outcome, self.started.elapsed());
        answer
    }
}
