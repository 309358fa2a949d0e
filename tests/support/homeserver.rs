//! A real Matrix homeserver: Synapse in a process of its own (tests/matrix), with two users, a bot and
//! an agent, who speak to it through its client-server API.

use std::{
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{client::Response, log::Log, network::Network};

/// Synapse makes a database first, which takes seconds on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The running homeserver; dropping it ends it and removes all that it kept.
pub struct Homeserver {
    base: String,
    pub bot: User,
    pub agent: User,
    child: Child,
    /// It ends with its standard input.
    stdin: Option<ChildStdin>,
    errors: Log,
}

/// Who may speak to the homeserver.
#[derive(Clone)]
pub struct User {
    /// `@bot:hs.test`
    pub id: String,
    pub access_token: String,
    base: String,
}

impl Homeserver {
    /// Starts it and waits until it serves and the users are there.
    pub fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it stands in target");
        let mut child = Command::new(target.join("matrix/bin/python"))
            .arg(root.join("tests/matrix/homeserver.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Synapse is installed (scripts/prerequisites matrix)");
        let output = Log::collect(child.stdout.take().expect("stdout is piped"));
        let errors = Log::collect(child.stderr.take().expect("stderr is piped"));
        let ready = output.wait_after(0, START_LIMIT, |line| line.text_field("ready").is_some());
        let ready = ready.unwrap_or_else(|| panic!("Synapse does not come up:\n{}", errors.text())).fields;
        let base = text(&ready["ready"]);
        let user = |name: &str| User::new(&base, &ready[name]);
        let (bot, agent, stdin) = (user("bot"), user("agent"), child.stdin.take());
        Self { base, bot, agent, child, stdin, errors }
    }

    /// Its base URL, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What Synapse logged, for a failed test to show.
    pub fn log(&self) -> String {
        self.errors.text()
    }
}

impl Drop for Homeserver {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It fails when the process has ended already, which is as good.
        let _ = self.child.wait();
        self.errors.finish();
    }
}

impl User {
    fn new(base: &str, registered: &Value) -> Self {
        Self {
            id: text(&registered["user_id"]),
            access_token: text(&registered["access_token"]),
            base: base.to_owned(),
        }
    }

    /// Makes a room and invites somebody; the room's id.
    /// <https://spec.matrix.org/v1.11/client-server-api/#post_matrixclientv3createroom>
    pub fn create_room(&self, name: &str, invited: &Self) -> String {
        let body = json!({ "name": name, "preset": "trusted_private_chat", "invite": [invited.id] });
        text(&self.call("POST", "/createRoom", &body).json()["room_id"])
    }

    pub fn join(&self, room: &str) {
        self.call("POST", &format!("/rooms/{}/join", escaped(room)), &json!({}));
    }

    /// Says something, once per transaction, however often it is sent; the event's id.
    /// <https://spec.matrix.org/v1.11/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid>
    pub fn send(&self, room: &str, transaction: &str, content: &Value) -> String {
        let path = format!("/rooms/{}/send/m.room.message/{transaction}", escaped(room));
        text(&self.call("PUT", &path, content).json()["event_id"])
    }

    /// The rooms that this user is invited to.
    pub fn invitations(&self) -> Vec<String> {
        let rooms = self.call("GET", "/sync", &Value::Null).json();
        let invitations = rooms["rooms"]["invite"].as_object().into_iter().flatten();
        invitations.map(|(room, _)| room.clone()).collect()
    }

    /// The rooms that this user is in.
    pub fn rooms(&self) -> Vec<String> {
        let rooms = self.call("GET", "/joined_rooms", &Value::Null).json();
        rooms["joined_rooms"].as_array().into_iter().flatten().map(text).collect()
    }

    /// The room's name.
    pub fn name_of(&self, room: &str) -> String {
        let path = format!("/rooms/{}/state/m.room.name", escaped(room));
        text(&self.call("GET", &path, &Value::Null).json()["name"])
    }

    /// The contents of the messages of a room, the latest one first.
    pub fn messages(&self, room: &str) -> Vec<Value> {
        let path = format!("/rooms/{}/messages?dir=b&limit=100", escaped(room));
        let page = self.call("GET", &path, &Value::Null).json();
        let events = page["chunk"].as_array().into_iter().flatten();
        let messages = events.filter(|event| event["type"] == "m.room.message");
        messages.map(|event| event["content"].clone()).collect()
    }

    /// One request to the client-server API, which must succeed; a null body is none.
    fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let url = format!("{}/_matrix/client/v3{path}", self.base);
        let authorization = format!("Bearer {}", self.access_token);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = Network::default().send("client", method, &url, &headers, body.as_bytes());
        let answer = answer.expect("the homeserver answers");
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        answer
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Room ids hold `!` and `:`.
fn escaped(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}
