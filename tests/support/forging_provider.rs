//! An OpenID provider that signs everyone in at once, and errs or lies in the one way that a test
//! chooses ([`Forgery`]). As long as it is told nothing it is a good provider: it insists on PKCE, and
//! takes each code once. It does not look at the client's secret; tests look at what was sent.

mod forgery;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{
    answers, jws,
    keys::{Kind, key},
    stub::{ReceivedRequest, Step, StubServer},
};

pub use forgery::Forgery;
use forgery::IdToken;

/// The id of the key that the provider publishes.
pub const KEY_ID: &str = "forger-1";
/// The client's secret, for [`Forgery::SignedWithSecret`].
pub const CLIENT_SECRET: &str = "a-secret-that-the-forger-knows-0123456789";

/// The running provider; dropping it ends it.
pub struct ForgingProvider {
    server: StubServer,
    provider: Arc<Provider>,
}

#[derive(Default)]
struct Provider(Mutex<State>);

struct State {
    issuer: String,
    forgery: Forgery,
    /// Members of the discovery document in place of the right ones.
    discovery: Value,
    /// Claims of the id token beyond what OpenID wants, and of the answer of userinfo.
    id_token_claims: Value,
    userinfo_claims: Value,
    /// Sign-ins by code, and how many there have been.
    sign_ins: HashMap<String, SignIn>,
    count: usize,
    /// Whose key is published and signs.
    signer: &'static str,
    /// The id token that was issued last.
    last: Option<String>,
}

/// What an authorization request asked for that its tokens depend on.
#[derive(Clone)]
struct SignIn {
    client: String,
    nonce: Option<String>,
    challenge: String,
    acr: Option<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            forgery: Forgery::None,
            discovery: json!({}),
            id_token_claims: json!({ "email": "anna@example.nl" }),
            userinfo_claims: json!({ "email": "anna@example.nl", "email_verified": true }),
            sign_ins: HashMap::new(),
            count: 0,
            signer: "forger",
            last: None,
        }
    }
}

impl ForgingProvider {
    pub fn start() -> Self {
        let provider = Arc::new(Provider::default());
        let server = StubServer::start({
            let provider = Arc::clone(&provider);
            move |request| provider.answer(request)
        });
        provider.state().issuer = server.url();
        Self { server, provider }
    }

    /// Its base URL, without a slash at the end.
    pub fn issuer(&self) -> String {
        self.server.url()
    }

    /// What it does wrong from now on.
    pub fn forge(&self, forgery: Forgery) {
        self.provider.state().forgery = forgery;
    }

    /// The members of the next discovery documents that are not as they should be.
    pub fn set_discovery(&self, changes: Value) {
        self.provider.state().discovery = changes;
    }

    /// Signs with this party's key from now on and publishes no other, all under the same [`KEY_ID`].
    pub fn change_key(&self, signer: &'static str) {
        self.provider.state().signer = signer;
    }

    /// The claims of the next id tokens beyond those of the protocol.
    pub fn set_id_token_claims(&self, claims: Value) {
        self.provider.state().id_token_claims = claims;
    }

    /// The next answers of userinfo, besides `sub`.
    pub fn set_userinfo_claims(&self, claims: Value) {
        self.provider.state().userinfo_claims = claims;
    }

    /// The requests for a path so far: `/jwks`, `/authorize`, `/token`, `/userinfo`, or
    /// `/.well-known/openid-configuration`.
    pub fn requests(&self, path: &str) -> Vec<ReceivedRequest> {
        let mut requests = self.server.requests();
        requests.retain(|request| path_of(request) == path);
        requests
    }
}

impl Provider {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest) -> Vec<Step> {
        let mut state = self.state();
        let path = path_of(request);
        if let Forgery::Answers(at, steps) = &state.forgery
            && *at == path
        {
            return steps.clone();
        }
        match path {
            "/.well-known/openid-configuration" => answers::json(&state.discovery()),
            "/jwks" => answers::json(&state.jwks()),
            "/authorize" => state.authorize(request),
            "/token" => state.token(request),
            "/userinfo" => state.userinfo(request),
            _ => answers::answer(404, &[], "no such endpoint"),
        }
    }
}

impl State {
    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let issuer = match &self.forgery {
            Forgery::IssuerInDiscovery(issuer) => issuer,
            _ => &self.issuer,
        };
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": true,
        });
        for (name, value) in self.discovery.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        document
    }

    fn jwks(&self) -> Value {
        json!({ "keys": [jws::public_jwk(&key(self.signer, Kind::Rsa), Kind::Rsa, KEY_ID)] })
    }

    /// Sends the browser back with a code (OpenID Connect Core, section 3.1.2.5).
    fn authorize(&mut self, request: &ReceivedRequest) -> Vec<Step> {
        let (_, query) = request.target().split_once('?').unwrap_or_default();
        if let Forgery::SendsElsewhere(endpoint) = &self.forgery {
            return answers::redirect(302, &format!("{endpoint}?{query}"));
        }
        let mut asked = parameters(query.as_bytes());
        let mut take = |name| asked.remove(name);
        let (Some(client), Some(redirect_uri), Some(challenge), Some(method)) =
            (take("client_id"), take("redirect_uri"), take("code_challenge"), take("code_challenge_method"))
        else {
            return answers::answer(400, &[], "a parameter is missing");
        };
        if method != "S256" {
            return answers::answer(400, &[], "PKCE is not as it should be");
        }
        let (state, nonce, acr) = (take("state"), take("nonce"), take("acr_values"));
        let acr = acr.and_then(|values| values.split(' ').next().map(str::to_owned));
        self.count += 1;
        let code = format!("code-{}", self.count);
        self.sign_ins.insert(code.clone(), SignIn { client, nonce, challenge, acr });
        match self.response(&redirect_uri, &code, state) {
            Some(location) => answers::redirect(302, &location),
            None => answers::answer(400, &[], "the redirect URI is none"),
        }
    }

    /// Where the browser goes back to; `None` when that is no URL.
    fn response(&self, redirect_uri: &str, code: &str, state: Option<String>) -> Option<String> {
        let mut location = Url::parse(redirect_uri).ok()?;
        let mut query = location.query_pairs_mut();
        match &self.forgery {
            Forgery::AuthorizationError(error) => query.append_pair("error", error),
            _ => query.append_pair("code", code),
        };
        if let Some(state) = state {
            query.append_pair("state", &state);
        }
        match &self.forgery {
            Forgery::NoIssuerInResponse => {}
            Forgery::IssuerInResponse(issuer) => drop(query.append_pair("iss", issuer)),
            _ => drop(query.append_pair("iss", &self.issuer)),
        }
        drop(query);
        Some(location.into())
    }

    fn token(&mut self, request: &ReceivedRequest) -> Vec<Step> {
        let mut sent = parameters(&request.body.content);
        let (code, verifier) =
            (sent.remove("code").unwrap_or_default(), sent.remove("code_verifier").unwrap_or_default());
        let fits = |sign_in: &SignIn| sign_in.challenge == jws::code_challenge(&verifier);
        let Some(sign_in) = self.sign_ins.remove(&code).filter(fits) else {
            let error = json!({ "error": "invalid_grant" });
            return answers::answer(400, &[("Content-Type", "application/json")], error.to_string());
        };
        let access_token = format!("access-{code}");
        let id_token = self.id_token(&sign_in, &access_token);
        self.last = Some(id_token.clone());
        let mut tokens = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
        });
        if let (Forgery::NoIdToken, Some(tokens)) = (&self.forgery, tokens.as_object_mut()) {
            tokens.remove("id_token");
        }
        answers::json(&tokens)
    }

    fn id_token(&self, sign_in: &SignIn, access_token: &str) -> String {
        if matches!(self.forgery, Forgery::OtherSession) {
            return self.last.clone().expect("somebody else has signed in before");
        }
        let mut token = IdToken::good(&self.issuer, &sign_in.client, access_token);
        token.add("nonce", sign_in.nonce.as_deref().into());
        token.add("acr", sign_in.acr.as_deref().into());
        for (name, value) in self.id_token_claims.as_object().into_iter().flatten() {
            token.add(name, value.clone());
        }
        token.forged(&self.forgery, &key(self.signer, Kind::Rsa))
    }

    fn userinfo(&self, request: &ReceivedRequest) -> Vec<Step> {
        let authorization = request.header("authorization").unwrap_or_default();
        if !authorization.starts_with("Bearer access-code-") {
            return answers::answer(401, &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")], "");
        }
        let mut claims = self.userinfo_claims.clone();
        claims["sub"] = match self.forgery {
            Forgery::UserinfoSubject => "somebody-else".into(),
            _ => forgery::SUBJECT.into(),
        };
        answers::json(&claims)
    }
}

fn path_of(request: &ReceivedRequest) -> &str {
    request.target().split('?').next().unwrap_or_default()
}

fn parameters(encoded: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}
