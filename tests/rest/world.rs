//! A gateway with methods of kind `http`, the service that they call, and plugins of the ecosystem for the
//! other side.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    service::Service,
    support::{
        auth_plugin::StubAuth,
        browser::{Browser, Landing},
        client::Response,
        comm_plugin::StubComm,
        gateway::{Files, TestGateway},
        keys::{Kind, key},
        log::LogLine,
        network::Network,
    },
};
use id_contact_gateway::model::Dialect;

pub const PUBLIC: &str = "http://gateway.test";
pub const TOKEN: &str = "hunter2-token";
pub const HOOK_SECRET: &str = "hunter2-signing-secret";

/// An authentication method `pin`; `{REST}` stands for how its citizens sign in and more.
pub const PIN: &str = r#"  - tag: pin
    name: PIN
    image_path: /static/pin.svg
    http:
      base: "{service}"
      secrets: { token: { env: PIN_TOKEN } }
      start:
        request: { method: POST, path: /api/sessions, headers: { authorization: "Bearer {{ secrets.token }}" }, json: { return: "{{ return_url }}", fields: "{{ attributes }}" } }
        expect: { status: [201] }
        save: { id: { from: $.id, pattern: "^[a-f0-9]{16}$" }, login: { from: $.login_url, type: url, hosts: ["127.0.0.1"] } }
      finish:
        request: { method: GET, path: "/api/sessions/{{ start.id }}", headers: { authorization: "Bearer {{ secrets.token }}" } }
        expect: { status: [200] }
        outcome: { from: $.state, ok: [done], cancelled: [cancelled], failed: [expired]{PENDING} }
        attributes: { email: $.person.mail, fullname: $.person.name }
{REST}
"#;
pub const REDIRECT: &str = "      redirect: \"{{ start.login }}\"\n";

/// A communication method `room` that makes rooms and gets attributes.
pub const ROOM: &str = r#"  - tag: room
    name: Chat
    image_path: /static/chat.svg
    http:
      base: "{service}"
      secrets: { token: { env: PIN_TOKEN } }
      start: { request: { method: POST, path: /rooms, headers: { x-token: "{{ secrets.token }}" }, json: { name: "{{ purpose }}" } }, expect: { status: [200] }, save: { room: { from: $.room_id } } }
      deliver: { request: { method: PUT, path: "/rooms/{{ start.room }}/attributes", json: { attributes: "{{ attributes }}", mail: "{{ attributes.email }}", updates: "{{ session_url | default(null) }}" } }{DELIVER} }
      client_url: "{service}/room/{{ start.room }}"
{REST}
"#;
pub const HMAC: &str = ", hmac: { header: X-Signature, secret: { env: HOOK } }";

/// Other sides whose results the gateway opens, and that take what it issues.
const IRMA: &str = "  - { tag: irma, name: IRMA, image_path: /static/irma.svg, start: \"{auth}/irma\", trust: { reseal: { verify: { env: AUTH } } } }\n";
/// The same plugin, which brings its results along with the citizen.
const BACK: &str = "  - { tag: back, name: IRMA, image_path: /static/irma.svg, start: \"{auth}/back\", disable_attr_url: true, trust: { reseal: { verify: { env: AUTH } } } }\n";
const TEST: &str = "  - { tag: test, name: Test, image_path: /static/test.svg, test: { attributes: { email: jan@example.com, fullname: Jan } } }\n";
const CHAT: &str = "  - { tag: chat, name: Chat, image_path: /static/chat.svg, start: \"{comm}/chat\", trust: { reseal: { encrypt: { env: COMM } } } }\n";

/// The method `pin` that redirects, with this more.
pub fn pin(more: &str) -> String {
    PIN.replace("{PENDING}", "").replace("{REST}", &format!("{REDIRECT}{more}"))
}

/// The method `pin` that is asked again and again.
pub fn polled(poll: &str, redirects: bool) -> String {
    let redirect = if redirects { REDIRECT } else { "" };
    PIN.replace("{PENDING}", ", pending: [waiting]")
        .replace("{REST}", &format!("{redirect}      poll: {poll}\n"))
}

/// The method `room`, with this more in `deliver` and beside it.
pub fn room(deliver: &str, more: &str) -> String {
    ROOM.replace("{DELIVER}", deliver).replace("{REST}", more)
}

pub struct World {
    pub network: Network,
    pub service: Service,
    pub auth: StubAuth,
    pub comm: StubComm,
    pub gateway: TestGateway,
    files: Files,
}

impl World {
    /// A gateway with an authentication method `pin` beside `irma` and `test`.
    pub fn signing_in(pin: &str) -> Self {
        Self::new(pin, "")
    }

    /// A gateway with a communication method `room` beside `chat`.
    pub fn communicating(room: &str) -> Self {
        Self::new("", room)
    }

    pub fn new(auth: &str, comm: &str) -> Self {
        let (network, service) = (Network::default(), Service::start());
        let (auth_plugin, comm_plugin) = (StubAuth::start(&network), StubComm::start(&network));
        auth_plugin.plan(|plan| plan.encryption = key("gateway", Kind::P256).encryption());
        comm_plugin.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
        let plugins = format!("auth:\n{auth}{IRMA}{BACK}{TEST}comm:\n{comm}{CHAT}{KEYS}");
        let plugins = plugins
            .replace("{service}", &service.url())
            .replace("{auth}", &auth_plugin.url())
            .replace("{comm}", &comm_plugin.url());
        let files = Files::new(ROUTES, PURPOSES, &plugins);
        let gateway = start_gateway(&files);
        let world = Self { network, service, auth: auth_plugin, comm: comm_plugin, gateway, files };
        world.use_instance(&world.gateway);
        world
    }

    /// Another gateway with the same configuration and keys.
    pub fn second_instance(&self) -> TestGateway {
        start_gateway(&self.files)
    }

    /// Sends everybody there from now on.
    pub fn use_instance(&self, gateway: &TestGateway) {
        self.network.point("gateway.test", gateway.public);
    }

    /// Puts a changed plugins.yaml into force.
    pub fn reload(&self, change: impl FnOnce(&str) -> String) {
        self.gateway.replace("plugins.yaml", &change(&self.files.plugins));
        let answer = self.gateway.admin().post("admin", "/reload", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.network)
    }

    /// Starts a session as a widget does.
    #[allow(clippy::unused_self, reason = "it reads better as what one does in this world")]
    pub fn try_start(&self, browser: &mut Browser, auth: &str, comm: &str) -> Response {
        let body = json!({ "purpose": "report_move", "auth_method": auth, "comm_method": comm });
        browser.post_json(&format!("{PUBLIC}/start"), &body)
    }

    /// The same, where it succeeds; where the citizen goes.
    pub fn start(&self, browser: &mut Browser, auth: &str, comm: &str) -> String {
        let answer = self.try_start(browser, auth, comm);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["client_url"].as_str().expect("an answer has a client_url").to_owned()
    }

    /// Signs in for `room`; where the citizen comes back, with their result.
    pub fn sign_in(&self, browser: &mut Browser) -> String {
        let sign_in = self.start(browser, "back", "room");
        browser.get(&sign_in).header("location").expect("a redirect").to_owned()
    }

    /// The same, and goes on to `room`; where the citizen lands, and where they came back.
    pub fn converse(&self, browser: &mut Browser) -> (Landing, String) {
        let back = self.sign_in(browser);
        (browser.open(&back), back)
    }

    /// The attributes of the one result that `chat` got; `None` where the citizen did not sign in.
    pub fn received(&self) -> Option<BTreeMap<String, String>> {
        use id_contact_gateway::tokens::AuthenticationOutcome;
        let delivery = self.comm.take_delivery();
        match self.comm.open(&delivery).expect("the result opens").outcome {
            AuthenticationOutcome::Failed => None,
            AuthenticationOutcome::Success { .. } => {
                Some(self.comm.attributes(&delivery, Dialect::IdContact))
            }
        }
    }

    /// Waits for the log line of an event.
    pub fn wait_for_event(&self, event: &str, outcome: &str) -> LogLine {
        self.gateway.wait_for_log(|line| {
            line.message() == "session event"
                && line.text_field("event") == Some(event)
                && line.text_field("outcome") == Some(outcome)
        })
    }

    /// Waits for the line that says what was wrong with the service.
    pub fn wait_for_warning(&self, reason: &str) -> LogLine {
        self.gateway.wait_for_log(|line| {
            line.message() == "sign-in at a service"
                && line.text_field("reason").is_some_and(|said| said.contains(reason))
        })
    }

    /// All that operators can see: the log, the metrics and the configuration in force.
    pub fn seen_by_operators(&self) -> String {
        let page = |path| self.gateway.admin().get("admin", path, &[]).text().to_owned();
        format!("{}{}{}", self.gateway.log_text(), page("/metrics"), page("/config"))
    }
}

/// The status and the code of a refusal.
pub fn refusal(answer: &Response) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

/// What `email` and `fullname` are in a result.
#[allow(clippy::unnecessary_wraps, reason = "it is compared with what a receiver may not have got")]
pub fn attributes(email: &str, fullname: &str) -> Option<BTreeMap<String, String>> {
    let pairs = [("email", email), ("fullname", fullname)];
    Some(pairs.map(|(tag, value)| (tag.to_owned(), value.to_owned())).into())
}

pub fn json_body(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("a body is JSON")
}

fn start_gateway(files: &Files) -> TestGateway {
    let private = |party| key(party, Kind::P256).private_pem.clone();
    let public = |party| key(party, Kind::P256).public_pem.clone();
    let variables = [
        ("STATE_1", "a secret of the tests, long enough to seal with".to_owned()),
        ("GATEWAY_SIGN", private("gateway")),
        ("GATEWAY_DECRYPT", private("gateway")),
        ("AUTH", public("auth")),
        ("COMM", public("comm")),
        ("PIN_TOKEN", TOKEN.to_owned()),
        ("HOOK", HOOK_SECRET.to_owned()),
    ];
    TestGateway::start_with(files, |command| command.envs(variables))
}

const ROUTES: &str = "gateway: { public_url: \"http://gateway.test\" }\n";
const PURPOSES: &str = "purposes:
  - { tag: report_move, attributes: [email, fullname], allowed_auth: [\"*\"], allowed_comm: [\"*\"], unauthenticated: true }
";
const KEYS: &str = "keys:
  state: [ { id: s1, secret: { env: STATE_1 } } ]
  signing: [ { id: g1, private_key: { env: GATEWAY_SIGN } } ]
  decryption: [ { id: d1, private_key: { env: GATEWAY_DECRYPT } } ]
";
