//! Sessions in which citizens sign in at an OpenID provider: a real one (npm oidc-provider), and the
//! forger. Before them, that both do what they say, shown by hand.
//!
//! What needs Node and its package is ignored by a plain `cargo test`: `make test` runs it.
#![cfg(test)]

#[path = "openid/forgeries.rs"]
mod forgeries;
#[path = "openid/sessions.rs"]
mod sessions;
mod support;
#[path = "openid/town.rs"]
mod town;
#[allow(dead_code, reason = "the sessions between plugins use more of it")]
#[path = "sessions/world.rs"]
mod world;

use serde_json::{Value, json};

use support::{
    answers,
    browser::{Browser, Landing, field, links},
    client::Response,
    forging_provider::{Forgery, ForgingProvider, KEY_ID},
    jws::{self, Signature},
    keys::{Kind, key},
    network::Network,
    now,
    openid_provider::{CLIENT, CLIENT_SECRET, CLIENT_WITH_KEY, OpenIdProvider, Options, Plan},
    relying_party::{RelyingParty, parameter},
    stub::StubServer,
};

const CALLBACK: &str = "http://gateway.test/auth/sso/callback";
const SCOPE: &str = "openid email address profile";

/// A network on which the client's callback can be opened.
struct World {
    network: Network,
    _callback: StubServer,
}

impl World {
    fn new() -> Self {
        let (network, callback) = (Network::default(), StubServer::always(answers::answer(200, &[], "back")));
        network.point("gateway.test", callback.address());
        Self { network, _callback: callback }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.network)
    }

    fn client(&self, issuer: &str) -> RelyingParty {
        RelyingParty::discover(&self.network, issuer, CLIENT, CALLBACK)
    }
}

fn options() -> Options {
    Options { redirect_uris: vec![CALLBACK.to_owned()], ..Options::default() }
}

fn code(landing: &Landing) -> String {
    assert!(landing.url.starts_with(CALLBACK), "{}: {}", landing.url, landing.text());
    parameter(&landing.url, "code").unwrap_or_else(|| panic!("no code in {}", landing.url))
}

/// Signs in with a browser of its own, up to the provider's answer to the code.
fn tokens(world: &World, client: &RelyingParty) -> Value {
    let landing = client.sign_in(&mut world.browser(), SCOPE, &[]);
    succeeded(&client.redeem(&code(&landing), CLIENT_SECRET))
}

fn succeeded(answer: &Response) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn id_token(tokens: &Value) -> &str {
    tokens["id_token"].as_str().expect("there is an id token")
}

fn access_token(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("there is an access token")
}

#[test]
#[ignore = "needs Node: make test"]
fn a_code_gets_tokens_and_claims() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let landing = client.sign_in(&mut world.browser(), SCOPE, &[("acr_values", "loa3 loa2")]);
    let answered = |name| parameter(&landing.url, name);
    assert_eq!(answered("iss").as_deref(), Some(provider.issuer()));
    assert_eq!(answered("state").as_deref(), Some("the-state"));

    let tokens = succeeded(&client.redeem(&code(&landing), CLIENT_SECRET));
    let claims = jws::claims(id_token(&tokens));
    assert_eq!((&claims["iss"], &claims["aud"]), (&provider.issuer().into(), &CLIENT.into()));
    assert_eq!((&claims["nonce"], &claims["acr"]), (&"the-nonce".into(), &"loa3".into()));
    assert_eq!((&claims["sub"], &claims["email"]), (&"anna".into(), &Value::Null));
    assert_eq!(jws::header(id_token(&tokens))["alg"], "RS256");

    let person = succeeded(&client.userinfo(access_token(&tokens)));
    assert_eq!((&person["sub"], &person["email"]), (&"anna".into(), &"anna@example.nl".into()));
    assert_eq!((&person["email_verified"], &person["birth_year"]), (&true.into(), &1980.into()));
    assert_eq!(person["address"]["locality"], "Nijmegen");
    assert_eq!(person["groups"], json!(["staff", "council"]));

    let again = client.redeem(&code(&landing), CLIENT_SECRET);
    assert_eq!((again.status, &again.json()["error"]), (400, &"invalid_grant".into()));
    let hits = ["discovery", "authorization", "token", "userinfo", "jwks"].map(|name| provider.hits(name));
    assert_eq!(hits, [1, 1, 2, 1, 0]);
}

#[test]
#[ignore = "needs Node: make test"]
fn pkce_and_the_secret_are_needed() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let url = client.authorization_url(SCOPE, &[]).replace("code_challenge", "no_challenge");
    let refused = world.browser().open(&url);
    assert_eq!(parameter(&refused.url, "error").as_deref(), Some("invalid_request"));
    let landing = client.sign_in(&mut world.browser(), SCOPE, &[]);
    assert_eq!(client.redeem(&code(&landing), "another-secret").status, 401);
}

#[test]
#[ignore = "needs Node: make test"]
fn claims_may_stand_in_the_id_token() {
    let options = Options { claims_in_id_token: true, algorithm: "ES256", ..options() };
    let (world, provider) = (World::new(), OpenIdProvider::start(&options));
    provider.set_claims(&json!({ "email": "bert@example.nl" }));
    let tokens = tokens(&world, &world.client(provider.issuer()));
    assert_eq!(jws::claims(id_token(&tokens))["email"], "bert@example.nl");
    assert_eq!(jws::header(id_token(&tokens))["alg"], "ES256");
}

#[test]
#[ignore = "needs Node: make test"]
fn a_key_can_prove_who_the_client_is() {
    let key = key("client", Kind::P256);
    let jwks = json!({ "keys": [jws::public_jwk(&key, Kind::P256, "c1")] });
    let (world, provider) =
        (World::new(), OpenIdProvider::start(&Options { client_jwks: Some(jwks), ..options() }));
    let client = RelyingParty::discover(&world.network, provider.issuer(), CLIENT_WITH_KEY, CALLBACK);
    let assertion = |audience: &str, id: &str| {
        let claims = json!({
            "iss": CLIENT_WITH_KEY, "sub": CLIENT_WITH_KEY, "aud": audience, "jti": id,
            "iat": now(), "exp": now() + 60,
        });
        jws::token(&claims, &Signature::Es256(&key), Some("c1"))
    };
    let landing = client.sign_in(&mut world.browser(), SCOPE, &[]);
    let redeem = |assertion: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [("client_assertion_type", kind), ("client_assertion", assertion)];
        client.redeem_as(&code(&landing), &[], &fields)
    };
    assert_eq!(redeem(&assertion("https://other.test", "1")).status, 401);
    succeeded(&redeem(&assertion(provider.issuer(), "2")));
}

#[test]
#[ignore = "needs Node: make test"]
fn sign_ins_end_as_planned() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let error = |landing: &Landing| parameter(&landing.url, "error");
    let nobody = client.sign_in(&mut world.browser(), SCOPE, &[("prompt", "none")]);
    assert_eq!(error(&nobody).as_deref(), Some("login_required"));

    provider.plan(&Plan::error("access_denied"));
    let cancelled = client.sign_in(&mut world.browser(), SCOPE, &[]);
    assert_eq!(error(&cancelled).as_deref(), Some("access_denied"));

    provider.plan(&Plan::Login { account: "bert".to_owned(), acr: Some("loa2".to_owned()) });
    let mut browser = world.browser();
    let landing = client.sign_in(&mut browser, SCOPE, &[("acr_values", "loa3"), ("prompt", "login")]);
    let claims = jws::claims(id_token(&succeeded(&client.redeem(&code(&landing), CLIENT_SECRET))));
    assert_eq!((&claims["sub"], &claims["acr"]), (&"bert".into(), &"loa2".into()));
    code(&client.sign_in(&mut browser, SCOPE, &[("prompt", "none")]));
}

#[test]
#[ignore = "needs Node: make test"]
fn pages_ask_for_sign_in_and_consent() {
    let provider = OpenIdProvider::start(&Options { plan: Plan::Page, ..options() });
    let world = World::new();
    let client = world.client(provider.issuer());
    let mut browser = world.browser();
    let at = |page: &Landing, action| format!("{}{action}", page.url);
    let page = client.sign_in(&mut browser, SCOPE, &[]);
    assert_eq!(field(page.text(), "account").as_deref(), Some(""));
    let answer = browser.post_form(&at(&page, "/login"), &[("account", "carla")]);
    let page = browser.follow_answer(&page.url, answer);
    assert!(page.text().contains("Allow"), "{}", page.text());
    let answer = browser.post_form(&at(&page, "/consent"), &[]);
    let landing = browser.follow_answer(&page.url, answer);
    let tokens = succeeded(&client.redeem(&code(&landing), CLIENT_SECRET));
    assert_eq!(jws::claims(id_token(&tokens))["sub"], "carla");

    let mut browser = world.browser();
    let page = client.sign_in(&mut browser, SCOPE, &[]);
    let cancel = format!("{}{}", provider.issuer(), links(page.text())[0]);
    assert_eq!(parameter(&browser.open(&cancel).url, "error").as_deref(), Some("access_denied"));
}

#[test]
#[ignore = "needs Node: make test"]
fn keys_rotate() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let signer = || jws::header(id_token(&tokens(&world, &client)))["kid"].clone();
    assert_eq!((client.published_keys(), signer()), (vec!["first".to_owned()], "first".into()));
    provider.announce_key();
    assert_eq!((client.published_keys().len(), signer()), (2, "first".into()));
    provider.sign_with_newest();
    assert_eq!((client.published_keys().len(), signer()), (2, "key-2".into()));
    provider.retire_old_keys();
    assert_eq!(client.published_keys(), ["key-2"]);
    provider.rotate_keys();
    assert_eq!((client.published_keys(), signer()), (vec!["key-3".to_owned()], "key-3".into()));
    provider.restart();
    assert_eq!(signer(), "key-3");
}

#[test]
#[ignore = "needs Node: make test"]
fn the_clock_can_be_wrong() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    provider.set_clock(-7200);
    let claims = jws::claims(id_token(&tokens(&world, &world.client(provider.issuer()))));
    assert!(claims["exp"].as_u64().expect("exp is a time") < now(), "{claims}");
}

#[test]
#[ignore = "needs Node: make test"]
fn the_provider_goes_away_and_comes_back() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let mut browser = world.browser();
    code(&client.sign_in(&mut browser, SCOPE, &[]));
    provider.stop();
    let asked = world.network.send("client", "GET", client.endpoint("jwks_uri"), &[], b"");
    assert_eq!(asked.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionRefused));
    provider.come_back();
    let forgotten = client.sign_in(&mut browser, SCOPE, &[("prompt", "none")]);
    assert_eq!(parameter(&forgotten.url, "error").as_deref(), Some("login_required"));
}

#[test]
#[ignore = "needs Node: make test"]
fn grants_and_sessions_end() {
    let (world, provider) = (World::new(), OpenIdProvider::start(&options()));
    let client = world.client(provider.issuer());
    let mut browser = world.browser();
    let landing = client.sign_in(&mut browser, SCOPE, &[]);
    let tokens = succeeded(&client.redeem(&code(&landing), CLIENT_SECRET));
    assert_eq!(client.revoke(access_token(&tokens), CLIENT_SECRET).status, 200);
    provider.wait_event("grant.revoked");
    assert_eq!(client.userinfo(access_token(&tokens)).status, 401);

    let end = format!("{}?id_token_hint={}", client.endpoint("end_session_endpoint"), id_token(&tokens));
    let page = browser.open(&end);
    let xsrf = field(page.text(), "xsrf").expect("the page asks");
    assert_eq!(provider.events("end_session.success"), 0);
    let confirm = format!("{}/confirm", client.endpoint("end_session_endpoint"));
    browser.post_form(&confirm, &[("xsrf", &xsrf), ("logout", "yes")]);
    provider.wait_event("end_session.success");
    let forgotten = client.sign_in(&mut browser, SCOPE, &[("prompt", "none")]);
    assert_eq!(parameter(&forgotten.url, "error").as_deref(), Some("login_required"));
}

#[test]
fn the_forger_can_be_good() {
    let (world, provider) = (World::new(), ForgingProvider::start());
    let client = world.client(&provider.issuer());
    assert_eq!(client.metadata["issuer"], provider.issuer());
    let landing = client.sign_in(&mut world.browser(), SCOPE, &[("acr_values", "loa3 loa2")]);
    assert_eq!(parameter(&landing.url, "iss"), Some(provider.issuer()));
    assert_eq!(parameter(&landing.url, "state").as_deref(), Some("the-state"));
    let code = code(&landing);
    let tokens = succeeded(&client.redeem(&code, CLIENT_SECRET));
    let token = id_token(&tokens);
    assert_eq!(jws::header(token), json!({ "typ": "JWT", "alg": "RS256", "kid": KEY_ID }));
    assert_eq!(client.published_keys(), [KEY_ID]);
    assert!(jws::is_signed_by(token, &key("forger", Kind::Rsa)));
    let claims = jws::claims(token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&provider.issuer().into(), &CLIENT.into()));
    assert_eq!((&claims["nonce"], &claims["acr"]), (&"the-nonce".into(), &"loa3".into()));
    assert_eq!(claims["at_hash"], jws::at_hash(access_token(&tokens)));
    let person = succeeded(&client.userinfo(access_token(&tokens)));
    assert_eq!((&person["sub"], &person["email"]), (&claims["sub"], &claims["email"]));
    assert_eq!(client.redeem(&code, CLIENT_SECRET).status, 400);
    assert_eq!(provider.requests("/token").len(), 2);
}

/// What a careful client looks at in an id token, as one value.
fn checked(provider: &ForgingProvider, tokens: &Value) -> Option<Value> {
    let token = tokens["id_token"].as_str().filter(|token| token.contains('.'))?;
    let (header, mut claims) = (jws::header(token), jws::claims(token));
    let in_time = |name: &str, range: std::ops::RangeInclusive<u64>| {
        claims[name].as_u64().is_some_and(|time| range.contains(&time))
    };
    let times = (in_time("iat", now() - 60..=now()), in_time("exp", now()..=now() + 300));
    let right_hash = claims["at_hash"] == jws::at_hash(access_token(tokens));
    let right_issuer = claims["iss"] == provider.issuer();
    let signed = header["alg"] == "RS256" && jws::is_signed_by(token, &key("forger", Kind::Rsa));
    for name in ["iat", "exp", "auth_time", "at_hash", "iss"] {
        claims[name].take();
    }
    Some(json!([header, claims, times, right_hash, right_issuer, signed]))
}

#[test]
fn every_forged_id_token_differs_from_a_good_one() {
    let (world, provider) = (World::new(), ForgingProvider::start());
    let client = world.client(&provider.issuer());
    let good = checked(&provider, &tokens(&world, &client));
    assert_eq!(good, checked(&provider, &tokens(&world, &client)));
    for forgery in Forgery::of_id_tokens() {
        provider.forge(forgery.clone());
        assert_ne!(checked(&provider, &tokens(&world, &client)), good, "{forgery:?}");
    }
    provider.forge(Forgery::None);
    let first = tokens(&world, &client);
    provider.forge(Forgery::OtherSession);
    let second = tokens(&world, &client);
    assert_eq!(id_token(&second), id_token(&first));
    assert_ne!(access_token(&second), access_token(&first));
}

#[test]
fn the_forger_lies_about_issuers_and_endpoints() {
    let (world, provider, other) = (World::new(), ForgingProvider::start(), ForgingProvider::start());
    let client = world.client(&provider.issuer());
    let issuer = |forgery| {
        provider.forge(forgery);
        parameter(&client.sign_in(&mut world.browser(), SCOPE, &[]).url, "iss")
    };
    assert_eq!(issuer(Forgery::NoIssuerInResponse), None);
    assert_eq!(issuer(Forgery::IssuerInResponse(other.issuer())), Some(other.issuer()));
    assert_eq!(other.requests("/authorize").len(), 0);
    let elsewhere = format!("{}/authorize", other.issuer());
    assert_eq!(issuer(Forgery::SendsElsewhere(elsewhere)), Some(other.issuer()));
    assert_eq!(other.requests("/authorize").len(), 1);
    provider.forge(Forgery::IssuerInDiscovery(other.issuer()));
    assert_eq!(world.client(&provider.issuer()).metadata["issuer"], other.issuer());
    provider.forge(Forgery::UserinfoSubject);
    assert_eq!(client.userinfo("access-code-1").json()["sub"], "somebody-else");
    provider.forge(Forgery::AuthorizationError("access_denied"));
    let refused = client.sign_in(&mut world.browser(), SCOPE, &[]);
    assert_eq!(parameter(&refused.url, "error").as_deref(), Some("access_denied"));
}

#[test]
fn the_forger_answers_badly_where_it_is_told() {
    let (world, provider) = (World::new(), ForgingProvider::start());
    let client = world.client(&provider.issuer());
    let redeem = |forgery| {
        provider.forge(forgery);
        let landing = client.sign_in(&mut world.browser(), SCOPE, &[]);
        client.redeem(&code(&landing), CLIENT_SECRET)
    };
    assert_eq!(redeem(Forgery::error_at("/token")).status, 500);
    assert_eq!(redeem(Forgery::html_at("/token")).header("content-type"), Some("text/html"));
    assert!(redeem(Forgery::huge_at("/token")).body.content.len() > 1024 * 1024);
    assert_eq!(redeem(Forgery::error_at("/userinfo")).status, 200);
}
