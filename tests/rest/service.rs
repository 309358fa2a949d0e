//! A REST service that signs citizens in and has rooms, well behaved until a test says otherwise.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use crate::support::{
    answers,
    stub::{ReceivedRequest, Step, StubServer},
};

pub const ID: &str = "0123456789abcdef";

pub struct Service {
    server: StubServer,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// By the beginning of `METHOD /path`; taken in turn, the last one stays.
    told: HashMap<String, Vec<Vec<Step>>>,
    /// Where the latest sign-in wants its citizen back.
    return_url: String,
}

impl Service {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let server = StubServer::start({
            let shared = Arc::clone(&shared);
            move |request| shared.answer(request)
        });
        Self { server, shared }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Answers requests that begin like this (`GET /api`) in these ways, one after the other.
    pub fn tell(&self, request: &str, answers: impl IntoIterator<Item = Vec<Step>>) {
        self.shared.state().told.insert(request.to_owned(), answers.into_iter().collect());
    }

    /// Answers with JSON.
    pub fn tell_json(&self, request: &str, status: u16, body: &Value) {
        self.tell(request, [json_answer(status, body)]);
    }

    /// The requests that begin like this (`GET /api`), in order.
    pub fn requests(&self, beginning: &str) -> Vec<ReceivedRequest> {
        let all = self.server.requests().into_iter();
        all.filter(|request| line(request).starts_with(beginning)).collect()
    }

    /// The one request that begins like this.
    pub fn request(&self, beginning: &str) -> ReceivedRequest {
        let mut requests = self.requests(beginning);
        assert_eq!(requests.len(), 1, "{beginning}: {requests:?}");
        requests.remove(0)
    }

    /// Waits until there have been so many requests altogether.
    pub fn wait_for_requests(&self, count: usize) {
        self.server.wait_for_requests(count);
    }

    /// Where the latest sign-in wants its citizen back.
    pub fn return_url(&self) -> String {
        self.shared.state().return_url.clone()
    }
}

pub fn json_answer(status: u16, body: &Value) -> Vec<Step> {
    answers::answer(status, &[("Content-Type", "application/json")], body.to_string())
}

/// How the service says that a sign-in stands.
pub fn state(state: &str) -> Vec<Step> {
    json_answer(200, &signed_in(state))
}

pub fn signed_in(state: &str) -> Value {
    json!({ "state": state, "person": { "mail": "anna@example.nl", "name": "Anna" } })
}

fn line(request: &ReceivedRequest) -> String {
    format!("{} {}", request.method(), request.target())
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest) -> Vec<Step> {
        let (line, mut state) = (line(request), self.state());
        if line == "POST /api/sessions" {
            let asked = request.json();
            asked["return"].as_str().unwrap_or_default().clone_into(&mut state.return_url);
        }
        let told = state.told.iter_mut().filter(|(beginning, _)| line.starts_with(*beginning));
        if let Some((_, answers)) = told.max_by_key(|(beginning, _)| beginning.len()) {
            return if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        }
        let base = format!("http://{}", request.header("host").unwrap_or_default());
        let path = request.target().split('?').next().unwrap_or_default();
        match (request.method(), path) {
            ("POST", "/api/sessions") => {
                json_answer(201, &json!({ "id": ID, "login_url": format!("{base}/login?s=1") }))
            }
            // Services like to add something.
            ("GET", "/login") => answers::redirect(303, &format!("{}?code=x&state=%22", state.return_url)),
            ("GET", path) if path.starts_with("/api/sessions/") => self::state("done"),
            ("DELETE" | "POST", path) if path.starts_with("/api/sessions/") => answers::answer(204, &[], ""),
            ("POST", "/rooms") => json_answer(200, &json!({ "room_id": "r-1" })),
            ("PUT" | "POST", _) => answers::answer(200, &[], ""),
            ("GET", path) if path.starts_with("/room/") => answers::answer(200, &[], "Welcome."),
            _ => answers::answer(404, &[], "nothing here"),
        }
    }
}
