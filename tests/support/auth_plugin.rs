//! An authentication plugin that behaves as the ecosystem's own do (protocol.md, "Core -> auth
//! plugin"), in all the ways that are in use.
//!
//! `start: "{url}/{tag}"` chooses the [`AuthPlan`] of that tag. Its page `/ui/{n}` signs in at once:
//! whoever opens it is somebody.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use id_contact_gateway::{
    model::Dialect,
    tokens::{Attributes, AuthenticationOutcome, EncryptionKey, NewResult, SigningKey, issue},
};
use serde_json::{Value, json};

use super::{
    answers,
    keys::{Kind, key},
    network::Network,
    now,
    plans::Plans,
    stub::{ReceivedRequest, Step, StubServer},
};

/// How a sign-in ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    Success,
    /// A result with `status: failed`.
    Failed,
    /// Back to the continuation without a result.
    Cancel,
    /// A page, and the citizen stays there.
    Never,
}

/// How `result` is added to a continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    /// `?` or `&` and the parameter, at the very end of the string.
    AtEnd,
    /// As Go does: parsed, and the whole query encoded anew, sorted.
    Sorted,
}

/// When a result is posted to `attr_url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posts {
    BeforeRedirect,
    /// When the test says so: [`StubAuth::post`].
    Later,
}

/// What one method of the plugin does.
#[derive(Clone)]
pub struct AuthPlan {
    pub finish: Finish,
    pub append: Append,
    pub posts: Posts,
    /// Takes no notice of `attr_url`, and adds the result to the continuation as ever.
    pub ignores_attr_url: bool,
    /// 302 or 303.
    pub redirect: u16,
    pub dialect: Dialect,
    pub signing: SigningKey,
    pub encryption: EncryptionKey,
    /// Issues results with a `session_url` of the plugin's own; `{n}` is the session.
    pub session_url: Option<&'static str>,
    /// Attributes that nobody asked for.
    pub unasked: Vec<(String, String)>,
    /// Added to the clock when a result is issued.
    pub clock_ahead: i64,
    /// What is sent instead of a result.
    pub instead: Option<String>,
    /// What session updates are answered with.
    pub update: Vec<Step>,
}

/// One sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub tag: String,
    /// The body of `start_authentication`.
    pub asked: Value,
    /// The statuses that the posts to `attr_url` were answered with; 0 where nobody answered.
    pub posted: Vec<u16>,
}

pub struct StubAuth {
    server: StubServer,
    shared: Arc<Shared>,
}

struct Shared {
    network: Network,
    state: Mutex<State>,
}

struct State {
    plans: Plans<AuthPlan>,
    sessions: Vec<SignIn>,
}

impl Default for AuthPlan {
    /// A result from a P-256 key to a P-256 key of the communication plugin.
    fn default() -> Self {
        Self {
            finish: Finish::Success,
            append: Append::AtEnd,
            posts: Posts::BeforeRedirect,
            ignores_attr_url: false,
            redirect: 303,
            dialect: Dialect::IdContact,
            signing: key("auth", Kind::P256).signing(),
            encryption: key("comm", Kind::P256).encryption(),
            session_url: None,
            unasked: Vec::new(),
            clock_ahead: 0,
            instead: None,
            update: answers::answer(204, &[], ""),
        }
    }
}

impl StubAuth {
    pub fn start(network: &Network) -> Self {
        let state = State { plans: Plans::default(), sessions: Vec::new() };
        let shared = Arc::new(Shared { network: network.clone(), state: Mutex::new(state) });
        let server = StubServer::start({
            let shared = Arc::clone(&shared);
            move |request| shared.answer(request)
        });
        Self { server, shared }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Sets what every method does that has no plan of its own.
    pub fn plan(&self, change: impl FnOnce(&mut AuthPlan)) {
        self.shared.state().plans.change(change);
    }

    /// Sets what one method does, from what all do.
    pub fn plan_of(&self, tag: &str, change: impl FnOnce(&mut AuthPlan)) {
        self.shared.state().plans.change_of(tag, change);
    }

    /// The sign-ins so far, in order.
    pub fn sessions(&self) -> Vec<SignIn> {
        self.shared.state().sessions.clone()
    }

    /// The latest sign-in.
    pub fn last(&self) -> SignIn {
        self.sessions().pop().expect("a sign-in was started")
    }

    /// The continuation that the latest sign-in was given.
    pub fn continuation(&self) -> String {
        self.last().continuation().to_owned()
    }

    /// Issues a result for a session, as its plan wants it.
    pub fn result(&self, session: usize) -> String {
        self.shared.result(session, &self.server.url())
    }

    /// Posts a result of the session to its `attr_url`; the status of the answer.
    pub fn post(&self, session: usize) -> u16 {
        self.shared.post(session, &self.server.url())
    }

    /// The session updates so far: path and query.
    pub fn updates(&self) -> Vec<String> {
        let requests = self.server.requests();
        let updates = requests.iter().filter(|request| request.target().starts_with("/updates/"));
        updates.map(|request| request.target().to_owned()).collect()
    }

    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.server.requests()
    }
}

impl SignIn {
    pub fn continuation(&self) -> &str {
        self.asked["continuation"].as_str().expect("a continuation is given")
    }

    pub fn attr_url(&self) -> Option<&str> {
        self.asked.get("attr_url").map(|url| url.as_str().expect("attr_url is a text or left out"))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest) -> Vec<Step> {
        let base = format!("http://{}", request.header("host").unwrap_or_default());
        let path = request.target().split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            ("POST", [tag, .., "start_authentication"]) => {
                self.network.received("auth", request);
                let session = SignIn { tag: (*tag).to_owned(), asked: request.json(), posted: Vec::new() };
                let mut state = self.state();
                state.sessions.push(session);
                answers::json(&json!({ "client_url": format!("{base}/ui/{}", state.sessions.len() - 1) }))
            }
            ("GET", ["ui", session]) => self.finish(session.parse().expect("a session"), &base),
            ("POST", ["updates", session]) => {
                self.network.received("auth", request);
                self.plan_and_session(session.parse().expect("a session")).0.update
            }
            _ => answers::answer(404, &[], "no such page of the authentication plugin"),
        }
    }

    fn finish(&self, session: usize, base: &str) -> Vec<Step> {
        let (plan, sign_in) = self.plan_and_session(session);
        let continuation = sign_in.continuation();
        let location = match (plan.finish, sign_in.attr_url()) {
            (Finish::Never, _) => return answers::answer(200, &[], "Please sign in."),
            (Finish::Cancel, _) => continuation.to_owned(),
            (_, Some(_)) if !plan.ignores_attr_url => {
                if plan.posts == Posts::BeforeRedirect {
                    self.post(session, base);
                }
                continuation.to_owned()
            }
            _ => with_result(continuation, &self.result(session, base), plan.append),
        };
        answers::redirect(plan.redirect, &location)
    }

    fn result(&self, session: usize, base: &str) -> String {
        let (plan, sign_in) = self.plan_and_session(session);
        if let Some(instead) = plan.instead {
            return instead;
        }
        let asked = sign_in.asked["attributes"].as_array().expect("attributes are asked");
        let asked = asked.iter().filter_map(Value::as_str).map(|tag| (tag.to_owned(), value_of(tag)));
        let attributes: BTreeMap<_, _> = asked.chain(plan.unasked).collect();
        let outcome = match plan.finish {
            Finish::Failed => AuthenticationOutcome::Failed,
            _ => AuthenticationOutcome::Success { attributes: Attributes::from(attributes) },
        };
        let session_url =
            plan.session_url.map(|path| format!("{base}{path}").replace("{n}", &session.to_string()));
        let result = NewResult {
            dialect: plan.dialect,
            outcome: &outcome,
            session_url: session_url.as_deref(),
            not_after: None,
        };
        let now = now().checked_add_signed(plan.clock_ahead).expect("a time");
        issue(&result, &plan.signing, &plan.encryption, now).expect("a result is issued").expose().to_owned()
    }

    fn post(&self, session: usize, base: &str) -> u16 {
        let result = self.result(session, base);
        let (_, sign_in) = self.plan_and_session(session);
        let attr_url = sign_in.attr_url().expect("the plugin was given an attr_url");
        let headers = [("Content-Type", "application/jwt")];
        let answer = self.network.send("auth", "POST", attr_url, &headers, result.as_bytes());
        let status = answer.map_or(0, |answer| answer.status);
        self.state().sessions[session].posted.push(status);
        status
    }

    fn plan_and_session(&self, session: usize) -> (AuthPlan, SignIn) {
        let state = self.state();
        let sign_in = state.sessions[session].clone();
        (state.plans.of(&sign_in.tag), sign_in)
    }
}

/// The value that the plugin gives to an attribute.
pub fn value_of(attribute: &str) -> String {
    format!("the citizen's {attribute}")
}

/// A continuation with the parameter `result`, as plugins in the field add it.
pub fn with_result(continuation: &str, result: &str, append: Append) -> String {
    match append {
        Append::AtEnd => {
            let separator = if continuation.contains('?') { '&' } else { '?' };
            format!("{continuation}{separator}result={result}")
        }
        Append::Sorted => {
            let mut url = url::Url::parse(continuation).expect("the continuation is a URL");
            let mut pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
            pairs.insert("result".to_owned(), result.to_owned());
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            url.set_query(Some(&query));
            url.to_string()
        }
    }
}
