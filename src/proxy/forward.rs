//! A request on its way to an upstream, and the answer on its way back.

use std::time::Instant;

use http::{HeaderMap, HeaderName, Version, header};
use pingora::{
    Error, ErrorSource, ErrorType, Result,
    http::{RequestHeader, ResponseHeader},
    prelude::HttpPeer,
    proxy::Session,
    upstreams::peer::{H1UpgradePolicy, HttpUpstreamRequestPolicy},
};

use super::{
    context::{Forwarding, RequestContext, new_request_id},
    exchange::peer_ip,
    resolver::Resolver,
};
use crate::{
    config::HeaderEdit,
    model::Random,
    routing::{ClientView, host_key, spellings, strip_forwarding, strip_hop_by_hop},
    session::ProblemCode,
    snapshot::Forward,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id believed from a trusted proxy.
const MAX_REQUEST_ID_BYTES: usize = 128;
/// Servers and addresses tried for one request before it fails.
const MAX_ATTEMPTS: usize = 8;

/// Settles who asks and under which id: the peer's own word counts only when it is trusted.
pub fn identify(session: &Session, ctx: &mut RequestContext, random: &dyn Random) {
    ctx.trusted = peer_ip(session).is_some_and(|ip| ctx.snapshot.trusts(ip));
    let given = if ctx.trusted { session.req_header().headers.get(X_REQUEST_ID) } else { None };
    let given =
        given.and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES);
    ctx.request_id = given.map_or_else(|| new_request_id(random), str::to_owned);
}

impl Forwarding {
    pub fn new(route: usize, path_and_query: Option<String>, turn: usize, head: &RequestHeader) -> Self {
        Self {
            route,
            path_and_query,
            turn,
            failures: 0,
            asked: None,
            answered: None,
            body: 0,
            other_upgrade: is_other_upgrade(head),
            asks_upgrade: false,
        }
    }
}

/// An upgrade that is neither WebSocket, which Pingora handles, nor h2c, whose tunnel would carry
/// requests past every check of the gateway.
fn is_other_upgrade(head: &RequestHeader) -> bool {
    let mut protocols = tokens(&head.headers, header::UPGRADE).peekable();
    let is_other = |name: String| {
        !(name.is_empty() || name.starts_with("h2") || name == "websocket" || name.starts_with("http"))
    };
    // HTTP/1.0 has no upgrades (RFC 9110, section 7.8).
    head.version == Version::HTTP_11
        && protocols.peek().is_some()
        && protocols.all(is_other)
        && tokens(&head.headers, header::CONNECTION).any(|option| option == "upgrade")
}

/// The members of a list that may stand on several lines, in lower case.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = String> {
    let lines = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    lines.flat_map(|line| line.split(',').map(|token| token.trim().to_ascii_lowercase()).collect::<Vec<_>>())
}

/// The server of this request's turn, resolved.
pub async fn peer(ctx: &mut RequestContext, resolver: &Resolver) -> Result<Box<HttpPeer>> {
    let (forward, forwarding) = ctx.forward().ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let upstream = &forward.upstream;
    let attempt = forwarding.failures.checked_div(upstream.len()).unwrap_or(0);
    let server = upstream
        .server(forwarding.turn, forwarding.failures)
        .ok_or_else(|| Error::new_in(ErrorType::InternalError))?;
    let connect = upstream.timeouts().connect;
    let Ok(Ok(address)) = tokio::time::timeout(connect, resolver.address(server, attempt)).await else {
        let mut error = Error::new_up(ErrorType::ConnectNoRoute);
        error.set_retry(try_next(ctx, resolver));
        return Err(error);
    };
    let host = if server.url().is_https() { server.url().host().to_owned() } else { String::new() };
    let mut peer = Box::new(HttpPeer::new(address, server.url().is_https(), host));
    let timeouts = upstream.timeouts();
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = Some(timeouts.read);
    peer.options.write_timeout = Some(timeouts.write);
    peer.options.idle_timeout = Some(timeouts.idle);
    if forwarding.other_upgrade {
        peer.options.http_upstream_request_policy = HttpUpstreamRequestPolicy {
            h1_upgrade: H1UpgradePolicy::Preserve,
            ..HttpUpstreamRequestPolicy::standard()
        };
    }
    if let Some(forwarding) = ctx.forwarding_mut() {
        forwarding.asked.get_or_insert_with(Instant::now);
    }
    Ok(peer)
}

/// After a failure to connect: whether another server or address is tried. Nothing was sent yet.
pub fn try_next(ctx: &mut RequestContext, resolver: &Resolver) -> bool {
    let candidates = ctx.forward().map_or(0, |(forward, forwarding)| {
        let addresses = forward
            .upstream
            .server(forwarding.turn, forwarding.failures)
            .map_or(1, |server| resolver.known_addresses(server));
        forward.upstream.len() * addresses
    });
    ctx.forwarding_mut().is_some_and(|forwarding| {
        forwarding.failures += 1;
        forwarding.failures < candidates.min(MAX_ATTEMPTS)
    })
}

/// Makes the upstream's request of the client's. Hop-by-hop headers are already gone: Pingora
/// removes them, except from upgrades that it does not know.
pub fn request(session: &Session, request: &mut RequestHeader, ctx: &mut RequestContext) -> Result<()> {
    if let Some(forwarding) = ctx.forwarding_mut() {
        forwarding.asks_upgrade = request.headers.contains_key(header::UPGRADE);
    }
    let Some((forward, forwarding)) = ctx.forward() else { return Ok(()) };
    if let Some(path_and_query) = &forwarding.path_and_query {
        request.set_raw_path(path_and_query.as_bytes())?;
    }
    if forwarding.other_upgrade {
        for name in strip_hop_by_hop(&request.headers, true) {
            request.remove_header(&name);
        }
        request.insert_header(header::CONNECTION, "Upgrade")?;
    }
    set_forwarding_headers(session, request, ctx, forward)?;
    if let Some(server) = forward.upstream.server(forwarding.turn, forwarding.failures) {
        request.insert_header(header::HOST, server.authority())?;
    }
    // Who somebody is, is said to the gateway alone, and by nobody but the front proxies named.
    for name in ctx.snapshot.identity_headers() {
        for spelling in spellings(&request.headers, name) {
            request.remove_header(&spelling);
        }
    }
    let HeaderEdit { set, remove } = &forward.request_headers;
    for name in set.iter().map(|(name, _)| name).chain(remove) {
        for spelling in spellings(&request.headers, name) {
            request.remove_header(&spelling);
        }
    }
    for (name, value) in set {
        request.insert_header(name, value)?;
    }
    Ok(())
}

/// `X-Forwarded-*`, `Forwarded` and `X-Request-Id`: a stranger's are replaced or removed, a trusted
/// proxy's are kept and extended.
fn set_forwarding_headers(
    session: &Session,
    request: &mut RequestHeader,
    ctx: &RequestContext,
    forward: &Forward,
) -> Result<()> {
    for name in strip_forwarding(&request.headers) {
        // A proxy writes hyphens: another spelling comes from a stranger behind it.
        let is_usual = name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !ctx.trusted || !is_usual {
            request.remove_header(&name);
        }
    }
    if let Some(ip) = peer_ip(session) {
        let chain = if ctx.trusted { joined(&request.headers, &X_FORWARDED_FOR) } else { None };
        let ip = ip.to_canonical();
        let value = chain.map_or_else(|| ip.to_string(), |chain| format!("{chain}, {ip}"));
        request.insert_header(X_FORWARDED_FOR, value)?;
    }
    let view = client_view(session, ctx);
    request.insert_header(X_FORWARDED_PROTO, view.scheme)?;
    request.insert_header(X_FORWARDED_HOST, view.authority)?;
    if let Some(prefix) = forward.mapping.stripped_prefix() {
        let outer = if ctx.trusted { text(&request.headers, &X_FORWARDED_PREFIX) } else { None };
        let value = match outer {
            Some(outer) if outer.starts_with('/') => {
                format!("{}{}", outer.trim_end_matches('/'), prefix)
            }
            _ => prefix.to_owned(),
        };
        request.insert_header(X_FORWARDED_PREFIX, value)?;
    }
    request.insert_header(X_REQUEST_ID, ctx.request_id.as_str())
}

/// How the client sees the gateway: by a trusted proxy's word, else by the connection.
fn client_view<'a>(session: &'a Session, ctx: &RequestContext) -> ClientView<'a> {
    let headers = &session.req_header().headers;
    let authority = text(headers, &header::HOST).unwrap_or_default();
    if !ctx.trusted {
        return ClientView { scheme: "http", authority };
    }
    let scheme = match text(headers, &X_FORWARDED_PROTO) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    let forwarded_host = text(headers, &X_FORWARDED_HOST).filter(|host| host_key(host).is_some());
    ClientView { scheme, authority: forwarded_host.unwrap_or(authority) }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Counts a body against the route's limit.
pub fn count_body(session: &Session, bytes: usize, ctx: &mut RequestContext) -> Result<()> {
    // What goes through a tunnel is no body.
    if session.as_downstream().was_upgraded() {
        return Ok(());
    }
    let limit = ctx.forward().and_then(|(forward, _)| forward.body_limit);
    let Some(forwarding) = ctx.forwarding_mut() else { return Ok(()) };
    forwarding.body += bytes as u64;
    match limit {
        Some(limit) if forwarding.body > limit => Err(Error::new_down(ErrorType::HTTPStatus(413))),
        _ => Ok(()),
    }
}

/// Maps the upstream's answer back to what the client sees.
pub fn response(
    session: &mut Session,
    response: &mut ResponseHeader,
    ctx: &mut RequestContext,
) -> Result<()> {
    if let Some(forwarding) = ctx.forwarding_mut() {
        forwarding.answered = Some(Instant::now());
    }
    let Some((forward, forwarding)) = ctx.forward() else { return Ok(()) };
    let upgraded = response.status == http::StatusCode::SWITCHING_PROTOCOLS;
    if upgraded && !forwarding.asks_upgrade {
        return Err(Error::new_up(ErrorType::InvalidHTTPHeader));
    }
    for name in strip_hop_by_hop(&response.headers, upgraded) {
        response.remove_header(&name);
    }
    if upgraded {
        response.insert_header(header::CONNECTION, "Upgrade")?;
    }
    if session.req_header().version == Version::HTTP_10
        && response.remove_header(&header::TRANSFER_ENCODING).is_some()
    {
        // Without chunks and length the body ends with the connection (RFC 9112, section 6.3).
        session.set_keepalive(None);
    }
    let view = client_view(session, ctx);
    for (name, values) in forward.mapping.answer_changes(&response.headers, forward.rewrite, &view) {
        response.remove_header(&name);
        for value in values {
            response.append_header(&name, value)?;
        }
    }
    for name in &forward.response_headers.remove {
        response.remove_header(name);
    }
    for (name, value) in &forward.response_headers.set {
        response.insert_header(name, value)?;
    }
    Ok(())
}

/// The problem that a failure is to the client; `None` when the client is gone.
pub fn problem_code(error: &Error) -> Option<ProblemCode> {
    use ErrorType::{
        ConnectTimedout, ConnectionClosed, HTTPStatus, ReadError, ReadTimedout, WriteError, WriteTimedout,
    };
    match (error.etype(), error.esource()) {
        (HTTPStatus(413), _) => Some(ProblemCode::RequestTooLarge),
        (ConnectTimedout | ReadTimedout | WriteTimedout, ErrorSource::Upstream) => {
            Some(ProblemCode::UpstreamTimeout)
        }
        (_, ErrorSource::Upstream) => Some(ProblemCode::UpstreamUnavailable),
        (WriteError | ReadError | ConnectionClosed, ErrorSource::Downstream) => None,
        (_, ErrorSource::Downstream) => Some(ProblemCode::InvalidRequest),
        (_, ErrorSource::Internal | ErrorSource::Unset) => Some(ProblemCode::InternalError),
    }
}

/// What a client is told beside the code.
pub fn detail(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::RequestTooLarge => "the route's `limits.body` is lower",
        ProblemCode::UpstreamTimeout => "try again later",
        ProblemCode::UpstreamUnavailable => "it cannot be reached, or broke off; try again later",
        ProblemCode::InvalidRequest => "its head or its body breaks HTTP's rules",
        _ => "the gateway's log has more under the request's id",
    }
}
