//! routes.yaml: what serde reads, and how it becomes upstreams and routes; `gateway` has the
//! rest of it.
//! May import: `check`, `gateway`, `later`, `link`, `node`, `scalar`, `model`.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Gateway, HeaderEdit, Listeners, Rewrite, Route, Timeouts, Upstream, UpstreamId,
    check::Checker,
    gateway::{RawGateway, RawListeners},
    later::{NotYet, OnlyRoundRobin},
    link::{Names, Used},
    location::{Host, PathPrefix, ServerUrl},
    node::{Entries, Span, Spanned},
    scalar::{ByteSize, Field, Scalar},
};
use crate::model::{RouteId, UpstreamName};

/// Where the gateway listens and what it forwards.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "routes.yaml of ID Contact Gateway")]
pub struct RawRoutes {
    /// How the gateway is reached.
    #[schemars(required)]
    gateway: Option<RawGateway>,
    /// The sockets. A change needs a restart.
    listeners: Option<RawListeners>,
    /// Groups of equal servers, by name.
    #[serde(default)]
    upstreams: Entries<RawUpstream>,
    /// What is forwarded. The most specific match wins: exact host, then the longest path prefix.
    #[serde(default)]
    routes: Vec<RawRoute>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawUpstream {
    /// Scheme, host and port of each server, without a path.
    #[schemars(length(min = 1))]
    servers: Vec<Field<ServerUrl>>,
    /// How a server is chosen. By default `round_robin`: each in turn.
    #[serde(rename = "balance")]
    _balance: Option<OnlyRoundRobin>,
    #[serde(rename = "health")]
    _health: Option<NotYet>,
    /// How long to wait for these servers.
    timeouts: Option<RawTimeouts>,
    #[serde(rename = "tls")]
    _tls: Option<NotYet>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawTimeouts {
    /// To connect. By default `1s`.
    connect: Option<Field<Duration>>,
    /// Longest silence of a server while it is to answer or goes on answering. By default `30s`.
    read: Option<Field<Duration>>,
    /// Longest wait until a server takes more of a request. By default `30s`.
    write: Option<Field<Duration>>,
    /// How long an unused connection is kept. By default `60s`.
    idle: Option<Field<Duration>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawRoute {
    /// The name of the route in logs and metrics.
    id: Field<RouteId>,
    /// The exact host that requests name. By default any host.
    host: Option<Field<Host>>,
    /// The beginning of the path: `/chat` matches `/chat` and `/chat/room`, never `/chatter`. By
    /// default `/`, everything.
    path: Option<Field<PathPrefix>>,
    /// The name of the upstream that gets the requests.
    upstream: Spanned<String>,
    /// Whether the upstream gets the path without the route's own. By default `false`.
    strip_path: Option<Spanned<bool>>,
    /// What of the upstream's answers is mapped back to the client's view.
    rewrite: Option<RawRewrite>,
    /// Headers to set and to remove.
    headers: Option<RawHeaders>,
    /// Bounds on requests.
    limits: Option<RawLimits>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawRewrite {
    /// `Location`, `Content-Location`, `Refresh` and `Link`. By default `true`.
    redirects: Option<bool>,
    /// `Path` and `Domain` of `Set-Cookie`. By default `true`.
    cookies: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawHeaders {
    /// On the way to the upstream.
    request: Option<RawHeaderEdit>,
    /// On the way back.
    response: Option<RawHeaderEdit>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawHeaderEdit {
    /// Headers and their values; any that came are replaced.
    #[serde(default)]
    set: Entries<Field<HeaderValue>>,
    /// Names of headers.
    #[serde(default)]
    remove: Vec<Field<HeaderName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    /// Largest request body, in bytes or with a unit. By default there is no limit.
    body: Option<Field<ByteSize>>,
    #[serde(rename = "rate")]
    _rate: Option<NotYet>,
}

/// What routes.yaml says; `None` stands where something is wrong.
pub struct Routes {
    pub gateway: Option<Gateway>,
    pub listeners: Option<Listeners>,
    pub upstreams: Option<Vec<Upstream>>,
    pub routes: Option<Vec<Route>>,
    /// Of the routes whose host and path can be read, whatever else is wrong with them.
    pub keys: Vec<RouteKey>,
    pub places: Places,
}

/// Where things stand that cross references and warnings point at.
#[derive(Debug, Default)]
pub struct Places {
    pub upstreams: Vec<Span>,
    pub routes: Vec<RoutePlace>,
}

/// What requests a route is for.
#[derive(Debug)]
pub struct RouteKey {
    pub host: Option<String>,
    pub path: String,
    pub place: RoutePlace,
}

#[derive(Debug)]
pub struct RoutePlace {
    /// The path, or the id when the path is the default.
    pub path: Span,
    pub strip_path: Span,
}

impl RawRoutes {
    /// The names that `upstream` keys refer to.
    pub fn upstream_names(&self) -> impl Iterator<Item = (&str, Span)> {
        self.upstreams.0.iter().map(|(name, _)| (name.value.as_str(), name.span.clone()))
    }

    pub fn parse(&self, upstreams: &Names, used: &mut Used, checker: &mut Checker) -> Routes {
        let listeners = self.listeners.as_ref().unwrap_or(&RawListeners::default()).parse(checker);
        let gateway = self.gateway.as_ref().and_then(|raw| raw.parse(checker));
        if let (Some(raw), Some(listeners)) = (&self.gateway, &listeners) {
            raw.check_internal_url(listeners, checker);
        }
        let parsed: Vec<_> = self.upstreams.0.iter().map(|(name, raw)| raw.parse(name, checker)).collect();
        let routes: Vec<_> = self.routes.iter().map(|raw| raw.parse(upstreams, used, checker)).collect();
        Routes {
            gateway,
            listeners,
            upstreams: parsed.into_iter().collect(),
            routes: routes.into_iter().collect(),
            keys: self.routes.iter().filter_map(RawRoute::key).collect(),
            places: self.places(),
        }
    }

    fn places(&self) -> Places {
        Places {
            upstreams: self.upstreams.0.iter().map(|(name, _)| name.span.clone()).collect(),
            routes: self.routes.iter().map(RawRoute::place).collect(),
        }
    }

    pub fn route_ids(&self) -> impl Iterator<Item = (&str, Span)> {
        self.routes.iter().map(|route| (route.id.text.as_str(), route.id.span.clone()))
    }
}

impl RawUpstream {
    fn parse(&self, name: &Spanned<String>, checker: &mut Checker) -> Option<Upstream> {
        let parsed_name = checker.parse(&Field::<UpstreamName>::new(name));
        if name.value.contains('/') {
            checker
                .error("name", &name.span, "the name of an upstream cannot contain a slash")
                .with_help("`upstream:NAME/path` could not tell the name from the path");
        }
        let servers = checker.parse_all(&self.servers);
        if self.servers.is_empty() {
            let message = format!("the upstream {} has no servers", checker.quote(&name.span));
            checker
                .error("servers", &name.span, message)
                .with_help("for example `servers: [\"http://auth-irma:8000\"]`");
        }
        let timeouts = match &self.timeouts {
            Some(timeouts) => timeouts.parse(checker),
            None => Some(Timeouts::default()),
        };
        let servers = servers?.into_iter().map(|ServerUrl(url)| url).collect();
        Some(Upstream { name: parsed_name?, servers, timeouts: timeouts? })
    }
}

impl RawTimeouts {
    fn parse(&self, checker: &mut Checker) -> Option<Timeouts> {
        let default = Timeouts::default();
        let connect = checker.parse_or(self.connect.as_ref(), default.connect);
        let read = checker.parse_or(self.read.as_ref(), default.read);
        let write = checker.parse_or(self.write.as_ref(), default.write);
        let idle = checker.parse_or(self.idle.as_ref(), default.idle);
        Some(Timeouts { connect: connect?, read: read?, write: write?, idle: idle? })
    }
}

impl RawRoute {
    fn parse(&self, upstreams: &Names, used: &mut Used, checker: &mut Checker) -> Option<Route> {
        let id = checker.parse(&self.id);
        let host = self.host.as_ref().map(|host| checker.parse(host));
        let path = checker.parse_or(self.path.as_ref(), PathPrefix("/".to_owned()));
        let upstream = upstreams.resolve(&self.upstream, checker);
        used.upstreams.extend(upstream);
        let headers = self
            .headers
            .as_ref()
            .map_or(Some((HeaderEdit::default(), HeaderEdit::default())), |raw| raw.parse(checker));
        let limit =
            self.limits.as_ref().and_then(|limits| limits.body.as_ref()).map(|body| checker.parse(body));
        let (request_headers, response_headers) = headers?;
        Some(Route {
            id: id?,
            host: match host {
                Some(host) => Some(host?.0),
                None => None,
            },
            path: path?.0,
            upstream: UpstreamId(upstream?),
            strip_path: self.strip_path.as_ref().is_some_and(|strip| strip.value),
            rewrite: self
                .rewrite
                .as_ref()
                .map_or(Rewrite { redirects: true, cookies: true }, RawRewrite::parse),
            request_headers,
            response_headers,
            body_limit: match limit {
                Some(limit) => Some(limit?.0),
                None => None,
            },
        })
    }

    fn key(&self) -> Option<RouteKey> {
        let host = self.host.as_ref().map(|host| Host::parse(&host.text)).transpose().ok()?;
        let path =
            self.path.as_ref().map_or(Ok(PathPrefix("/".to_owned())), |path| PathPrefix::parse(&path.text));
        Some(RouteKey { host: host.map(|Host(host)| host), path: path.ok()?.0, place: self.place() })
    }

    fn place(&self) -> RoutePlace {
        let id = self.id.span.clone();
        RoutePlace {
            path: self.path.as_ref().map_or_else(|| id.clone(), |path| path.span.clone()),
            strip_path: self.strip_path.as_ref().map_or_else(|| id.clone(), |strip| strip.span.clone()),
        }
    }
}

impl RawRewrite {
    fn parse(&self) -> Rewrite {
        Rewrite { redirects: self.redirects.unwrap_or(true), cookies: self.cookies.unwrap_or(true) }
    }
}

impl RawHeaders {
    /// The edits of requests and of responses.
    fn parse(&self, checker: &mut Checker) -> Option<(HeaderEdit, HeaderEdit)> {
        let mut edit = |raw: &Option<RawHeaderEdit>| match raw {
            Some(raw) => raw.parse(checker),
            None => Some(HeaderEdit::default()),
        };
        let (request, response) = (edit(&self.request), edit(&self.response));
        Some((request?, response?))
    }
}

impl RawHeaderEdit {
    fn parse(&self, checker: &mut Checker) -> Option<HeaderEdit> {
        let set: Vec<_> = self
            .set
            .0
            .iter()
            .map(|(name, value)| {
                let name = checker.parse(&Field::<HeaderName>::new(name));
                let value = checker.parse(value);
                name.zip(value)
            })
            .collect();
        let remove = checker.parse_all(&self.remove);
        let edit = HeaderEdit { set: set.into_iter().collect::<Option<_>>()?, remove: remove? };
        self.refuse_repetition(&edit, checker).then_some(edit)
    }

    /// Header names are the same in any letter case, so YAML does not notice a second one.
    fn refuse_repetition(&self, edit: &HeaderEdit, checker: &mut Checker) -> bool {
        let set = self.set.0.iter().zip(&edit.set).map(|((written, _), (name, _))| (name, &written.span));
        let remove = self.remove.iter().zip(&edit.remove).map(|(written, name)| (name, &written.span));
        let mut seen: Vec<(&HeaderName, &Span)> = Vec::new();
        let mut distinct = true;
        for (name, span) in set.chain(remove) {
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                distinct = false;
                let (quoted, first) = (checker.quote(span), checker.place(first));
                checker
                    .error("header", span, format!("the header {quoted} is named twice"))
                    .with_label("named again here")
                    .with_also(first, "first named here");
            }
            seen.push((name, span));
        }
        distinct
    }
}
