//! What an OpenID client does, by hand and without checks: authorization code with PKCE. It shows
//! that the providers of the tests work, and what they send.

use serde_json::Value;
use url::Url;

use super::{
    browser::{Browser, Landing},
    client::Response,
    jws,
    network::Network,
};

const VERIFIER: &str = "a-verifier-of-the-tests-that-is-long-enough-for-pkce";

/// One client at one provider.
pub struct RelyingParty {
    network: Network,
    /// The provider's discovery document (OpenID Connect Discovery, section 3).
    pub metadata: Value,
    client: String,
    redirect_uri: String,
}

impl RelyingParty {
    /// Reads the provider's discovery document.
    pub fn discover(network: &Network, issuer: &str, client: &str, redirect_uri: &str) -> Self {
        let url = format!("{issuer}/.well-known/openid-configuration");
        let metadata = network.send("client", "GET", &url, &[], b"").expect("the provider answers").json();
        Self {
            network: network.clone(),
            metadata,
            client: client.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// Where a browser starts to sign in; these parameters are added to the usual ones.
    pub fn authorization_url(&self, scope: &str, more: &[(&str, &str)]) -> String {
        let mut url = Url::parse(self.endpoint("authorization_endpoint")).expect("the endpoint is a URL");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", &self.redirect_uri),
            ("scope", scope),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &jws::code_challenge(VERIFIER)),
            ("code_challenge_method", "S256"),
        ]);
        url.query_pairs_mut().extend_pairs(more);
        url.into()
    }

    /// Signs in, to where the browser ends.
    pub fn sign_in(&self, browser: &mut Browser, scope: &str, more: &[(&str, &str)]) -> Landing {
        browser.open(&self.authorization_url(scope, more))
    }

    /// Redeems a code with the client's secret as HTTP Basic.
    pub fn redeem(&self, code: &str, secret: &str) -> Response {
        let credentials = format!("{}:{secret}", self.client);
        self.redeem_as(code, &[("Authorization", &basic(&credentials))], &[])
    }

    /// Redeems a code with other proofs of who the client is.
    pub fn redeem_as(&self, code: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Response {
        let mut all = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        all.extend(fields);
        self.post_form("token_endpoint", headers, &all)
    }

    /// Takes a token back (RFC 7009).
    pub fn revoke(&self, token: &str, secret: &str) -> Response {
        let authorization = basic(&format!("{}:{secret}", self.client));
        self.post_form("revocation_endpoint", &[("Authorization", &authorization)], &[("token", token)])
    }

    pub fn userinfo(&self, access_token: &str) -> Response {
        let authorization = format!("Bearer {access_token}");
        self.get("userinfo_endpoint", &[("Authorization", &authorization)])
    }

    /// The ids of the keys that the provider publishes, in order.
    pub fn published_keys(&self) -> Vec<String> {
        let set = self.get("jwks_uri", &[]).json();
        let keys = set["keys"].as_array().expect("a set has keys").iter();
        keys.map(|key| key["kid"].as_str().expect("a key has an id").to_owned()).collect()
    }

    /// A URL of the discovery document.
    pub fn endpoint(&self, name: &str) -> &str {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.metadata))
    }

    fn get(&self, endpoint: &str, headers: &[(&str, &str)]) -> Response {
        let answer = self.network.send("client", "GET", self.endpoint(endpoint), headers, b"");
        answer.expect("the provider answers")
    }

    fn post_form(&self, endpoint: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut all =
            vec![("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        let url = self.endpoint(endpoint);
        self.network.send("client", "POST", url, &all, body.as_bytes()).expect("the provider answers")
    }
}

/// A parameter of the query of a URL, decoded.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("the browser stands at a URL");
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credentials))
}
