//! A gateway whose citizens sign in at one OpenID provider, and a communication plugin that gets what
//! comes of it.

use std::collections::BTreeMap;

use id_contact_gateway::{model::Dialect, tokens::AuthenticationOutcome};
use serde_json::Value;

use crate::{
    support::{
        browser::{Browser, Landing},
        comm_plugin::Delivery,
        forging_provider::ForgingProvider,
        keys::{Kind, key},
        log::LogLine,
        openid_provider::{OpenIdProvider, Options},
    },
    world::{RESEAL_COMM, Setup, World, client_url, full},
};

pub const START: &str = "http://gateway.test/start";
pub const CALLBACK: &str = "http://gateway.test/auth/sso/callback";
const SIGN_IN: &str = "http://gateway.test/auth/sso/";

/// How the method is configured, and what the purpose asks for.
pub struct Sso {
    pub client: &'static str,
    pub attributes: &'static str,
    pub more: &'static str,
    pub asked: &'static str,
}

impl Default for Sso {
    fn default() -> Self {
        Self {
            client: "client_id: gateway, client_secret: { env: CLIENT_SECRET }",
            attributes: "email: email, city: /address/locality, born: birth_year, groups: groups",
            more: "scopes: [openid, email, address, profile]",
            asked: "email",
        }
    }
}

impl Sso {
    /// At the forger.
    pub fn forged() -> Self {
        let client = "client_id: gateway, client_secret: { env: FORGER_SECRET }";
        Self { client, ..Self::default() }
    }

    fn setup(&self, issuer: &str) -> Setup {
        let Self { client, attributes, more, asked } = self;
        let options =
            format!("oidc: {{ issuer: \"{issuer}\", {client}, attributes: {{ {attributes} }}, {more} }}");
        Setup {
            purposes: format!(
                "  - {{ tag: report_move, attributes: [{asked}], allowed_auth: [\"*\"], allowed_comm: [\"*\"] }}\n"
            ),
            ..Setup::default()
        }
        .auth("sso", &options)
        .comm("chat", RESEAL_COMM)
    }
}

pub struct Town {
    pub world: World,
}

impl Town {
    /// At the provider that calls itself so.
    pub fn new(issuer: &str, sso: &Sso) -> Self {
        let world = World::new(&sso.setup(issuer));
        world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
        Self { world }
    }

    pub fn real(options: Options, sso: &Sso) -> (Self, OpenIdProvider) {
        let provider =
            OpenIdProvider::start(&Options { redirect_uris: vec![CALLBACK.to_owned()], ..options });
        (Self::new(provider.issuer(), sso), provider)
    }

    pub fn forging(sso: &Sso) -> (Self, ForgingProvider) {
        let provider = ForgingProvider::start();
        (Self::new(&provider.issuer(), sso), provider)
    }

    /// Starts a session: where the citizen signs in, a page of the gateway's.
    #[allow(clippy::unused_self, reason = "it reads better as what one does in this world")]
    pub fn start(&self, browser: &mut Browser) -> String {
        let url = client_url(&browser.post_json(START, &full("sso", "chat")));
        assert!(url.starts_with(SIGN_IN), "{url}");
        url
    }

    /// A session with a browser of its own, to where it ends.
    pub fn sign_in(&self) -> Landing {
        let mut browser = self.world.browser();
        let url = self.start(&mut browser);
        browser.open(&url)
    }

    /// A session up to the URL with which the provider sends the browser back, which is not opened yet.
    pub fn up_to_callback(&self, browser: &mut Browser) -> String {
        let mut url = self.start(browser);
        while !url.starts_with(CALLBACK) {
            let answer = browser.get(&url);
            let location = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()));
            let base = url::Url::parse(&url).expect("it is a URL");
            url = base.join(location).expect("a location is a URL").into();
        }
        url
    }

    /// The attributes of the one result that came since the last time.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        self.world.comm.attributes(&self.world.comm.take_delivery(), Dialect::IdContact)
    }

    /// Where updates of the one result that came since the last time go.
    pub fn session_url(&self) -> Option<String> {
        self.opened(&self.world.comm.take_delivery()).1
    }

    /// The one result that came since the last time says that nobody signed in.
    pub fn assert_failed(&self, what: &str) {
        let (outcome, session_url) = self.opened(&self.world.comm.take_delivery());
        assert_eq!((outcome, session_url), (AuthenticationOutcome::Failed, None), "{what}");
    }

    fn opened(&self, delivery: &Delivery) -> (AuthenticationOutcome, Option<String>) {
        let result = self.world.comm.open(delivery).expect("the result opens");
        (result.outcome, result.session_url)
    }

    /// Why the last sign-in after this mark failed, from the log.
    pub fn reason_after(&self, mark: usize) -> String {
        let line = self.world.gateway.wait_for_log_after(mark, |line| line.message() == "sign-in failed");
        line.text_field("reason").expect("a reason").to_owned()
    }

    /// How often the provider was called so.
    pub fn calls(&self, operation: &str, outcome: &str) -> u64 {
        let labels = [
            "plugin=\"sso\"".to_owned(),
            format!("operation=\"{operation}\""),
            format!("outcome=\"{outcome}\""),
        ];
        let labels = labels.each_ref().map(String::as_str);
        self.world.metric("idcontact_plugin_requests_total", &labels)
    }

    /// The log shows nothing that a provider or a browser sent.
    pub fn assert_discreet(&self) {
        let text: String =
            self.world.gateway.log_lines().iter().map(|LogLine { text, .. }| text.as_str()).collect();
        for secret in ["eyJ", "code-", "access-", "anna", "Nijmegen", "a-secret", "state="] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

/// The value of a parameter of a URL, replaced.
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    with_query(url, |key, old| Some(if key == name { value.to_owned() } else { old }))
}

/// A URL without these parameters.
pub fn without_parameters(url: &str, names: &[&str]) -> String {
    with_query(url, |key, old| (!names.contains(&key)).then_some(old))
}

/// A URL with what becomes of the value of each of its parameters.
fn with_query(url: &str, change: impl Fn(&str, String) -> Option<String>) -> String {
    let mut url = url::Url::parse(url).expect("it is a URL");
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(key, old)| Some((key.clone().into_owned(), change(&key, old.into_owned())?)))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

/// The claims that the real provider has of everybody, of which some are not what they seem.
pub fn claims() -> Value {
    serde_json::json!({
        "email": "anna@example.nl", "birth_year": 1980, "groups": ["staff"],
        "address": { "locality": "Nijmegen" },
    })
}
