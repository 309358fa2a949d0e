//! A real OpenID provider: npm `oidc-provider` in a process of its own (tests/openid), which a test
//! configures while it runs. What may be chosen is explained in `tests/openid/options.mjs`.

use std::{
    io::Write,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
};

use serde::Serialize;
use serde_json::{Value, json};

use super::log::Log;

/// The clients that the provider knows: the second one only when its keys are given.
pub const CLIENT: &str = "gateway";
pub const CLIENT_WITH_KEY: &str = "gateway-key";
/// The secret of [`CLIENT`], sent as HTTP Basic.
pub const CLIENT_SECRET: &str = "a-secret-of-the-tests-0123456789";

/// The name of the key that signs at first.
const FIRST_KEY: &str = "first";

/// How the provider starts.
#[derive(Debug, Clone, Serialize)]
pub struct Options {
    /// 0: the system chooses one.
    pub port: u16,
    pub plan: Plan,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    /// `RS256`, `PS256`, `ES256` or `EdDSA`.
    pub algorithm: &'static str,
    /// The public keys of [`CLIENT_WITH_KEY`], for ES256.
    pub client_jwks: Option<Value>,
    /// Whether the claims of scopes stand in the id token too, not only in the answer of userinfo.
    pub claims_in_id_token: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            plan: Plan::login("anna"),
            redirect_uris: vec!["http://127.0.0.1/auth/sso/callback".to_owned()],
            post_logout_redirect_uris: Vec::new(),
            algorithm: "RS256",
            client_jwks: None,
            claims_in_id_token: false,
        }
    }
}

/// What the provider does where it would ask a person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Signs in and consents at once; without an `acr`, with the first one that was asked for.
    Login { account: String, acr: Option<String> },
    /// Goes back with this error: `access_denied`, `login_required`, `server_error`.
    Error(String),
    /// Shows forms to sign in (`account`) and to consent, with a link to cancel.
    Page,
}

impl Plan {
    pub fn login(account: &str) -> Self {
        Self::Login { account: account.to_owned(), acr: None }
    }

    pub fn error(code: &str) -> Self {
        Self::Error(code.to_owned())
    }
}

/// The running provider; dropping it ends its process.
pub struct OpenIdProvider {
    issuer: String,
    child: Child,
    control: Mutex<Control>,
    output: Log,
    errors: Log,
}

/// Where commands go, and what they refer to.
struct Control {
    stdin: ChildStdin,
    commands: u64,
    keys: Vec<String>,
    keys_made: u64,
}

impl OpenIdProvider {
    /// Starts it and waits until it serves.
    pub fn start(options: &Options) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openid");
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .arg(serde_json::to_string(options).expect("the options are JSON"))
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let output = Log::collect(child.stdout.take().expect("stdout is piped"));
        let errors = Log::collect(child.stderr.take().expect("stderr is piped"));
        let stdin = child.stdin.take().expect("stdin is piped");
        let control =
            Mutex::new(Control { stdin, commands: 0, keys: vec![FIRST_KEY.to_owned()], keys_made: 1 });
        let mut provider = Self { issuer: String::new(), child, control, output, errors };
        let ready = provider.output.wait(|line| line.text_field("ready").is_some());
        let issuer = ready.as_ref().and_then(|line| line.text_field("ready"));
        provider.issuer = issuer.unwrap_or_else(|| provider.fail("does not come up")).to_owned();
        provider
    }

    /// Its base URL, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What happens to the next sign-ins.
    pub fn plan(&self, plan: &Plan) {
        self.configure(json!({ "plan": plan }));
    }

    /// Sets the clock so many seconds ahead of the system's.
    pub fn set_clock(&self, ahead: i64) {
        self.configure(json!({ "clock": ahead }));
    }

    /// The claims of every account from now on, besides `sub`.
    pub fn set_claims(&self, claims: &Value) {
        self.configure(json!({ "claims": claims }));
    }

    /// Registers other redirect URIs, for a client whose port was not known before.
    pub fn set_redirect_uris(&self, uris: &[&str]) {
        self.configure(json!({ "redirect_uris": uris }));
    }

    /// Publishes another key beside the one that signs.
    pub fn announce_key(&self) {
        self.change_keys(|control| {
            control.keys_made += 1;
            control.keys.push(format!("key-{}", control.keys_made));
        });
    }

    /// Signs with the newest key and publishes the older ones still.
    pub fn sign_with_newest(&self) {
        self.change_keys(|control| control.keys.rotate_right(1));
    }

    /// Publishes no key but the one that signs.
    pub fn retire_old_keys(&self) {
        self.change_keys(|control| control.keys.truncate(1));
    }

    /// Signs with a new key, and forgets the old ones.
    pub fn rotate_keys(&self) {
        self.announce_key();
        self.sign_with_newest();
        self.retire_old_keys();
    }

    /// Leaves the port: whoever connects is refused, and open connections end.
    pub fn stop(&self) {
        self.command("stop", json!({}));
    }

    /// Comes back to the port after [`stop`](Self::stop), with the same keys and without any session.
    pub fn come_back(&self) {
        self.command("start", json!({}));
    }

    pub fn restart(&self) {
        self.stop();
        self.come_back();
    }

    /// How often an endpoint was asked: `discovery`, `jwks`, `authorization`, `token`, `userinfo`,
    /// `revocation` or `end_session`.
    pub fn hits(&self, endpoint: &str) -> u64 {
        let hits = self.command("hits", json!({}));
        hits[endpoint].as_u64().unwrap_or_else(|| panic!("no endpoint {endpoint} in {hits}"))
    }

    /// Waits until the provider has told of an event: `grant.success`, `grant.error`,
    /// `grant.revoked`, `end_session.success`, `access_token.destroyed` or `refresh_token.destroyed`.
    pub fn wait_event(&self, event: &str) {
        if self.output.wait(|line| line.text_field("event") == Some(event)).is_none() {
            self.fail(&format!("tells of no {event}"));
        }
    }

    /// How often it has told of an event so far.
    pub fn events(&self, event: &str) -> usize {
        self.output.lines().iter().filter(|line| line.text_field("event") == Some(event)).count()
    }

    /// Changes any of the options of `tests/openid/options.mjs`; sessions live on.
    pub fn configure(&self, changes: Value) {
        self.command("configure", changes);
    }

    fn change_keys(&self, change: impl FnOnce(&mut Control)) {
        let names = {
            let mut control = self.control.lock().expect("no command panicked");
            change(&mut control);
            control.keys.clone()
        };
        self.configure(json!({ "keys": names }));
    }

    fn command(&self, command: &str, mut request: Value) -> Value {
        let mut control = self.control.lock().expect("no command panicked");
        control.commands += 1;
        let id = control.commands;
        request["command"] = command.into();
        request["id"] = id.into();
        let sent = writeln!(control.stdin, "{request}");
        let answer = self.output.wait(|line| line.fields["answer"] == id);
        match (sent, answer) {
            (Ok(()), Some(answer)) => answer.fields["value"].clone(),
            _ => self.fail("has ended"),
        }
    }

    fn fail(&self, how: &str) -> ! {
        let (output, errors) = (self.output.text(), self.errors.text());
        panic!("the provider {how} (is `npm ci` done in tests/openid?); it wrote:\n{output}{errors}")
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        // Both fail when the process has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.output.finish();
        self.errors.finish();
    }
}
