//! `POST /start`: the first step of a session.

mod run;

use http::{HeaderValue, StatusCode, header};

use super::{
    Problem, ProblemCode, auth_only,
    auth_only::Urls,
    endpoints::Listener,
    events::record_refused_start,
    methods::{self, Auth, Comm},
    negotiate,
    onward::go,
    start_request::{StartBody, StartRequest},
    state::{Held, Kind, SessionInfo, open},
};
use crate::{
    config::Purpose,
    model::{Nonce, OwnAnswer, OwnRequest, ResultToken, SessionReference, wire},
    plugins::Environment,
    snapshot::{Snapshot, Transfer},
};

/// A start whose tags are known and allowed: every kind that can go wrong early has.
struct Start<'s> {
    session: SessionInfo,
    purpose: &'s Purpose,
    step: Step<'s>,
    listener: Listener,
}

/// What is to be done with which plugins (protocol.md, "Initiator -> core").
enum Step<'s> {
    /// Authentication, then communication.
    Full { auth: Auth<'s>, comm: Comm<'s>, reseals: bool },
    /// Communication with an earlier result; `held` is what is its own, where the gateway kept it for this.
    WithResult { comm: Comm<'s>, result: ResultToken, held: Option<Nonce> },
    /// Communication without authentication.
    Unauthenticated { comm: Comm<'s> },
    /// Authentication for a conversation that there is already.
    AuthenticationOnly { auth: Auth<'s>, urls: Urls, reseals: bool },
    /// Authentication, then the choice of a channel.
    Choice { auth: Auth<'s> },
}

/// Where the citizen goes, and what binds the session to the browser.
struct Started {
    client_url: String,
    cookie: Option<HeaderValue>,
}

/// Starts a session: a JSON answer, a redirect or a problem.
pub async fn start(
    snapshot: &Snapshot,
    listener: Listener,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    let reference = SessionReference::new(environment.random);
    let cookie = request.cookie.as_deref();
    let resolver = Resolver { snapshot, listener, reference, cookie, environment };
    let parsed = StartBody::parse(request.content_type.as_deref(), &request.body)
        .and_then(|body| resolver.resolve(body));
    let outcome = match parsed {
        Ok(start) => start.run(snapshot, environment).await,
        Err(problem) => {
            record_refused_start(reference, &problem, environment);
            Err(problem.of_session(reference))
        }
    };
    match outcome {
        Ok(started) => answer(snapshot, &started, request),
        Err(problem) => problem.answer(request, snapshot.base_path()),
    }
}

fn answer(snapshot: &Snapshot, Started { client_url, cookie }: &Started, request: &OwnRequest) -> OwnAnswer {
    let answer = if negotiate::wants_json(request.accept.as_deref()) {
        // A string always has a JSON form.
        let body = serde_json::to_vec(&wire::ClientUrl { client_url }).unwrap_or_default();
        OwnAnswer::new(StatusCode::OK, "application/json", body)
            .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
    } else {
        go(snapshot, client_url, request.language)
    };
    match cookie {
        Some(cookie) => answer.with_header(header::SET_COOKIE, cookie.clone()),
        None => answer,
    }
}

/// Makes a start of what a client sent.
#[derive(Clone, Copy)]
struct Resolver<'s> {
    snapshot: &'s Snapshot,
    listener: Listener,
    reference: SessionReference,
    cookie: Option<&'s str>,
    environment: Environment<'s>,
}

impl<'s> Resolver<'s> {
    fn resolve(self, body: StartBody) -> Result<Start<'s>, Problem> {
        match body {
            StartBody::Signed(token) => {
                let (request, urls) = auth_only::signed(self.snapshot, &token, self.environment)?;
                let purpose = methods::purpose(self.snapshot, request.purpose.as_deref())?;
                self.authentication_only(purpose, &request, urls)
            }
            StartBody::Plain(request) => self.plain(&request),
        }
    }

    fn plain(self, request: &StartRequest) -> Result<Start<'s>, Problem> {
        if let Some(sealed) = &request.session {
            return self.held(sealed, request);
        }
        let snapshot = self.snapshot;
        let purpose = methods::purpose(snapshot, request.purpose.as_deref())?;
        let auth = request.auth_method.as_deref();
        let auth = auth.map(|tag| Auth::resolve(snapshot, purpose, tag)).transpose()?;
        let comm = request.comm_method.as_deref();
        let comm = comm.map(|tag| Comm::resolve(snapshot, purpose, tag)).transpose()?;
        let step = match (auth, comm, request.auth_result.clone()) {
            (Some(auth), Some(comm), _) => {
                Step::Full { auth, comm, reseals: self.reseals(auth, Some(comm))? }
            }
            (None, Some(_), Some(result)) if result.expose().is_empty() => {
                return Err(Problem::new(ProblemCode::InvalidRequest, "the field `auth_result` is empty"));
            }
            (None, Some(comm), Some(result)) => Step::WithResult { comm, result, held: None },
            (None, Some(comm), None) if purpose.unauthenticated => Step::Unauthenticated { comm },
            (None, Some(_), None) => {
                return Err(Problem::new(
                    ProblemCode::UnauthenticatedNotAllowed,
                    "name an `auth_method`, or send an `auth_result`",
                ));
            }
            (Some(_), None, _) if request.comm_url.is_some() || request.attr_url.is_some() => {
                let urls = auth_only::unsigned(snapshot, self.listener, purpose, request)?;
                return self.authentication_only(purpose, request, urls);
            }
            (Some(_), None, _) if purpose.allowed_comm.is_empty() => {
                return Err(Problem::new(
                    ProblemCode::CommMethodNotAllowed,
                    "the purpose allows no communication method",
                ));
            }
            (Some(auth), None, _) => Step::Choice { auth },
            (None, None, _) => {
                return Err(Problem::new(
                    ProblemCode::InvalidRequest,
                    "neither `auth_method` nor `comm_method` is given",
                ));
            }
        };
        Ok(self.started(purpose, step))
    }

    /// The citizen has signed in and now chose a channel.
    fn held(self, sealed: &str, request: &StartRequest) -> Result<Start<'s>, Problem> {
        let held: Held =
            open(sealed, self.snapshot, self.environment).map_err(|_| Problem::unknown_session())?;
        if !held.is_of_browser(self.cookie, self.snapshot.public_url()) {
            return Err(Problem::other_browser());
        }
        if request.purpose.as_deref().is_some_and(|purpose| purpose != held.session.purpose) {
            return Err(Problem::unknown_session());
        }
        let purpose = methods::purpose(self.snapshot, Some(&held.session.purpose))?;
        let tag = request
            .comm_method
            .as_deref()
            .ok_or_else(|| Problem::new(ProblemCode::InvalidRequest, "the field `comm_method` is missing"))?;
        let comm = Comm::resolve(self.snapshot, purpose, tag)?;
        let (result, own) = (held.result(), held.random);
        let session = SessionInfo {
            kind: Kind::Communication,
            comm_method: comm.config.tag.to_string(),
            ..held.session
        };
        let step = Step::WithResult { comm, result, held: Some(own) };
        Ok(Start { session, purpose, step, listener: self.listener })
    }

    fn authentication_only(
        self,
        purpose: &'s Purpose,
        request: &StartRequest,
        urls: Urls,
    ) -> Result<Start<'s>, Problem> {
        let tag = request
            .auth_method
            .as_deref()
            .ok_or_else(|| Problem::new(ProblemCode::InvalidRequest, "the field `auth_method` is missing"))?;
        let auth = Auth::resolve(self.snapshot, purpose, tag)?;
        let receiver = self.snapshot.receiver(urls.attr_url.as_ref().unwrap_or(&urls.comm_url), purpose);
        let comm = receiver.map(|(_, config, plugin)| Comm { config, plugin });
        let reseals = self.reseals(auth, comm)?;
        let mut start = self.started(purpose, Step::AuthenticationOnly { auth, urls, reseals });
        start.session.comm_method = comm.map(|comm| comm.config.tag.to_string()).unwrap_or_default();
        Ok(start)
    }

    /// Whether results pass through the gateway.
    fn reseals(self, auth: Auth<'s>, comm: Option<Comm<'s>>) -> Result<bool, Problem> {
        match self.snapshot.transfer(auth.config, comm.map(|comm| comm.config)) {
            Some(transfer) => Ok(matches!(transfer, Transfer::Reseal(_))),
            None => Err(Problem::new(
                ProblemCode::NotCombinable,
                "only one of the two methods has its results re-sealed (`trust` in plugins.yaml)",
            )),
        }
    }

    fn started(self, purpose: &'s Purpose, step: Step<'s>) -> Start<'s> {
        let (kind, auth, comm) = match &step {
            Step::Full { auth, comm, .. } => (Kind::Full, Some(auth), Some(comm)),
            Step::WithResult { comm, .. } => (Kind::Communication, None, Some(comm)),
            Step::Unauthenticated { comm } => (Kind::Unauthenticated, None, Some(comm)),
            Step::AuthenticationOnly { auth, .. } => (Kind::Authentication, Some(auth), None),
            Step::Choice { auth } => (Kind::Choice, Some(auth), None),
        };
        let session = SessionInfo {
            reference: self.reference,
            kind,
            purpose: purpose.tag.to_string(),
            auth_method: auth.map(|auth| auth.config.tag.to_string()).unwrap_or_default(),
            comm_method: comm.map(|comm| comm.config.tag.to_string()).unwrap_or_default(),
            started: self.environment.clock.now(),
        };
        Start { session, purpose, step, listener: self.listener }
    }
}
