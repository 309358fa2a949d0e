//! A browser as far as a session needs one: requests, cookies, and where the gateway really is.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::cookies::Cookies;
use crate::{
    model::{BaseUrl, PluginUrl, UrlError},
    plugins::{HttpClient, IncomingAnswer, OutgoingRequest, TransportError},
    upstreams::Server,
};

/// Sent as `X-Request-Id`, by which its lines are told apart in a log that believes it.
const REQUEST_ID: &str = "session-command";
/// Servers that a citizen would wait for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The gateway by the name that browsers know, and the place where it is asked.
pub(super) struct Gateway {
    public: BaseUrl,
    place: BaseUrl,
}

impl Gateway {
    pub(super) fn new(public: BaseUrl, place: BaseUrl) -> Self {
        Self { public, place }
    }

    pub(super) fn place(&self) -> &BaseUrl {
        &self.place
    }

    pub(super) fn url(&self, path: &str) -> PluginUrl {
        PluginUrl::own(&self.public, path)
    }

    /// The path below `public_url` with its query; `None` for a URL elsewhere.
    pub(super) fn own_path(&self, url: &PluginUrl) -> Option<String> {
        let (server, path) = url.request_target()?;
        let path = path.strip_prefix(self.public.path())?;
        (server.origin() == self.public.origin() && path.starts_with('/')).then(|| path.to_owned())
    }
}

/// One request of a browser.
pub(super) struct Request {
    pub(super) url: PluginUrl,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// A GET.
    None,
    Json(String),
    Form(Vec<(String, String)>),
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) body: Bytes,
    pub(super) took: Duration,
}

impl Request {
    pub(super) fn get(url: PluginUrl) -> Self {
        Self { url, body: Body::None }
    }

    pub(super) fn method(&self) -> Method {
        if matches!(self.body, Body::None) { Method::GET } else { Method::POST }
    }
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// Where it redirects to.
    pub(super) fn redirect(&self) -> Option<&str> {
        self.location.as_deref().filter(|_| self.status.is_redirection())
    }

    pub(super) fn is_page(&self) -> bool {
        self.status.is_success()
    }
}

pub(super) struct Browser<'a> {
    http: &'a dyn HttpClient,
    cookies: Cookies,
    /// Headers for the gateway. They say who somebody is: nobody else gets them.
    added: &'a [(HeaderName, HeaderValue)],
    /// When everything has to be over.
    deadline: Instant,
}

impl<'a> Browser<'a> {
    pub(super) fn new(
        http: &'a dyn HttpClient,
        added: &'a [(HeaderName, HeaderValue)],
        deadline: Instant,
    ) -> Self {
        Self { http, cookies: Cookies::default(), added, deadline }
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// # Errors
    /// [`TransportError`] when no answer came; also when the time is up.
    pub(super) async fn send(
        &mut self,
        gateway: &Gateway,
        request: &Request,
    ) -> Result<Answer, TransportError> {
        // Telephone numbers never come here; they would be an answer that does not come.
        let (site, target) = request.url.request_target().ok_or(TransportError::Broken)?;
        let url = Url::parse(request.url.as_str()).map_err(|_| TransportError::Broken)?;
        let (place, path_and_query, added) = match gateway.own_path(&request.url) {
            Some(path) => (gateway.place.clone(), format!("{}{path}", gateway.place.path()), self.added),
            None => (site.clone(), target, &[][..]),
        };
        let (content_type, body) = request.body.encoded();
        let mut headers = vec![
            (header::HOST, site.authority()),
            (header::ACCEPT, request.body.wanted().to_owned()),
            (header::ACCEPT_LANGUAGE, "en".to_owned()),
        ];
        headers.extend(self.cookies.header(&url).map(|cookies| (header::COOKIE, cookies)));
        let headers: Vec<_> = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
            .chain(added.iter().cloned())
            .collect();
        let started = Instant::now();
        let outgoing = OutgoingRequest {
            method: request.method(),
            server: &Server::new(&place),
            path_and_query: &path_and_query,
            content_type,
            headers: &headers,
            body,
            request_id: REQUEST_ID,
            connect_timeout: CONNECT_TIMEOUT.min(self.left()),
            total_timeout: self.left(),
            repeatable: false,
            fresh_connection: true,
        };
        let answer = self.http.send(outgoing).await?;
        for line in answer.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            self.cookies.take(&url, line);
        }
        Ok(Answer::read(answer, started))
    }
}

impl Answer {
    fn read(answer: IncomingAnswer, started: Instant) -> Self {
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        Self {
            status: answer.status,
            location: location.map(str::to_owned),
            body: answer.body,
            took: started.elapsed(),
        }
    }
}

impl Body {
    fn wanted(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::None | Self::Form(_) => "text/html,application/xhtml+xml,*/*;q=0.8",
        }
    }

    fn encoded(&self) -> (Option<&'static str>, Bytes) {
        match self {
            Self::None => (None, Bytes::new()),
            Self::Json(text) => (Some("application/json"), Bytes::copy_from_slice(text.as_bytes())),
            Self::Form(fields) => {
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                (Some("application/x-www-form-urlencoded"), body.into())
            }
        }
    }
}

/// A reference of an answer from `base`, as a browser resolves it: an absolute one stays as it is.
///
/// # Errors
/// [`UrlError`] for what a citizen cannot be sent to.
pub(super) fn resolved(base: &PluginUrl, reference: &str) -> Result<PluginUrl, UrlError> {
    let absolute = if Url::parse(reference).is_ok() {
        reference.to_owned()
    } else {
        let base = Url::parse(base.as_str()).map_err(|_| UrlError::Malformed)?;
        base.join(reference).map_err(|_| UrlError::Malformed)?.to_string()
    };
    PluginUrl::parse_client_url(absolute)
}

/// What of a URL may be shown: no query, and no part of the path that may be a session.
pub(super) fn shown(url: &PluginUrl) -> String {
    /// Names in paths are shorter, sealed states and identifiers of sessions longer.
    const LONGEST_NAME: usize = 20;
    let Some((site, target)) = url.request_target() else { return "tel:…".to_owned() };
    let path = target.split('?').next().unwrap_or_default();
    let parts: Vec<_> =
        path.split('/').map(|part| if part.len() > LONGEST_NAME { "…" } else { part }).collect();
    format!("{}{}", site.origin(), parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PluginUrl {
        PluginUrl::parse_client_url(text.to_owned()).unwrap()
    }

    #[test]
    fn a_gateway_below_a_path_of_its_host_knows_its_own() {
        let base = |text| BaseUrl::parse(text).unwrap();
        let gateway = Gateway::new(base("https://h.test/contact"), base("http://127.0.0.1:8080"));
        assert_eq!(gateway.url("/start").as_str(), "https://h.test/contact/start");
        for (text, path) in [
            ("https://h.test/contact/start?a=b", Some("/start?a=b")),
            ("https://h.test/contacts/start", None),
            ("https://h.test/start", None),
            ("http://h.test/contact/start", None),
            ("tel:112", None),
        ] {
            assert_eq!(gateway.own_path(&url(text)).as_deref(), path, "{text}");
        }
    }

    #[test]
    fn neither_queries_nor_sessions_are_shown() {
        for (text, expected) in [
            (
                "https://h.test:81/session/continue/abcdefghijklmnopqrstuvwxyz?result=R",
                "https://h.test:81/session/continue/…",
            ),
            ("http://h.test/ui/3?x#y", "http://h.test/ui/3"),
            ("tel:+31201234567,,12345#", "tel:…"),
        ] {
            assert_eq!(shown(&url(text)), expected);
        }
    }

    #[test]
    fn references_are_resolved_and_only_the_web_and_telephones_are_gone_to() {
        let base = url("https://h.test/a/b?c");
        assert_eq!(resolved(&base, "../x").unwrap().as_str(), "https://h.test/x");
        assert_eq!(resolved(&base, "https://H.test/%7e").unwrap().as_str(), "https://H.test/%7e");
        assert!(resolved(&base, "tel:112").unwrap().is_telephone());
        for bad in ["javascript:alert(1)", "app://open", "file:///etc/passwd"] {
            assert!(resolved(&base, bad).is_err(), "{bad}");
        }
    }
}
