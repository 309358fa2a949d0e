//! A communication plugin that behaves as the ecosystem's own do (protocol.md, "Core -> comm
//! plugin"): it takes a result once, by whichever way it comes, and opens it with a key of its own.
//!
//! `start: "{url}/{tag}"` chooses the [`CommPlan`] of that tag.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use id_contact_gateway::{
    model::{Dialect, ResultToken},
    tokens::{AuthenticationOutcome, AuthenticationResult, DecryptionKey, TokenError, VerificationKey, open},
};
use serde_json::{Value, json};

use super::{
    answers,
    client::Response,
    keys::{Kind, key},
    network::Network,
    now,
    plans::Plans,
    stub::{ReceivedRequest, Step, StubServer},
};

/// What one method of the plugin does. In its URLs `{url}` is the plugin's own and `{n}` the session.
#[derive(Clone)]
pub struct CommPlan {
    pub client_url: String,
    /// `None`: the result is to come with the citizen.
    pub attr_url: Option<String>,
    /// Of the answer to `start_communication`; one real plugin says `text/plain`.
    pub content_type: &'static str,
    /// What a delivery is answered with, instead of 200 once and 404 after that.
    pub delivery: Option<Vec<Step>>,
    pub decryption: DecryptionKey,
    /// Whose results it believes.
    pub verify: VerificationKey,
}

/// How a result came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the body of `start_communication`.
    Start,
    /// Posted to `attr_url`.
    Post,
    /// With the citizen, in `client_url`.
    ClientUrl,
}

/// A result that the plugin took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The session's number.
    pub session: String,
    pub tag: String,
    pub way: Way,
    pub token: String,
}

pub struct StubComm {
    server: StubServer,
    shared: Arc<Shared>,
}

struct Shared {
    network: Network,
    state: Mutex<State>,
}

struct State {
    plans: Plans<CommPlan>,
    /// The tags of the sessions that were started here.
    sessions: Vec<String>,
    deliveries: Vec<Delivery>,
    /// How many of them the test has taken.
    seen: usize,
    /// Posts that were answered 404, because the session had its result.
    refused: usize,
}

impl Default for CommPlan {
    /// Takes results of the authentication plugin's P-256 key by POST.
    fn default() -> Self {
        Self {
            client_url: "{url}/room/{n}".to_owned(),
            attr_url: Some("{url}/attr/{n}".to_owned()),
            content_type: "application/json",
            delivery: None,
            decryption: key("comm", Kind::P256).decryption(),
            verify: key("auth", Kind::P256).verification(),
        }
    }
}

impl StubComm {
    pub fn start(network: &Network) -> Self {
        let state = State {
            plans: Plans::default(),
            sessions: Vec::new(),
            deliveries: Vec::new(),
            seen: 0,
            refused: 0,
        };
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
    pub fn plan(&self, change: impl FnOnce(&mut CommPlan)) {
        self.shared.state().plans.change(change);
    }

    /// Sets what one method does, from what all do.
    pub fn plan_of(&self, tag: &str, change: impl FnOnce(&mut CommPlan)) {
        self.shared.state().plans.change_of(tag, change);
    }

    /// How many sessions were started.
    pub fn started(&self) -> usize {
        self.shared.state().sessions.len()
    }

    /// The results that were taken so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().deliveries.clone()
    }

    /// How many posts came for a session that had its result.
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }

    /// The one result that came since the last call; panics when there are more or none.
    pub fn take_delivery(&self) -> Delivery {
        let mut state = self.shared.state();
        let new = state.deliveries[state.seen..].to_vec();
        state.seen = state.deliveries.len();
        let [delivery] = new.as_slice() else { panic!("not exactly one delivery: {new:?}") };
        delivery.clone()
    }

    /// Opens a result as the plugin does, with its key and the one it believes.
    pub fn open(&self, delivery: &Delivery) -> Result<AuthenticationResult, TokenError> {
        let plan = self.shared.plan_of(&delivery.tag);
        let token = ResultToken::new(delivery.token.clone());
        open(&token, std::slice::from_ref(&plan.decryption), &plan.verify, now())
    }

    /// The attributes of a successful result in the dialect; panics for anything else.
    pub fn attributes(&self, delivery: &Delivery, dialect: Dialect) -> BTreeMap<String, String> {
        let result = self.open(delivery).unwrap_or_else(|error| panic!("{error}: {delivery:?}"));
        assert_eq!(result.dialect, dialect);
        let AuthenticationOutcome::Success { attributes } = result.outcome else {
            panic!("the result is no success: {delivery:?}");
        };
        attributes.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What a page of the plugin finds when the citizen lands there and no server sees it: the
    /// result behind a `#`, or in a `tel:` URL.
    pub fn land(&self, url: &str) {
        let session = url.split(['?', '#', '&']).next().and_then(|url| url.rsplit('/').next());
        if let Some(token) = result_in(url) {
            self.shared.take(session.unwrap_or_default(), Way::ClientUrl, token.to_owned());
        }
    }

    /// Sends a session update to a `session_url`, as protocol.md wants it.
    pub fn update(&self, session_url: &str, kind: &str) -> Response {
        let separator = if session_url.contains('?') { '&' } else { '?' };
        let url = format!("{session_url}{separator}type={kind}");
        self.shared.network.send("comm", "POST", &url, &[], b"").expect("the gateway answers")
    }

    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.server.requests()
    }

    /// Waits until there have been so many requests.
    pub fn wait_for_requests(&self, count: usize) -> Vec<ReceivedRequest> {
        self.server.wait_for_requests(count)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan_of(&self, tag: &str) -> CommPlan {
        self.state().plans.of(tag)
    }

    fn answer(&self, request: &ReceivedRequest) -> Vec<Step> {
        let path = request.target().split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            ("POST", [tag, "start_communication"]) => {
                self.network.received("comm", request);
                self.start_communication(tag, request)
            }
            ("POST", [.., "attr", session]) => {
                self.network.received("comm", request);
                self.deliver(session, request)
            }
            ("GET", [.., "room", session]) => {
                if let Some(token) = result_in(request.target()) {
                    self.take(session, Way::ClientUrl, token.to_owned());
                }
                answers::answer(200, &[("Content-Type", "text/html")], "Welcome to the conversation.")
            }
            _ => answers::answer(404, &[], "no such page of the communication plugin"),
        }
    }

    fn start_communication(&self, tag: &str, request: &ReceivedRequest) -> Vec<Step> {
        let plan = self.plan_of(tag);
        let number = {
            let mut state = self.state();
            state.sessions.push(tag.to_owned());
            (state.sessions.len() - 1).to_string()
        };
        if let Some(result) = request.json().get("auth_result").and_then(Value::as_str) {
            self.take(&number, Way::Start, result.to_owned());
        }
        let own = format!("http://{}", request.header("host").unwrap_or_default());
        let url = |template: &str| template.replace("{url}", &own).replace("{n}", &number);
        let mut body = json!({ "client_url": url(&plan.client_url), "of_no_interest": [1, 2] });
        if let Some(attr_url) = &plan.attr_url {
            body["attr_url"] = url(attr_url).into();
        }
        answers::answer(200, &[("Content-Type", plan.content_type)], body.to_string())
    }

    fn deliver(&self, session: &str, request: &ReceivedRequest) -> Vec<Step> {
        if let Some(failure) = self.plan_of(&self.tag(session)).delivery {
            return failure;
        }
        let body = &request.body.content;
        let jwt = request.header("content-type") == Some("application/jwt");
        if !jwt || body.ends_with(b"\n") {
            return answers::answer(400, &[], "not a token");
        }
        if self.deliveries_to(session) > 0 {
            self.state().refused += 1;
            return answers::answer(404, &[], "");
        }
        self.take(session, Way::Post, String::from_utf8_lossy(body).into_owned());
        answers::answer(200, &[], "thank you")
    }

    fn deliveries_to(&self, session: &str) -> usize {
        let state = self.state();
        state.deliveries.iter().filter(|d| d.session == session && d.way == Way::Post).count()
    }

    fn take(&self, session: &str, way: Way, token: String) {
        let tag = self.tag(session);
        self.state().deliveries.push(Delivery { session: session.to_owned(), tag, way, token });
    }

    /// The method that a session belongs to; empty for one that was not started here.
    fn tag(&self, session: &str) -> String {
        let number = session.parse::<usize>().ok();
        let state = self.state();
        number.and_then(|number| state.sessions.get(number)).cloned().unwrap_or_default()
    }
}

/// The value of `result` anywhere in a URL: also behind a fragment, where old plugins put it.
fn result_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("?result=").or_else(|| url.split_once("&result="))?;
    rest.split(['&', '#']).next()
}
