//! URLs of two kinds: the ones an operator configures, and the ones plugins answer with.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serializer, de::Error};
use url::{Host, Position, Url};

/// RFC 3986's unreserved characters stay.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Any text as one segment of a path, percent-encoded: `met spatie/é` becomes
/// `met%20spatie%2F%C3%A9`.
pub fn path_segment(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, SEGMENT)
}

/// Why a text is not a URL of the kind wanted. Never holds the URL itself: it may carry a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it is not an absolute URL")]
    Malformed,
    #[error("its scheme is not {0}")]
    Scheme(&'static str),
    #[error("it has no host")]
    NoHost,
    #[error("it contains white space or control characters")]
    WhiteSpace,
    #[error("it contains a user name or a password")]
    UserInfo,
    #[error("it has a query or a fragment")]
    QueryOrFragment,
    #[error("its path has dot segments")]
    DotSegments,
    #[error("its path or host can be read in more than one way")]
    Ambiguous,
    #[error("its host is not one that this plugin may name")]
    ForeignHost,
}

/// An `http` or `https` URL without query, fragment or userinfo, whose path has no slash at its
/// end: what `public_url`, `internal_url` and a plugin's `start` are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// # Errors
    /// [`UrlError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::WhiteSpace);
        }
        let mut url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme("http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::QueryOrFragment);
        }
        let trimmed = url.path().trim_end_matches('/').to_owned();
        url.set_path(&trimmed);
        Ok(Self(url))
    }

    /// `http://{address}`.
    pub fn of_address(address: std::net::SocketAddr) -> Result<Self, UrlError> {
        Self::parse(&format!("http://{address}"))
    }

    /// The same URL on another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        let mut url = self.0.clone();
        // Succeeds for every URL with a host.
        let _ = url.set_port(Some(port));
        Self(url)
    }

    /// The URL, always without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// This URL with a path appended; `path` starts with a slash and is already encoded.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Host as the URL standard normalises it: lower case, IPv6 in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, the scheme's default when the URL has none.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(0)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.0.scheme(), self.authority())
    }

    /// `host` or `host:port`, as a `Host` header has it.
    pub fn authority(&self) -> String {
        match self.0.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// The path without a slash at its end; empty for the root.
    pub fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A URL that a plugin answered with, kept byte for byte as the plugin wrote it. It may carry a
/// session of a citizen, so `Debug` shows only its scheme and host.
#[derive(Clone, PartialEq, Eq)]
pub struct PluginUrl {
    text: String,
    kind: PluginUrlKind,
}

#[derive(Clone, PartialEq, Eq)]
enum PluginUrlKind {
    Web(Box<Url>),
    /// `tel:` in any letter case (RFC 3966).
    Telephone,
}

impl PluginUrl {
    /// A place for the citizen to go to: `https`, `http` or `tel`.
    ///
    /// # Errors
    /// [`UrlError`] when it is anything else, holds white space, control characters or userinfo.
    pub fn parse_client_url(text: String) -> Result<Self, UrlError> {
        let scheme = text.split(':').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("tel") && text.len() > "tel:".len() {
            refuse_unsafe_characters(&text)?;
            return Ok(Self { text, kind: PluginUrlKind::Telephone });
        }
        Self::parse_web(text, "https, http or tel")
    }

    /// A place where results are delivered, server side: `https` or `http`.
    ///
    /// # Errors
    /// As for [`Self::parse_client_url`].
    pub fn parse_attr_url(text: String) -> Result<Self, UrlError> {
        Self::parse_web(text, "https or http")
    }

    fn parse_web(text: String, schemes: &'static str) -> Result<Self, UrlError> {
        refuse_unsafe_characters(&text)?;
        let url = Url::parse(&text).map_err(|_| UrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(schemes));
        }
        // The URL standard mends `https:host`, `https:/host` and backslashes; a plugin that sends
        // one means something that other readers take differently, so it is refused.
        if !text[url.scheme().len()..].starts_with("://") || text.contains('\\') {
            return Err(UrlError::Malformed);
        }
        let authority = text[url.scheme().len() + 3..].split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        match url.host() {
            // `https:///x` would be mended to the host `x`.
            _ if authority.is_empty() => Err(UrlError::NoHost),
            None | Some(Host::Domain("")) => Err(UrlError::NoHost),
            Some(_) => Ok(Self { text, kind: PluginUrlKind::Web(Box::new(url)) }),
        }
    }

    /// A URL of the gateway's own; `path` starts with a slash and is already encoded.
    pub fn own(base: &BaseUrl, path: &str) -> Self {
        let mut url = base.0.clone();
        url.set_path(&format!("{}{path}", base.path()));
        Self { text: url.as_str().to_owned(), kind: PluginUrlKind::Web(Box::new(url)) }
    }

    /// Where a request for a web URL goes, and the path and query to ask for there; `None` for
    /// `tel:`.
    pub fn request_target(&self) -> Option<(BaseUrl, String)> {
        let url = self.web()?;
        let mut server = url.clone();
        server.set_path("");
        server.set_query(None);
        server.set_fragment(None);
        Some((BaseUrl(server), url[Position::BeforePath..Position::AfterQuery].to_owned()))
    }

    /// The URL as the plugin wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_telephone(&self) -> bool {
        matches!(self.kind, PluginUrlKind::Telephone)
    }

    /// The host of a web URL, lower case.
    pub fn host(&self) -> Option<&str> {
        self.web().and_then(Url::host_str)
    }

    /// The parsed form of a web URL; `None` for `tel:`.
    pub fn web(&self) -> Option<&Url> {
        match &self.kind {
            PluginUrlKind::Web(url) => Some(url),
            PluginUrlKind::Telephone => None,
        }
    }

    /// This URL with the query parameter `result` added (protocol.md, "Adding `result`").
    pub fn with_result(&self, result: &str) -> String {
        self.with_parameter("result", result)
    }

    /// This URL with a query parameter added, before any fragment. Name and value are already
    /// encoded; the rest stays byte for byte.
    pub fn with_parameter(&self, name: &str, value: &str) -> String {
        let (before, fragment) = match self.text.split_once('#') {
            Some((before, _)) => (before, &self.text[before.len()..]),
            None => (self.text.as_str(), ""),
        };
        let separator = match before.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{before}{separator}{name}={value}{fragment}")
    }
}

impl fmt::Debug for PluginUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.web() {
            Some(url) => write!(f, "PluginUrl({}://{}/…)", url.scheme(), url.host_str().unwrap_or_default()),
            None => f.write_str("PluginUrl(tel:…)"),
        }
    }
}

/// For `#[serde(with)]`: the URL as text, parsed as [`PluginUrl::parse_client_url`] does.
pub mod as_client_url {
    use super::{Deserialize, Deserializer, Error, PluginUrl, Serializer};

    pub fn serialize<S: Serializer>(url: &PluginUrl, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PluginUrl, D::Error> {
        PluginUrl::parse_client_url(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// For `#[serde(with)]`: the URL as text, parsed as [`PluginUrl::parse_attr_url`] does.
pub mod as_attr_url {
    use super::{Deserialize, Deserializer, Error, PluginUrl};

    pub use super::as_client_url::serialize;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PluginUrl, D::Error> {
        PluginUrl::parse_attr_url(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn refuse_unsafe_characters(text: &str) -> Result<(), UrlError> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(UrlError::WhiteSpace);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Result<PluginUrl, UrlError> {
        PluginUrl::parse_client_url(text.to_owned())
    }

    #[test]
    fn client_urls_are_web_or_telephone() {
        for good in [
            "https://a.example/x?y#z",
            "http://localhost:8000",
            "tel:+31201234567,,12345#",
            "TEL:0201234567",
            "https://[::1]:8/",
        ] {
            assert!(client(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("javascript:alert(1)", UrlError::Scheme("https, http or tel")),
            ("data:text/html,x", UrlError::Scheme("https, http or tel")),
            ("/relative", UrlError::Malformed),
            ("//host/x", UrlError::Malformed),
            ("tel:", UrlError::Scheme("https, http or tel")),
            ("https://user@host/", UrlError::UserInfo),
            ("https://user:pw@host/", UrlError::UserInfo),
            ("https://@host/", UrlError::UserInfo),
            ("https://host/a b", UrlError::WhiteSpace),
            ("https://host/\r\nSet-Cookie: x", UrlError::WhiteSpace),
            (" https://host/", UrlError::WhiteSpace),
            ("https:host/x", UrlError::Malformed),
            ("https:///x", UrlError::NoHost),
            ("https://host\\@evil/", UrlError::Malformed),
            ("tel:+31 20", UrlError::WhiteSpace),
        ] {
            assert_eq!(client(bad).unwrap_err(), why, "{bad:?}");
        }
        assert!(PluginUrl::parse_attr_url("tel:1".into()).is_err());
    }

    #[test]
    fn a_result_goes_into_the_query_before_the_fragment() {
        for (url, expected) in [
            ("https://c.example/x", "https://c.example/x?result=R"),
            ("https://c.example/x?a=1", "https://c.example/x?a=1&result=R"),
            ("https://c.example/x?", "https://c.example/x?result=R"),
            ("https://c.example/#/room/1", "https://c.example/?result=R#/room/1"),
            ("https://c.example/x?a=1#f?g", "https://c.example/x?a=1&result=R#f?g"),
        ] {
            assert_eq!(client(url).unwrap().with_result("R"), expected);
        }
    }

    #[test]
    fn own_urls_stand_below_the_base() {
        for (base, expected) in [
            ("http://h:8080", "http://h:8080/auth/a%20b/1"),
            ("https://h/contact/", "https://h/contact/auth/a%20b/1"),
        ] {
            assert_eq!(PluginUrl::own(&BaseUrl::parse(base).unwrap(), "/auth/a%20b/1").as_str(), expected);
        }
    }

    #[test]
    fn a_request_target_has_no_fragment() {
        for (url, server, path) in [
            ("http://h:81/a/b?c=d#e", "http://h:81", "/a/b?c=d"),
            ("https://h", "https://h", "/"),
            ("http://[::1]:8081?x", "http://[::1]:8081", "/?x"),
        ] {
            let (target, path_and_query) = client(url).unwrap().request_target().unwrap();
            assert_eq!((target.as_str(), path_and_query.as_str()), (server, path));
        }
        assert!(client("tel:1").unwrap().request_target().is_none());
    }

    #[test]
    fn a_base_never_doubles_the_slash() {
        for start in ["http://auth-digid:8000/internal", "http://auth-digid:8000/internal/"] {
            let base = BaseUrl::parse(start).unwrap();
            assert_eq!(
                base.join("/start_authentication"),
                "http://auth-digid:8000/internal/start_authentication"
            );
        }
        assert_eq!(BaseUrl::parse("http://h:80/").unwrap().authority(), "h");
        assert!(BaseUrl::parse("http://u:p@h").is_err());
        assert!(BaseUrl::parse("ftp://h").is_err());
        assert!(BaseUrl::parse("http://h/?q").is_err());
    }
}
