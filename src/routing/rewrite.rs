//! From the client's view of a route to its upstream's, and back.
//!
//! The way there is a prefix that is stripped from the path. The way back maps the references in
//! an answer that point to one of the route's own servers. Invariant: a mapped reference leads to
//! the client's authority and, when a prefix was stripped, to a path below that prefix; whatever
//! cannot be mapped like that for certain stays byte for byte as it was.
//! May import: `config`, `model`.

use std::ops::Range;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LOCATION, LINK, LOCATION, REFRESH, SET_COOKIE},
};

use crate::{
    config::{Rewrite, Route, Upstream},
    model::BaseUrl,
    routing::path::{climbs_out, is_port},
};

/// How the client of one request sees the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientView<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and port as the client sent them in `Host`, already checked with
    /// [`host_key`](super::host_key).
    pub authority: &'a str,
}

/// The new values of one header, all of them in their order.
pub type HeaderChange = (HeaderName, Vec<HeaderValue>);

/// What a route needs to know to map paths and references, made once per generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) origins: Vec<Origin>,
    /// The stripped prefix, without a slash at its end; empty when nothing is stripped.
    pub(super) prefix: String,
}

/// One of the upstream's servers, as references name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    https: bool,
    /// Lower case, an IPv6 address in brackets.
    pub(super) host: String,
    port: u16,
}

impl Mapping {
    pub fn new(route: &Route, upstream: &Upstream) -> Self {
        let origin = |server: &BaseUrl| Origin {
            https: server.is_https(),
            host: server.host().to_owned(),
            port: server.port(),
        };
        let prefix =
            if route.strip_path { route.path.trim_end_matches('/').to_owned() } else { String::new() };
        Self { origins: upstream.servers.iter().map(origin).collect(), prefix }
    }

    /// The path that the upstream gets for a normalised request path below the route's.
    pub fn upstream_path<'p>(&self, normalised: &'p str) -> &'p str {
        match normalised.strip_prefix(&*self.prefix) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => normalised,
        }
    }

    /// The prefix that was stripped, for `X-Forwarded-Prefix`; `None` when nothing is stripped.
    pub fn stripped_prefix(&self) -> Option<&str> {
        Some(self.prefix.as_str()).filter(|prefix| !prefix.is_empty())
    }

    /// A `Location` or `Content-Location` (RFC 9110, sections 10.2.2 and 8.7) for the client;
    /// `None` leaves it as it is.
    pub fn location(&self, value: &str, view: &ClientView<'_>) -> Option<String> {
        self.reference(value, view)
    }

    /// The headers of an upstream's answer that the client must see otherwise, as the route's
    /// `rewrite` allows. Empty, and nothing is allocated, when there are none.
    pub fn answer_changes(
        &self,
        headers: &HeaderMap,
        rewrite: Rewrite,
        view: &ClientView<'_>,
    ) -> Vec<HeaderChange> {
        let mut changes = Vec::new();
        if rewrite.redirects {
            for name in [LOCATION, CONTENT_LOCATION] {
                changes.extend(header_change(headers, name, |value| self.location(value, view)));
            }
            changes.extend(header_change(headers, REFRESH, |value| self.refresh(value, view)));
            changes.extend(header_change(headers, LINK, |value| self.link(value, view)));
        }
        if rewrite.cookies {
            changes.extend(header_change(headers, SET_COOKIE, |value| self.set_cookie(value, view)));
        }
        changes
    }

    /// A URI reference (RFC 3986, section 4.1) to one of the route's servers, for the client.
    /// Values that readers could take differently are left alone: control characters and spaces at
    /// the end, which browsers skip; backslashes, which they take for slashes; userinfo; paths that
    /// climb out.
    pub(super) fn reference(&self, value: &str, view: &ClientView<'_>) -> Option<String> {
        let hierarchy = value.split(['?', '#']).next().unwrap_or_default();
        if value.contains(|c: char| c.is_control()) || value.ends_with(' ') || hierarchy.contains('\\') {
            return None;
        }
        let rest = match split_authority(value) {
            Some((https, authority, rest)) => {
                self.origins.iter().any(|origin| origin.is(https, authority)).then_some(rest)?
            }
            None => return self.path_absolute(value),
        };
        if self.leaves_prefix(rest) {
            return None;
        }
        let slash = if rest.starts_with('/') { "" } else { "/" };
        Some(format!("{}://{}{}{slash}{rest}", view.scheme, view.authority, self.prefix))
    }

    /// Only for what names no authority.
    fn path_absolute(&self, value: &str) -> Option<String> {
        if self.prefix.is_empty() || !value.starts_with('/') || self.leaves_prefix(value) {
            return None;
        }
        Some(format!("{}{value}", self.prefix))
    }

    fn leaves_prefix(&self, path_and_more: &str) -> bool {
        let path = path_and_more.split(['?', '#']).next().unwrap_or_default();
        !self.prefix.is_empty() && climbs_out(path)
    }
}

impl Origin {
    /// Whether an authority names this server. A reference without scheme is taken to have the
    /// server's.
    fn is(&self, https: Option<bool>, authority: &str) -> bool {
        let port_at =
            authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|end| end < *colon));
        let (host, port) = authority.split_at(port_at.unwrap_or(authority.len()));
        let port = port.trim_start_matches(':');
        if https.is_some_and(|https| https != self.https) || !host.eq_ignore_ascii_case(&self.host) {
            return false;
        }
        let default = if self.https { 443 } else { 80 };
        is_port(port) && self.port == port.parse().unwrap_or(default)
    }
}

/// Whether the scheme is https (`None` without scheme), the authority and what follows it, of an
/// `http`, `https` or scheme-relative reference.
fn split_authority(reference: &str) -> Option<(Option<bool>, &str, &str)> {
    let (https, after_scheme) = match reference.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(false), rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(true), rest),
        _ => (None, reference),
    };
    let hierarchy = after_scheme.strip_prefix("//")?;
    let end = hierarchy.find(['/', '?', '#']).unwrap_or(hierarchy.len());
    let (authority, rest) = hierarchy.split_at(end);
    Some((https, authority, rest))
}

/// All values of a header when the map changes one of them. What is not UTF-8, or would not be a
/// header value, stays.
fn header_change(
    headers: &HeaderMap,
    name: HeaderName,
    map: impl Fn(&str) -> Option<String>,
) -> Option<HeaderChange> {
    let mapped = |value: &HeaderValue| {
        let text = std::str::from_utf8(value.as_bytes()).ok()?;
        HeaderValue::try_from(map(text)?).ok()
    };
    if !headers.get_all(&name).iter().any(|value| mapped(value).is_some()) {
        return None;
    }
    let change = |value: &HeaderValue| mapped(value).unwrap_or_else(|| value.clone());
    let values = headers.get_all(&name).iter().map(change).collect();
    Some((name, values))
}

/// A copy of a text with parts of it replaced, from left to right.
pub(super) struct Edit<'a> {
    text: &'a str,
    copied: usize,
    output: String,
}

impl<'a> Edit<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, copied: 0, output: String::new() }
    }

    pub(super) fn replace(&mut self, range: Range<usize>, replacement: &str) {
        self.output.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
        self.output.push_str(replacement);
        self.copied = range.end;
    }

    /// `None` when nothing was replaced.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.output.is_empty() {
            return None;
        }
        self.output.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.output)
    }
}
