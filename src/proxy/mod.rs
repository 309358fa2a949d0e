//! The sockets: Pingora's phases, each a few lines that delegate.
//!
//! May import: `session`, `snapshot`, `routing`, `plugins`, `upstreams`, `config`, `model`;
//! `pages`, `metrics`, `logs`; and `pingora`.

pub mod client;
mod context;
pub mod decide;
mod exchange;
mod forward;
pub mod resolver;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Method};
use pingora::{
    http::{RequestHeader, ResponseHeader},
    modules::http::HttpModules,
    prelude::{Error, HttpPeer, Result},
    proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session},
};

pub use self::context::{InFlight, RequestContext};
use self::{
    client::TimedClient,
    context::{Forwarding, Handling},
    decide::{Decision, decide},
    forward::X_REQUEST_ID,
    resolver::Resolver,
};
use crate::{
    logs::{AccessLine, LogSink},
    metrics::{Metrics, RouteMetrics},
    model::{Clock, OwnAnswer, Random},
    plugins::{Environment, HttpClient},
    session::{
        Problem, ProblemCode,
        endpoints::{self, Endpoint, Listener},
    },
    snapshot::Generations,
};

/// Longest wait until a client takes more of an answer: an upstream waits with it.
const CLIENT_WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client's connection is kept without a request, and may take to send the next head.
const CLIENT_KEEPALIVE: Duration = Duration::from_secs(75);

/// What all listeners of the process share.
pub struct Shared {
    pub generations: Arc<Generations>,
    pub http: Arc<dyn HttpClient>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
    pub log: LogSink,
    pub resolver: Resolver,
    pub in_flight: InFlight,
}

/// The public or the internal listener.
pub struct Gateway {
    listener: Listener,
    shared: Arc<Shared>,
    own_metrics: Vec<RouteMetrics>,
}

impl Gateway {
    pub fn new(listener: Listener, shared: Arc<Shared>) -> Self {
        let own_metrics = Endpoint::ALL.map(|endpoint| shared.metrics.route(endpoint.label())).into();
        Self { listener, shared, own_metrics }
    }

    fn environment<'a>(&'a self, http: &'a dyn HttpClient, request_id: &'a str) -> Environment<'a> {
        Environment {
            http,
            clock: &*self.shared.clock,
            random: &*self.shared.random,
            metrics: &self.shared.metrics,
            request_id,
        }
    }

    /// Answers at one of the gateway's own endpoints.
    async fn answer_own(
        &self,
        session: &mut Session,
        ctx: &mut RequestContext,
        path: String,
        endpoint: Endpoint,
    ) -> Result<()> {
        // Who somebody is, is said to the pages of authentication methods alone.
        let identity = if endpoint == Endpoint::Auth { ctx.snapshot.identity_headers() } else { &[] };
        let head = exchange::Head::of(session, identity);
        if let Err(allowed) = endpoint.check_method(&session.req_header().method, self.listener) {
            let (accept, base) = (head.accept.as_deref(), ctx.snapshot.base_path());
            let answer = endpoints::method_not_allowed(allowed, accept, head.language, base);
            return self.answer(session, ctx, answer).await;
        }
        let request = match exchange::read_request(session, head, path).await {
            Ok(request) => request,
            Err(refusal) => return self.refuse(session, ctx, refusal.problem()?).await,
        };
        let Some(own) = crate::routing::own_path(&request.path) else {
            return self.refuse(session, ctx, Problem::new(ProblemCode::NotFound, "nothing is here")).await;
        };
        let http = TimedClient::new(&*self.shared.http);
        let environment = self.environment(&http, &ctx.request_id);
        let answer = endpoints::answer(&ctx.snapshot, self.listener, &own, &request, environment).await;
        ctx.waited = http.waited();
        self.answer(session, ctx, answer).await
    }

    /// Writes an answer of the gateway's own. One that tells a problem bears the request's id, by
    /// which its log lines are found.
    async fn answer(&self, session: &mut Session, ctx: &mut RequestContext, answer: OwnAnswer) -> Result<()> {
        let answer = match (answer.problem, HeaderValue::from_str(&ctx.request_id)) {
            (Some(problem), Ok(id)) => {
                ctx.error = Some(problem);
                answer.with_header(X_REQUEST_ID, id)
            }
            _ => answer,
        };
        if !session.as_downstream_mut().is_body_done() {
            // The rest of a refused body would be read as the next request.
            session.set_keepalive(None);
        }
        exchange::write(session, &answer).await
    }

    async fn refuse(&self, session: &mut Session, ctx: &mut RequestContext, problem: Problem) -> Result<()> {
        let head = exchange::Head::of(session, &[]);
        let answer = problem.answer_for(head.accept.as_deref(), head.language, ctx.snapshot.base_path());
        self.answer(session, ctx, answer).await
    }

    fn metrics<'a>(&'a self, ctx: &'a RequestContext) -> Option<&'a RouteMetrics> {
        match (&ctx.handling, ctx.forward()) {
            (_, Some((forward, _))) => Some(&forward.metrics),
            (Handling::Own(endpoint), None) => self.own_metrics.get(*endpoint as usize),
            (Handling::Forward(_), None) => None,
        }
    }
}

/// What [`Decision`] becomes once the request's head need not be borrowed any more.
enum Next {
    Forward,
    Prepared(std::result::Result<Arc<OwnAnswer>, Problem>),
    Own(String, Endpoint),
    Refuse(Problem),
}

impl Gateway {
    fn next(&self, head: &RequestHeader, ctx: &mut RequestContext) -> Next {
        match decide(self.listener, &ctx.snapshot, head.raw_path(), &head.headers) {
            Decision::Own { path, endpoint } => {
                ctx.handling = Handling::Own(endpoint);
                if endpoint == Endpoint::SessionOptions && matches!(head.method, Method::GET | Method::HEAD) {
                    let language = exchange::language(head);
                    if let Some(prepared) = endpoints::prepared(&ctx.snapshot, &path, language) {
                        return Next::Prepared(prepared);
                    }
                }
                Next::Own(exchange::raw_path(head), endpoint)
            }
            Decision::Forward { route, path_and_query } => {
                let Some(forward) = ctx.snapshot.forward(route) else {
                    return Next::Refuse(Problem::new(
                        ProblemCode::InternalError,
                        "a route without an upstream",
                    ));
                };
                let too_large =
                    forward.body_limit.is_some_and(|limit| exchange::declared_length(head) > limit);
                let turn = forward.upstream.turn();
                ctx.handling = Handling::Forward(Forwarding::new(route, path_and_query, turn, head));
                if too_large {
                    return Next::Refuse(Problem::new(
                        ProblemCode::RequestTooLarge,
                        "the route's `limits.body` is lower",
                    ));
                }
                Next::Forward
            }
            Decision::Refuse(problem) => Next::Refuse(problem),
        }
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = RequestContext;

    fn new_ctx(&self) -> RequestContext {
        RequestContext::new(self.shared.generations.live(), &self.shared.in_flight)
    }

    /// None: compression and the like belong to whoever stands in front.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, ctx: &mut RequestContext) -> Result<bool> {
        exchange::bound(session, CLIENT_WRITE_TIMEOUT, CLIENT_KEEPALIVE);
        forward::identify(session, ctx, &*self.shared.random);
        match self.next(session.req_header(), ctx) {
            Next::Forward => return Ok(false),
            Next::Prepared(Ok(answer)) => exchange::write(session, &answer).await?,
            // Boxed, so that the futures of rare steps do not weigh on every request.
            Next::Prepared(Err(problem)) | Next::Refuse(problem) => {
                Box::pin(self.refuse(session, ctx, problem)).await?;
            }
            Next::Own(path, endpoint) => Box::pin(self.answer_own(session, ctx, path, endpoint)).await?,
        }
        Ok(true)
    }

    async fn upstream_peer(&self, _session: &mut Session, ctx: &mut RequestContext) -> Result<Box<HttpPeer>> {
        forward::peer(ctx, &self.shared.resolver).await
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        forward::request(session, request, ctx)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        forward::count_body(session, body.as_ref().map_or(0, Bytes::len), ctx)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        forward::response(session, response, ctx)
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        _body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut RequestContext,
    ) -> Result<Option<Duration>> {
        if let Some(forwarding) = ctx.forwarding_mut().filter(|_| end_of_stream) {
            forwarding.answered = Some(Instant::now());
        }
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut RequestContext,
        mut error: Box<Error>,
    ) -> Box<Error> {
        error.set_retry(forward::try_next(ctx, &self.shared.resolver));
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut RequestContext,
    ) -> FailToProxy {
        // Whatever had come, the rest was waited for until now.
        if let Some(forwarding) = ctx.forwarding_mut() {
            forwarding.answered = None;
        }
        let failed = |error_code| FailToProxy { error_code, can_reuse_downstream: false };
        let Some(code) = forward::problem_code(error) else {
            ctx.error = Some("client_gone");
            return failed(0);
        };
        ctx.error = Some(code.as_str());
        if exchange::answered(session).is_some() {
            return failed(0);
        }
        let problem = Problem::new(code, forward::detail(code));
        // Nobody is left to tell when the client cannot be written to either.
        let _ = self.refuse(session, ctx, problem).await;
        failed(code.status().as_u16())
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut RequestContext) {
        let elapsed = ctx.started.elapsed();
        let waited = ctx.waited();
        let overhead = elapsed.saturating_sub(waited.unwrap_or_default());
        let status = exchange::answered(session).map_or_else(context::client_closed, |head| head.status);
        let Some(metrics) = self.metrics(ctx) else { return };
        metrics.answered(status, elapsed, overhead);
        self.shared.log.access(&AccessLine {
            listener: self.listener.as_str(),
            method: exchange::method_label(&session.req_header().method),
            route: metrics.label(),
            status: status.as_u16(),
            gateway: overhead,
            upstream: waited,
            request_id: &ctx.request_id,
            error: ctx.error.or(error.map(|_| "broken_off")),
        });
    }

    /// Pingora's own log lines would quote path and query.
    fn request_summary(&self, _session: &Session, ctx: &RequestContext) -> String {
        format!("request {}", ctx.request_id)
    }

    fn suppress_error_log(&self, _session: &Session, _ctx: &RequestContext, _error: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _ctx: &RequestContext,
        _error: &Error,
        _context: ProxyWarnLogContext,
    ) -> bool {
        true
    }
}
