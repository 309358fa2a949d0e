//! Calls to plugins over Pingora's connector: pooled, bounded in time and size, no redirects.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Method, header};
use pingora::{
    connectors::{ConnectorOptions, http::v1::Connector},
    http::RequestHeader,
    protocols::http::v1::client::HttpSession,
    upstreams::peer::{HttpPeer, Peer},
};

use super::resolver::Resolver;
use crate::plugins::{HttpClient, IncomingAnswer, OutgoingRequest, TransportError, client::MAX_ANSWER_BYTES};

/// Idle connections kept: more than the calls that are under way at once, else each call connects.
const POOL_SIZE: usize = 1024;
/// How long a connection waits in the pool. Plugins on Node and Rocket close theirs after 5 s; a
/// start that hits a closing connection cannot be repeated, so the gateway closes first.
const IDLE: Duration = Duration::from_secs(4);

/// Numbers the connections that are not to come from the pool; pooled ones have 0.
static FRESH: AtomicU64 = AtomicU64::new(1);

/// The HTTP client of plugin calls.
///
/// Each worker thread has a connector of its own. A connection that waits in Pingora's pool is
/// watched by a task of the thread that left it there; another thread that takes it out races with
/// that task and mostly loses (seen: more than half the calls connected anew).
pub struct PluginClient {
    connectors: Vec<Connector>,
    resolver: Resolver,
    /// Largest answer that is read, in bytes.
    max_answer: usize,
}

impl PluginClient {
    /// A client for calls from so many threads.
    pub fn new(resolver: Resolver, threads: usize) -> Self {
        let connector = |_| Connector::new(Some(ConnectorOptions::new(POOL_SIZE)));
        let connectors = (0..threads.max(1)).map(connector).collect();
        Self { connectors, resolver, max_answer: MAX_ANSWER_BYTES }
    }

    /// The same client, for answers of other sizes than plugins give.
    #[must_use]
    pub fn with_max_answer(self, bytes: usize) -> Self {
        Self { max_answer: bytes, ..self }
    }

    /// The connector of the calling thread. Tasks stay on their thread: work stealing is off.
    fn connector(&self) -> Result<&Connector, TransportError> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
        let number = NUMBER.with(|number| number % self.connectors.len());
        self.connectors.get(number).ok_or(TransportError::Connect)
    }

    /// Sends the request, on another connection when it may be repeated and the first was stale.
    async fn exchange(&self, request: &OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        let mut repeatable = request.repeatable;
        let deadline = Deadline::of(request);
        loop {
            // Nothing was sent by then, which is worth to be told from an answer that does not come.
            let connecting = deadline.hold(self.connect(request), TransportError::Connect);
            let (mut session, peer, reused) = connecting.await?;
            match deadline.hold(send(&mut session, request), TransportError::Timeout).await {
                Ok(()) => {
                    let reading =
                        deadline.hold(read_answer(&mut session, self.max_answer), TransportError::Timeout);
                    let answer = reading.await?;
                    if !request.fresh_connection {
                        session.respect_keepalive();
                        self.connector()?.release_http_session(session, &peer, Some(IDLE)).await;
                    }
                    return Ok(answer);
                }
                Err(_) if reused && repeatable => repeatable = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// A connection to the server, trying each of its addresses.
    async fn connect(
        &self,
        request: &OutgoingRequest<'_>,
    ) -> Result<(HttpSession, HttpPeer, bool), TransportError> {
        let server = request.server;
        let mut attempt = 0;
        loop {
            let address =
                self.resolver.address(server, attempt).await.map_err(|_| TransportError::Resolve)?;
            let mut peer = HttpPeer::new(address, server.url().is_https(), server.url().host().to_owned());
            if request.fresh_connection {
                // The pool's key: nothing was ever left there under this one.
                peer.group_key = FRESH.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(options) = peer.get_mut_peer_options() {
                options.connection_timeout = Some(request.connect_timeout);
                options.total_connection_timeout = Some(request.total_timeout);
                options.read_timeout = Some(request.total_timeout);
                options.write_timeout = Some(request.total_timeout);
                options.idle_timeout = Some(IDLE);
            }
            attempt += 1;
            match self.connector()?.get_http_session(&peer).await {
                Ok((session, reused)) => return Ok((session, peer, reused)),
                Err(_) if attempt < self.resolver.known_addresses(server) => {}
                Err(_) => return Err(TransportError::Connect),
            }
        }
    }
}

#[async_trait]
impl HttpClient for PluginClient {
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        self.exchange(&request).await
    }
}

/// When everything has to be over.
struct Deadline(tokio::time::Instant);

impl Deadline {
    fn of(request: &OutgoingRequest<'_>) -> Self {
        Self(tokio::time::Instant::now() + request.total_timeout)
    }

    async fn hold<T>(
        &self,
        step: impl Future<Output = Result<T, TransportError>>,
        late: TransportError,
    ) -> Result<T, TransportError> {
        tokio::time::timeout_at(self.0, step).await.unwrap_or(Err(late))
    }
}

/// A client that adds up how long one request waited for it.
pub struct TimedClient<'a> {
    client: &'a dyn HttpClient,
    microseconds: AtomicU64,
}

impl<'a> TimedClient<'a> {
    pub fn new(client: &'a dyn HttpClient) -> Self {
        Self { client, microseconds: AtomicU64::new(0) }
    }

    /// `None` when nothing was waited for.
    pub fn waited(&self) -> Option<Duration> {
        let waited = self.microseconds.load(Ordering::Relaxed);
        (waited > 0).then(|| Duration::from_micros(waited))
    }
}

#[async_trait]
impl HttpClient for TimedClient<'_> {
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        let started = Instant::now();
        let answer = self.client.send(request).await;
        let waited = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(waited, Ordering::Relaxed);
        answer
    }
}

/// Sends the whole request and waits for the head of the answer.
async fn send(session: &mut HttpSession, request: &OutgoingRequest<'_>) -> Result<(), TransportError> {
    let head = request_head(request).map_err(|_| TransportError::Broken)?;
    session.write_request_header(Box::new(head)).await.map_err(|e| broken(&e))?;
    session.write_body(&request.body).await.map_err(|e| broken(&e))?;
    session.finish_body().await.map_err(|e| broken(&e))?;
    // An informational head (100, 103) precedes the real one.
    loop {
        session.read_response().await.map_err(|e| broken(&e))?;
        match session.resp_header() {
            Some(head) if head.status.is_informational() => {}
            Some(_) => return Ok(()),
            None => return Err(TransportError::Broken),
        }
    }
}

fn request_head(request: &OutgoingRequest<'_>) -> pingora::Result<RequestHeader> {
    let mut head = RequestHeader::build(request.method.clone(), request.path_and_query.as_bytes(), Some(6))?;
    head.insert_header(header::HOST, request.server.authority())?;
    if let Some(content_type) = request.content_type {
        head.insert_header(header::CONTENT_TYPE, content_type)?;
    }
    if request.method != Method::GET && request.method != Method::HEAD {
        head.insert_header(header::CONTENT_LENGTH, request.body.len())?;
    }
    head.insert_header(header::ACCEPT, "application/json")?;
    head.insert_header("X-Request-Id", request.request_id)?;
    for (name, value) in request.headers {
        head.insert_header(name, value)?;
    }
    Ok(head)
}

async fn read_answer(session: &mut HttpSession, limit: usize) -> Result<IncomingAnswer, TransportError> {
    let head = session.resp_header().ok_or(TransportError::Broken)?;
    let (status, headers) = (head.status, head.headers.clone());
    let mut body = Chunks::None;
    while let Some(chunk) = session.read_body_bytes().await.map_err(|e| broken(&e))? {
        body.push(chunk, limit)?;
    }
    Ok(IncomingAnswer { status, headers, body: body.into_bytes() })
}

fn broken(error: &pingora::Error) -> TransportError {
    use pingora::ErrorType::{ConnectTimedout, ReadTimedout, WriteTimedout};
    match error.etype() {
        ReadTimedout | WriteTimedout | ConnectTimedout => TransportError::Timeout,
        _ => TransportError::Broken,
    }
}

/// A body under collection: most come in one piece and are not copied.
enum Chunks {
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Chunks {
    fn push(&mut self, chunk: Bytes, limit: usize) -> Result<(), TransportError> {
        let collected = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(chunk),
            Self::One(first) => {
                let mut all = BytesMut::from(&*first);
                all.extend_from_slice(&chunk);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.extend_from_slice(&chunk);
                Self::Many(all)
            }
        };
        *self = collected;
        if self.len() > limit { Err(TransportError::TooLarge) } else { Ok(()) }
    }

    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
