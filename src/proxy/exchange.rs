//! Own requests and answers to and from a client's connection.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use pingora::{
    Error, Result,
    http::{RequestHeader, ResponseHeader},
    proxy::Session,
};

use crate::{
    model::{Language, OwnAnswer, OwnRequest},
    session::{Problem, ProblemCode},
};

/// Largest body of an own endpoint, in bytes: a result with forty attributes has 5.4 kB
/// (protocol.md, "Initiator -> core").
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Time for a whole body to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(15);

/// What an own answer depends on, of a request's head.
pub struct Head {
    pub accept: Option<String>,
    pub language: Language,
    content_type: Option<String>,
    if_none_match: Option<String>,
    cookie: Option<String>,
    prefetch: bool,
    peer: Option<IpAddr>,
    asserted: Vec<(HeaderName, HeaderValue)>,
}

impl Head {
    /// `identity` are the headers by which front proxies say who somebody is.
    pub fn of(session: &Session, identity: &[HeaderName]) -> Self {
        let head = session.req_header();
        let text = |name: HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            accept: text(header::ACCEPT),
            language: language(head),
            content_type: text(header::CONTENT_TYPE),
            if_none_match: text(header::IF_NONE_MATCH),
            cookie: cookies(head),
            prefetch: is_prefetch(head),
            peer: peer_ip(session),
            asserted: identity
                .iter()
                .flat_map(|name| head.headers.get_all(name).iter().map(|value| (name.clone(), value.clone())))
                .collect(),
        }
    }
}

/// Who is at the other end of the connection.
pub fn peer_ip(session: &Session) -> Option<IpAddr> {
    Some(session.client_addr()?.as_inet()?.ip())
}

/// One list of all cookies: HTTP/2 front ends pass them on as several headers (RFC 9113, section 8.2.3).
fn cookies(head: &RequestHeader) -> Option<String> {
    // Other programs of the host may have set values that are no ASCII; ours among them still count.
    let text = |value: &'_ HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<String> = head.headers.get_all(header::COOKIE).iter().map(text).collect();
    (!headers.is_empty()).then(|| headers.join("; "))
}

/// Chromium and Safari say it in `Sec-Purpose` or `Purpose`, Firefox in `X-Moz`.
fn is_prefetch(head: &RequestHeader) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let value = head.headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        ["prefetch", "prerender", "preview"]
            .iter()
            .any(|purpose| value.to_ascii_lowercase().contains(purpose))
    })
}

pub fn language(head: &RequestHeader) -> Language {
    let value = head.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    value.map_or_else(Language::default, Language::from_accept_language)
}

/// Bounds how long a client may keep a connection waiting: while it is written to, and between its
/// requests, unless the connection is to be closed anyway.
pub fn bound(session: &mut Session, write: Duration, keepalive: Duration) {
    session.set_write_timeout(Some(write));
    // Pingora's 0 is "for ever"; a client's own wish may be longer than ours.
    if session.get_keepalive().is_some_and(|seconds| seconds == 0 || seconds > keepalive.as_secs()) {
        session.set_keepalive(Some(keepalive.as_secs()));
    }
}

/// The path as received, still encoded, without its query.
pub fn raw_path(head: &RequestHeader) -> String {
    let target = String::from_utf8_lossy(head.raw_path());
    target.split('?').next().unwrap_or_default().to_owned()
}

/// The length that a request announces; 0 when it does not.
pub fn declared_length(head: &RequestHeader) -> u64 {
    let value = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}

/// The method for the log: a stranger's inventions are one word.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Why there is no request to answer.
pub enum BodyRefusal {
    Problem(ProblemCode, &'static str),
    /// The client went away, or sent what is not HTTP.
    Gone(Box<Error>),
}

impl BodyRefusal {
    pub fn problem(self) -> Result<Problem> {
        match self {
            Self::Problem(code, detail) => Ok(Problem::new(code, detail)),
            Self::Gone(error) => Err(error),
        }
    }
}

/// The whole request, its body read within bounds of size and time.
pub async fn read_request(
    session: &mut Session,
    head: Head,
    path: String,
) -> Result<OwnRequest, BodyRefusal> {
    let body = match tokio::time::timeout(BODY_DEADLINE, read_body(session)).await {
        Ok(body) => body?,
        Err(_) => {
            return Err(BodyRefusal::Problem(
                ProblemCode::RequestTimeout,
                "the body did not arrive in 15 seconds",
            ));
        }
    };
    let request = session.req_header();
    let target = String::from_utf8_lossy(request.raw_path());
    Ok(OwnRequest {
        method: request.method.clone(),
        query: target.split_once('?').map(|(_, query)| query.to_owned()),
        path,
        content_type: head.content_type,
        accept: head.accept,
        if_none_match: head.if_none_match,
        cookie: head.cookie,
        prefetch: head.prefetch,
        language: head.language,
        peer: head.peer,
        asserted: head.asserted,
        body,
    })
}

async fn read_body(session: &mut Session) -> Result<Bytes, BodyRefusal> {
    let too_large = || BodyRefusal::Problem(ProblemCode::RequestTooLarge, "the largest body here has 64 KiB");
    let declared = declared_length(session.req_header());
    if declared > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    if expects_continue(session.req_header()) {
        session.write_continue_response().await.map_err(BodyRefusal::Gone)?;
    }
    // Pingora leaves open whose fault it is when a body breaks off or is malformed.
    let broken = |error: Box<Error>| BodyRefusal::Gone(error.into_down());
    let mut body = BytesMut::new();
    while let Some(chunk) = session.read_request_body().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        if body.is_empty() && chunk.len() as u64 == declared {
            return Ok(chunk);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// RFC 9110, section 10.1.1: clients of HTTP/1.0 know no interim answers.
fn expects_continue(head: &RequestHeader) -> bool {
    let value = head.headers.get(header::EXPECT);
    head.version == Version::HTTP_11
        && value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The head of the answer that the client has, if it has one: 100 and 103 only announce one.
pub fn answered(session: &Session) -> Option<&ResponseHeader> {
    let interim = |status: StatusCode| status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
    session.response_written().filter(|head| !interim(head.status))
}

/// Writes the answer; a HEAD request gets its head alone.
pub async fn write(session: &mut Session, answer: &OwnAnswer) -> Result<()> {
    let mut head = ResponseHeader::build_no_case(answer.status, Some(answer.headers.len() + 2))?;
    for (name, value) in &answer.headers {
        head.append_header(name, value)?;
    }
    // In a 304 it would be the length of the whole asset (RFC 9110, section 8.6).
    if !matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        head.insert_header(header::CONTENT_LENGTH, answer.body.len())?;
    }
    let without_body = answer.body.is_empty() || session.req_header().method == Method::HEAD;
    session.write_response_header(Box::new(head), without_body).await?;
    if !without_body {
        session.write_response_body(Some(answer.body.clone()), true).await?;
    }
    Ok(())
}
