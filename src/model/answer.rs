//! An HTTP request and answer of the gateway's own endpoints as plain values, so that a protocol
//! step is a function from one to the other. Sockets stay in `proxy`.

use std::{fmt, net::IpAddr};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use url::form_urlencoded;

use super::{Language, PluginUrl, SessionReference};

/// A request for one of the gateway's own endpoints, its body read whole.
#[derive(Clone)]
pub struct OwnRequest {
    pub method: Method,
    /// The path as it came, still percent-encoded, without query.
    pub path: String,
    /// The query without its question mark, still encoded. It may hold a result: never log it.
    pub query: Option<String>,
    pub content_type: Option<String>,
    pub accept: Option<String>,
    pub if_none_match: Option<String>,
    /// The header `Cookie`: never log it.
    pub cookie: Option<String>,
    /// Whether a browser asks for the page before anybody wants to see it: nothing may happen then.
    pub prefetch: bool,
    pub language: Language,
    /// Who is at the other end of the connection, whatever any header says.
    pub peer: Option<IpAddr>,
    /// The headers by which a front proxy may say who the citizen is, each as often as it came; only
    /// where an authentication method is asked for a page.
    pub asserted: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// What the gateway itself answers. `Debug` shows neither headers nor the body: they may carry a
/// citizen's session or attributes.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
    /// The code of the problem that it tells, for the log.
    pub problem: Option<&'static str>,
    /// Whose session cannot go on from here, for who records what happens in sessions.
    pub stuck: Option<Stuck>,
}

/// A session that an adapter's page could not lead on.
#[derive(Clone, PartialEq, Eq)]
pub enum Stuck {
    /// At the sign-in, which was to end here.
    SignIn { continuation: PluginUrl },
    /// At the conversation. The tags are those of purpose and methods; no authentication method where
    /// nobody had to sign in.
    Conversation { session: SessionReference, purpose: String, auth_method: String, comm_method: String },
}

impl OwnRequest {
    /// The query parameters of this name, decoded.
    pub fn parameters(&self, name: &str) -> impl Iterator<Item = String> {
        let query = self.query.as_deref().unwrap_or_default();
        let all = form_urlencoded::parse(query.as_bytes());
        all.filter(move |(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// What is answered when nobody is there to see a page: browsers ask for pages before anybody wants to
    /// see them, and programs look whether they are there. Then nothing may happen. `None` where somebody is.
    pub fn without_effect(&self) -> Option<OwnAnswer> {
        let status = match (self.prefetch, &self.method) {
            (true, _) => StatusCode::NO_CONTENT,
            (false, &Method::HEAD) => StatusCode::OK,
            (false, _) => return None,
        };
        let no_store = HeaderValue::from_static("no-store");
        Some(OwnAnswer::empty(status).with_header(header::CACHE_CONTROL, no_store))
    }
}

impl fmt::Debug for OwnAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

impl OwnAnswer {
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body: body.into(),
            problem: None,
            stuck: None,
        }
    }

    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), problem: None, stuck: None }
    }

    /// To go elsewhere, with GET (RFC 9110, section 15.4.4). `location` may carry a session.
    pub fn see_other(location: &str) -> Self {
        match HeaderValue::from_bytes(location.as_bytes()) {
            Ok(location) => Self::empty(StatusCode::SEE_OTHER)
                .with_header(header::LOCATION, location)
                .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
                .with_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            // URLs have no control characters, so that a header can carry each of them.
            Err(_) => Self::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
