//! Everything that a session needs: two plugins, a gateway between them, names for all of it, and
//! what operators see of it.

use serde_json::{Value, json};

use crate::support::{
    auth_plugin::StubAuth,
    browser::Browser,
    client::Response,
    comm_plugin::StubComm,
    gateway::{Files, Process, TestGateway},
    keys::{Kind, key},
    log::LogLine,
    network::Network,
};

pub const PUBLIC: &str = "http://gateway.test";
pub const INTERNAL: &str = "http://internal.test";
/// The continuation of a brokered session begins with this.
pub const CONTINUE: &str = "http://gateway.test/session/continue/";
pub const ATTRIBUTES: &str = "http://internal.test/session/attributes/";
pub const UPDATE: &str = "http://internal.test/session/update/";

pub const PURPOSE: &str = "report_move";
/// What the purpose asks for.
pub const ASKED: [&str; 2] = ["email", "fullname"];

/// The configuration's `keys`, all from the environment.
pub const KEYS: &str = "keys:
  state: [ { id: s1, secret: { env: STATE_1 } } ]
  signing: [ { id: g1, private_key: { env: GATEWAY_SIGN } } ]
  decryption: [ { id: d1, private_key: { env: GATEWAY_DECRYPT } }, { id: d2, private_key: { env: GATEWAY_DECRYPT_RSA } } ]
";
/// `trust` of an authentication method whose results the gateway opens.
pub const RESEAL_AUTH: &str = "trust: { reseal: { verify: { env: AUTH } } }";
/// `trust` of a communication method that gets what the gateway issues.
pub const RESEAL_COMM: &str = "trust: { reseal: { encrypt: { env: COMM } } }";

/// A configuration in the making.
#[derive(Clone)]
pub struct Setup {
    pub public_url: &'static str,
    /// More keys of `gateway`.
    pub gateway: String,
    pub purposes: String,
    /// Tag and more keys of each method.
    pub auth: Vec<(String, String)>,
    pub comm: Vec<(String, String)>,
    pub initiators: String,
    pub keys: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            public_url: PUBLIC,
            gateway: String::new(),
            purposes: format!(
                "  - {{ tag: {PURPOSE}, attributes: [email, fullname], allowed_auth: [\"*\"], allowed_comm: [\"*\"] }}\n"
            ),
            auth: Vec::new(),
            comm: Vec::new(),
            initiators: String::new(),
            keys: KEYS,
        }
    }
}

impl Setup {
    /// One authentication and one communication method, `irma` and `chat`, with these keys more.
    pub fn one(auth: &str, comm: &str) -> Self {
        Self::default().auth("irma", auth).comm("chat", comm)
    }

    pub fn auth(mut self, tag: &str, options: &str) -> Self {
        self.auth.push((tag.to_owned(), options.to_owned()));
        self
    }

    pub fn comm(mut self, tag: &str, options: &str) -> Self {
        self.comm.push((tag.to_owned(), options.to_owned()));
        self
    }

    /// An item of `initiators`, as YAML in braces.
    pub fn initiator(mut self, item: &str) -> Self {
        self.initiators += &format!("  - {item}\n");
        self
    }

    pub fn files(&self, auth_url: &str, comm_url: &str) -> Files {
        let gateway = format!(
            "gateway: {{ public_url: \"{}\", internal_url: \"{INTERNAL}\"{} }}\n",
            self.public_url, self.gateway
        );
        let methods = |methods: &[(String, String)], url: &str| -> String {
            let line = |(tag, options): &(String, String)| {
                // Options may say where the plugin is, or who plays it; most leave it to the stub.
                let played = ["start:", "test:", "inspect:", "oidc:", "http:", "headers:", "link:"];
                let elsewhere =
                    options.split(", ").any(|option| played.iter().any(|who| option.starts_with(who)));
                let start = if elsewhere { String::new() } else { format!(", start: \"{url}/{tag}\"") };
                let options = if options.is_empty() { String::new() } else { format!(", {options}") };
                format!("  - {{ tag: {tag}, name: {tag}, image_path: /static/{tag}.svg{start}{options} }}\n")
            };
            methods.iter().map(line).collect()
        };
        let (auth, comm) = (methods(&self.auth, auth_url), methods(&self.comm, comm_url));
        let initiators = if self.initiators.is_empty() {
            String::new()
        } else {
            format!("initiators:\n{}", self.initiators)
        };
        let plugins = format!("auth:\n{auth}comm:\n{comm}{initiators}{}", self.keys);
        Files::new(&gateway, &format!("purposes:\n{}", self.purposes), &plugins)
    }
}

/// The variables that configurations of these tests may name.
pub fn environment() -> Vec<(&'static str, String)> {
    let private = |party, kind| key(party, kind).private_pem.clone();
    let public = |party, kind| key(party, kind).public_pem.clone();
    vec![
        ("STATE_1", "a secret of the tests, long enough to seal with".into()),
        ("STATE_2", "another secret of the tests, as long as the first".into()),
        ("GATEWAY_SIGN", private("gateway", Kind::P256)),
        ("GATEWAY_SIGN_RSA", private("gateway", Kind::Rsa)),
        ("GATEWAY_DECRYPT", private("gateway", Kind::P256)),
        ("GATEWAY_DECRYPT_RSA", private("gateway", Kind::Rsa)),
        ("AUTH", public("auth", Kind::P256)),
        ("AUTH_RSA", public("auth", Kind::Rsa)),
        ("COMM", public("comm", Kind::P256)),
        ("COMM_RSA", public("comm", Kind::Rsa)),
        ("INITIATOR", public("initiator", Kind::P256)),
        ("INITIATOR_RSA", public("initiator", Kind::Rsa)),
        ("INITIATOR_ED", public("initiator", Kind::Ed25519)),
    ]
}

/// Starts a gateway on these files with the variables of the tests.
pub fn start_gateway(files: &Files) -> TestGateway {
    TestGateway::start_with(files, |command| command.envs(environment()))
}

/// A gateway that is to refuse its configuration; all that it says about it.
pub fn refused(files: &Files) -> String {
    let mut process = Process::start(files, |command| command.envs(environment()));
    let status = process.wait_exit(crate::support::DEADLINE);
    process.log.finish();
    assert!(!status.success(), "the gateway took the configuration:\n{}", files.plugins);
    process.log.text()
}

pub struct World {
    pub network: Network,
    pub auth: StubAuth,
    pub comm: StubComm,
    pub gateway: TestGateway,
}

impl World {
    pub fn new(setup: &Setup) -> Self {
        Self::new_on(setup, Network::default())
    }

    /// The same, where others are on the network already.
    pub fn new_on(setup: &Setup, network: Network) -> Self {
        let (auth, comm) = (StubAuth::start(&network), StubComm::start(&network));
        let gateway = start_gateway(&setup.files(&auth.url(), &comm.url()));
        network.point("gateway.test", gateway.public);
        network.point("internal.test", gateway.internal);
        Self { network, auth, comm, gateway }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.network)
    }

    /// `POST /start` on the internal listener, as a server does.
    pub fn start_internally(&self, body: &Value) -> Response {
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        self.send("server", "POST", &format!("{INTERNAL}/start"), &headers, body.to_string().as_bytes())
    }

    pub fn send(
        &self,
        who: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let answer = self.network.send(who, method, url, headers, body);
        answer.unwrap_or_else(|error| panic!("{error}: {method} {url}"))
    }

    /// How often an event of a session is counted, over all other labels.
    pub fn events(&self, event: &str, outcome: &str) -> u64 {
        let labels = [format!("event=\"{event}\""), format!("outcome=\"{outcome}\"")];
        self.metric("idcontact_session_events_total", &labels.each_ref().map(String::as_str))
    }

    /// The sum of a metric's samples that have these labels.
    pub fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let metrics = self.gateway.admin().get("admin", "/metrics", &[]);
        let samples = metrics.text().lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        samples.map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<u64>().expect("a count")).sum()
    }

    /// The log lines of sessions up to one of this event, at least.
    pub fn lines_until(&self, event: &str, outcome: &str) -> Vec<LogLine> {
        self.wait_for_event(event, outcome);
        let lines = self.gateway.log_lines();
        lines.into_iter().filter(|line| line.message() == "session event").collect()
    }

    /// Waits for the log line of an event, which is written after the answer is sent.
    pub fn wait_for_event(&self, event: &str, outcome: &str) -> LogLine {
        self.gateway.wait_for_log(|line| {
            line.message() == "session event"
                && line.text_field("event") == Some(event)
                && line.text_field("outcome") == Some(outcome)
        })
    }
}

/// The body of a full start.
pub fn full(auth_method: &str, comm_method: &str) -> Value {
    json!({ "purpose": PURPOSE, "auth_method": auth_method, "comm_method": comm_method })
}

/// The body of a full start of the one pair of [`Setup::one`].
pub fn irma_and_chat() -> Value {
    full("irma", "chat")
}

/// Starts a session as a widget does; where the citizen goes.
pub fn start(browser: &mut Browser, body: &Value) -> String {
    client_url(&browser.post_json(&format!("{PUBLIC}/start"), body))
}

/// The `client_url` of a start that succeeded.
pub fn client_url(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["client_url"].as_str().expect("an answer has a client_url").to_owned()
}

/// The status and the code of a refusal in JSON.
pub fn refusal(answer: &Response) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

/// The log lines of one session have one reference, of eight characters.
pub fn one_reference(lines: &[LogLine]) -> String {
    let mut references: Vec<_> =
        lines.iter().map(|line| line.text_field("session").unwrap_or_default()).collect();
    references.dedup();
    let [reference] = references.as_slice() else { panic!("several references: {references:?}") };
    assert_eq!(reference.len(), 8, "{lines:?}");
    (*reference).to_owned()
}
