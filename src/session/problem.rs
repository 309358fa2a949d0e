//! What went wrong, told to a client (RFC 9457) or to a citizen (a page).
//!
//! [`ProblemCode`] is the documented list of codes (docs/errors.md); each has one status and one title.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;

use super::{citizen, citizen::WayOn, negotiate};
use crate::{
    model::{Language, OwnAnswer, OwnRequest, SessionReference},
    pages::{self, ErrorPage},
};

/// Every error code that the gateway answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    InvalidRequest,
    UnsupportedMediaType,
    RequestTooLarge,
    RequestTimeout,
    MethodNotAllowed,
    UnknownPurpose,
    UnknownAuthMethod,
    AuthMethodNotAllowed,
    UnknownCommMethod,
    CommMethodNotAllowed,
    UnauthenticatedNotAllowed,
    NotCombinable,
    SignatureRequired,
    SignatureRefused,
    PurposeNotAllowed,
    UrlNotAllowed,
    UrlTooLong,
    UnknownSession,
    OtherBrowser,
    ResultRejected,
    AuthPluginError,
    CommPluginError,
    AuthPluginTimeout,
    CommPluginTimeout,
    DeliveryFailed,
    InvalidPath,
    MissingHost,
    NotFound,
    UpstreamUnavailable,
    UpstreamTimeout,
    InternalError,
}

impl ProblemCode {
    pub const ALL: [Self; 31] = [
        Self::InvalidRequest,
        Self::UnsupportedMediaType,
        Self::RequestTooLarge,
        Self::RequestTimeout,
        Self::MethodNotAllowed,
        Self::UnknownPurpose,
        Self::UnknownAuthMethod,
        Self::AuthMethodNotAllowed,
        Self::UnknownCommMethod,
        Self::CommMethodNotAllowed,
        Self::UnauthenticatedNotAllowed,
        Self::NotCombinable,
        Self::SignatureRequired,
        Self::SignatureRefused,
        Self::PurposeNotAllowed,
        Self::UrlNotAllowed,
        Self::UrlTooLong,
        Self::UnknownSession,
        Self::OtherBrowser,
        Self::ResultRejected,
        Self::AuthPluginError,
        Self::CommPluginError,
        Self::AuthPluginTimeout,
        Self::CommPluginTimeout,
        Self::DeliveryFailed,
        Self::InvalidPath,
        Self::MissingHost,
        Self::NotFound,
        Self::UpstreamUnavailable,
        Self::UpstreamTimeout,
        Self::InternalError,
    ];

    /// The member `code`: stable, for programs.
    pub fn as_str(self) -> &'static str {
        self.describe().1
    }

    pub fn status(self) -> StatusCode {
        self.describe().0
    }

    /// The member `title`: the same for every occurrence.
    pub fn title(self) -> &'static str {
        self.describe().2
    }

    fn describe(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidRequest => (S::BAD_REQUEST, "invalid_request", "The request cannot be understood"),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body has a type that is not accepted here",
            ),
            Self::RequestTooLarge => (S::PAYLOAD_TOO_LARGE, "request_too_large", "The body is too large"),
            Self::RequestTimeout => {
                (S::REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time")
            }
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "This method is not possible here")
            }
            Self::UnknownPurpose => (S::BAD_REQUEST, "unknown_purpose", "There is no such purpose"),
            Self::UnknownAuthMethod => {
                (S::BAD_REQUEST, "unknown_auth_method", "There is no such authentication method")
            }
            Self::AuthMethodNotAllowed => (
                S::BAD_REQUEST,
                "auth_method_not_allowed",
                "The purpose does not allow this authentication method",
            ),
            Self::UnknownCommMethod => {
                (S::BAD_REQUEST, "unknown_comm_method", "There is no such communication method")
            }
            Self::CommMethodNotAllowed => (
                S::BAD_REQUEST,
                "comm_method_not_allowed",
                "The purpose does not allow this communication method",
            ),
            Self::UnauthenticatedNotAllowed => {
                (S::BAD_REQUEST, "unauthenticated_not_allowed", "The purpose wants authentication first")
            }
            Self::NotCombinable => (
                S::BAD_REQUEST,
                "not_combinable",
                "Results of this authentication method cannot reach this receiver",
            ),
            Self::SignatureRequired => {
                (S::FORBIDDEN, "signature_required", "This start has to be signed by an initiator")
            }
            Self::SignatureRefused => {
                (S::FORBIDDEN, "signature_refused", "The signed start is not acceptable")
            }
            Self::PurposeNotAllowed => {
                (S::FORBIDDEN, "purpose_not_allowed", "The initiator has no right to this purpose")
            }
            Self::UrlNotAllowed => {
                (S::FORBIDDEN, "url_not_allowed", "The start names a URL that it may not name")
            }
            Self::UrlTooLong => {
                (S::BAD_GATEWAY, "url_too_long", "The URLs of this session are too long to be passed on")
            }
            Self::UnknownSession => {
                (S::NOT_FOUND, "unknown_session", "There is no such session, or it has ended")
            }
            Self::OtherBrowser => {
                (S::FORBIDDEN, "other_browser", "The session was started in another browser")
            }
            Self::ResultRejected => {
                (S::BAD_REQUEST, "result_rejected", "The authentication result is not acceptable")
            }
            Self::AuthPluginError => {
                (S::BAD_GATEWAY, "auth_plugin_error", "The authentication service failed")
            }
            Self::CommPluginError => {
                (S::BAD_GATEWAY, "comm_plugin_error", "The communication service failed")
            }
            Self::AuthPluginTimeout => (
                S::GATEWAY_TIMEOUT,
                "auth_plugin_timeout",
                "The authentication service did not answer in time",
            ),
            Self::CommPluginTimeout => (
                S::GATEWAY_TIMEOUT,
                "comm_plugin_timeout",
                "The communication service did not answer in time",
            ),
            Self::DeliveryFailed => (
                S::BAD_GATEWAY,
                "delivery_failed",
                "The result could not be handed to the communication service",
            ),
            Self::InvalidPath => (S::BAD_REQUEST, "invalid_path", "The path is ambiguous and was refused"),
            Self::MissingHost => (S::BAD_REQUEST, "missing_host", "The request names no valid host"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is nothing here"),
            Self::UpstreamUnavailable => {
                (S::BAD_GATEWAY, "upstream_unavailable", "The service behind this address is not available")
            }
            Self::UpstreamTimeout => (
                S::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "The service behind this address did not answer in time",
            ),
            Self::InternalError => {
                (S::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong in the gateway")
            }
        }
    }
}

/// One occurrence of a problem. `detail` never holds what a client or a plugin sent, but for tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: ProblemCode,
    pub detail: Cow<'static, str>,
    pub session: Option<SessionReference>,
    /// Where a page leads; nowhere in particular is to the choice of a purpose.
    pub ways_on: Vec<WayOn>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), session: None, ways_on: Vec::new() }
    }

    #[must_use]
    pub fn of_session(mut self, reference: SessionReference) -> Self {
        self.session = Some(reference);
        self
    }

    #[must_use]
    pub fn with_way_on(mut self, way_on: WayOn) -> Self {
        self.ways_on.push(way_on);
        self
    }

    /// The one answer to every state that is refused, whatever was wrong with it.
    pub fn unknown_session() -> Self {
        Self::new(ProblemCode::UnknownSession, "start again: the link has expired, or is not right")
    }

    /// The answer to a browser that a session is not bound to.
    pub fn other_browser() -> Self {
        Self::new(ProblemCode::OtherBrowser, "the browser does not have the cookie of this session")
    }

    /// The answer to this request: a page where the client is a browser, else JSON.
    /// `base` is the path of the public URL.
    pub fn answer(&self, request: &OwnRequest, base: &str) -> OwnAnswer {
        self.answer_for(request.accept.as_deref(), request.language, base)
    }

    /// As [`Self::answer`], for a request of which only the head is there.
    pub fn answer_for(&self, accept: Option<&str>, language: Language, base: &str) -> OwnAnswer {
        if negotiate::wants_page(accept) { self.page(language, base) } else { self.json() }
    }

    fn page(&self, language: Language, base: &str) -> OwnAnswer {
        let text = citizen::text(self.code, language);
        let session = self.session.map(|reference| reference.to_string());
        let links: Vec<_> = self.ways_on.iter().map(|way_on| way_on.link(base, language)).collect();
        let view = ErrorPage {
            base,
            status: self.code.status(),
            title: text.title,
            what_happened: text.what_happened,
            what_to_do: text.what_to_do,
            links: &links,
            session: session.as_deref(),
        };
        OwnAnswer { problem: Some(self.code.as_str()), ..pages::error(&view, language) }
    }

    /// `application/problem+json` (RFC 9457).
    pub fn json(&self) -> OwnAnswer {
        let body = Body {
            r#type: format!("urn:problem-type:id-contact:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            session: self.session.map(|reference| reference.to_string()),
        };
        // Strings and numbers always have a JSON form.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let answer = OwnAnswer::new(self.code.status(), "application/problem+json", json)
            .with_header(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
        OwnAnswer { problem: Some(self.code.as_str()), ..answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_documented() {
        let documentation = include_str!("../../docs/errors.md");
        let mut seen = std::collections::HashSet::new();
        for code in ProblemCode::ALL {
            assert!(seen.insert(code.as_str()), "{code:?} shares its code");
            let row = format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
            assert!(documentation.contains(&row), "docs/errors.md has no row {row}");
        }
        let rows = documentation.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, ProblemCode::ALL.len());
    }

    #[test]
    fn the_body_is_rfc_9457() {
        let answer = Problem::new(ProblemCode::UnknownPurpose, "`x` is not a purpose").json();
        assert_eq!(answer.status, 400);
        assert_eq!(
            std::str::from_utf8(&answer.body).unwrap(),
            r#"{"type":"urn:problem-type:id-contact:unknown_purpose","title":"There is no such purpose","status":400,"detail":"`x` is not a purpose","code":"unknown_purpose"}"#
        );
    }
}
