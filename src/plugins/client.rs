//! What the gateway needs of an HTTP client: a request with a deadline and a bounded answer.
//!
//! A trait, so that protocol steps can be tested without sockets; `proxy` implements it over
//! Pingora's connector. An implementation follows no redirects.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::upstreams::Server;

/// Largest answer read from a plugin, in bytes: real ones are a few hundred.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// One request. Never shown in a log: path, headers and body carry sessions, secrets and results.
pub struct OutgoingRequest<'a> {
    pub method: Method,
    pub server: &'a Server,
    /// Path and query, starting with a slash.
    pub path_and_query: &'a str,
    /// `None` for an empty body.
    pub content_type: Option<&'static str>,
    /// Besides those that every request has. An `Accept` replaces `application/json`.
    pub headers: &'a [(HeaderName, HeaderValue)],
    pub body: Bytes,
    /// Sent as `X-Request-Id`.
    pub request_id: &'a str,
    pub connect_timeout: Duration,
    /// For everything from name resolution to the last byte of the answer.
    pub total_timeout: Duration,
    /// Whether it may be sent a second time when a *reused* connection failed before anything of
    /// an answer was read. Never true for `start_communication` and deliveries.
    pub repeatable: bool,
    /// Whether it needs a connection of its own: a pooled one may be about to close, which is only
    /// found out once the request is under way.
    pub fresh_connection: bool,
}

/// An answer of any status.
pub struct IncomingAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer. A closed set: it becomes a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error("its name cannot be resolved")]
    Resolve,
    #[error("it cannot be connected to")]
    Connect,
    #[error("it did not answer in time")]
    Timeout,
    #[error("it closed the connection or answered something that is not HTTP")]
    Broken,
    #[error("its answer is too large")]
    TooLarge,
}

impl TransportError {
    /// The value of the metric label `outcome`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolve => "resolve_failed",
            Self::Connect => "connect_failed",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::TooLarge => "too_large",
        }
    }
}

/// Sends requests over pooled connections.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// # Errors
    /// [`TransportError`] when no whole answer came; an answer of any status is `Ok`.
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError>;
}
