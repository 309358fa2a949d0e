//! Signed starts: what an initiator may send, and what a forger may try.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use openssl::{ecdsa::EcdsaSig, hash::MessageDigest, pkey::PKey, sign::Signer};
use serde_json::{Value, json};

use crate::{
    support::{
        client::Response,
        keys::{Kind, key},
        now,
    },
    world::{INTERNAL, PUBLIC, PURPOSE, Setup, World, client_url, refusal},
};

/// A signed start in the making, by hand, so that it can also be wrong.
#[derive(Clone)]
pub struct Signed {
    pub header: String,
    pub payload: String,
    pub with: With,
}

/// What it is signed with.
#[derive(Clone, Copy)]
pub enum With {
    Key(&'static str, Kind),
    /// HMAC-SHA-256, and the initiator's public key in PEM as the secret.
    PublicPem(Kind),
    /// The signature is empty.
    Nothing,
}

impl Signed {
    /// As the initiator `chat` makes it: ES256, valid for five minutes.
    pub fn new(request: &Value) -> Self {
        Self::at(request, 0, 300)
    }

    /// With `iat` and `exp` so many seconds from now.
    pub fn at(request: &Value, iat: i64, exp: i64) -> Self {
        let time = |offset| now().checked_add_signed(offset).expect("a time");
        let payload = json!({"request": request, "iat": time(iat), "exp": time(exp)});
        Self {
            header: r#"{"alg":"ES256","typ":"JWT","kid":"chat"}"#.to_owned(),
            payload: payload.to_string(),
            with: With::Key("initiator", Kind::P256),
        }
    }

    pub fn header(mut self, header: &str) -> Self {
        header.clone_into(&mut self.header);
        self
    }

    pub fn with(mut self, with: With) -> Self {
        self.with = with;
        self
    }

    /// The payload with one piece of its text replaced.
    fn replaced(mut self, from: &str, to: &str) -> Self {
        assert!(self.payload.contains(from), "{}", self.payload);
        self.payload = self.payload.replacen(from, to, 1);
        self
    }

    pub fn token(&self) -> String {
        let signed = format!("{}.{}", BASE64.encode(&self.header), BASE64.encode(&self.payload));
        let signature = self.with.sign(signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

impl With {
    fn sign(self, bytes: &[u8]) -> Vec<u8> {
        let sha256 = MessageDigest::sha256();
        match self {
            Self::Nothing => Vec::new(),
            Self::PublicPem(kind) => {
                let secret = PKey::hmac(key("initiator", kind).public_pem.as_bytes()).expect("a secret");
                Signer::new(sha256, &secret).and_then(|mut s| s.sign_oneshot_to_vec(bytes)).expect("a MAC")
            }
            Self::Key(party, Kind::Ed25519) => {
                let key = key(party, Kind::Ed25519);
                let mut signer = Signer::new_without_digest(&key.private).expect("a signer");
                signer.sign_oneshot_to_vec(bytes).expect("a signature")
            }
            Self::Key(party, kind) => {
                let key = key(party, kind);
                let mut signer = Signer::new(sha256, &key.private).expect("a signer");
                let signature = signer.sign_oneshot_to_vec(bytes).expect("a signature");
                if kind == Kind::P256 { raw(&signature) } else { signature }
            }
        }
    }
}

/// `r` and `s` with 32 bytes each (RFC 7518, section 3.4).
fn raw(der: &[u8]) -> Vec<u8> {
    let signature = EcdsaSig::from_der(der).expect("OpenSSL writes DER");
    let padded = |number: &openssl::bn::BigNumRef| number.to_vec_padded(32).expect("32 bytes suffice");
    [padded(signature.r()), padded(signature.s())].concat()
}

fn world() -> World {
    let rights =
        r#"purposes: ["*"], comm_urls: ["https://chat.example/"], attr_urls: ["http://comm-chat:3000/"]"#;
    let mut setup = Setup::one("brokering: observe", "");
    for (kid, variable) in [("chat", "INITIATOR"), ("rsa", "INITIATOR_RSA"), ("edward", "INITIATOR_ED")] {
        setup = setup.initiator(&format!("{{ kid: {kid}, verify: {{ env: {variable} }}, {rights} }}"));
    }
    World::new(&setup)
}

fn request() -> Value {
    json!({
        "purpose": PURPOSE,
        "auth_method": "irma",
        "comm_url": "https://chat.example/room/7",
        "attr_url": "http://comm-chat:3000/attr/7",
    })
}

fn send(world: &World, token: &str) -> Response {
    send_to(world, PUBLIC, token)
}

fn send_to(world: &World, listener: &str, token: &str) -> Response {
    let headers = [("Content-Type", "application/jwt"), ("Accept", "application/json")];
    world.send("server", "POST", &format!("{listener}/start"), &headers, token.as_bytes())
}

#[test]
fn what_an_initiator_signs_is_started_on_both_listeners() {
    let world = world();
    for (alg, kid, kind) in
        [("ES256", "chat", Kind::P256), ("RS256", "rsa", Kind::Rsa), ("EdDSA", "edward", Kind::Ed25519)]
    {
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}"}}"#);
        let token = Signed::new(&request()).header(&header).with(With::Key("initiator", kind)).token();
        for listener in [PUBLIC, INTERNAL] {
            let answer = send_to(&world, listener, &token);
            assert_eq!(answer.status, 200, "{alg}: {}", answer.text());
            assert!(client_url(&answer).starts_with(&world.auth.url()));
        }
    }
    let asked = world.auth.last();
    assert!(asked.attr_url().is_some());
    assert!(!world.auth.requests().is_empty());
    assert_eq!(world.comm.started(), 0, "the conversation exists already");
    let kind = ["kind=\"authentication\""];
    assert_eq!(world.metric("idcontact_sessions_started_total", &kind), 6);
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let world = world();
    for (iat, exp, status) in
        [(59, 300, 200), (-300, -55, 200), (65, 300, 403), (-300, -61, 403), (59, 58, 403)]
    {
        let answer = send(&world, &Signed::at(&request(), iat, exp).token());
        assert_eq!(answer.status, status, "iat {iat}, exp {exp}: {}", answer.text());
    }
}

#[test]
fn what_is_forged_is_refused_and_no_plugin_is_asked() {
    let world = world();
    let good = || Signed::new(&request());
    let token = good().token();
    let header = |header: &str| good().header(header);
    let parts: Vec<&str> = token.split('.').collect();
    let other_payload = BASE64.encode(good().replaced("room/7", "room/8").payload);
    let ahead = now() + 1_000;
    let forgeries: Vec<(&str, String)> = vec![
        ("alg none", header(r#"{"alg":"none","typ":"JWT","kid":"chat"}"#).with(With::Nothing).token()),
        ("alg None", header(r#"{"alg":"None","typ":"JWT","kid":"chat"}"#).with(With::Nothing).token()),
        ("no alg", header(r#"{"typ":"JWT","kid":"chat"}"#).token()),
        (
            "HS256 with the public EC key",
            header(r#"{"alg":"HS256","typ":"JWT","kid":"chat"}"#).with(With::PublicPem(Kind::P256)).token(),
        ),
        (
            "HS256 with the public RSA key",
            header(r#"{"alg":"HS256","typ":"JWT","kid":"rsa"}"#).with(With::PublicPem(Kind::Rsa)).token(),
        ),
        (
            "PS256",
            header(r#"{"alg":"PS256","typ":"JWT","kid":"rsa"}"#)
                .with(With::Key("initiator", Kind::Rsa))
                .token(),
        ),
        ("unknown kid", header(r#"{"alg":"ES256","typ":"JWT","kid":"stranger"}"#).token()),
        ("no kid", header(r#"{"alg":"ES256","typ":"JWT"}"#).token()),
        ("kid of another", header(r#"{"alg":"ES256","typ":"JWT","kid":"rsa"}"#).token()),
        ("kid is a number", header(r#"{"alg":"ES256","typ":"JWT","kid":7}"#).token()),
        ("kid twice", header(r#"{"alg":"ES256","kid":"chat","kid":"rsa"}"#).token()),
        ("crit", header(r#"{"alg":"ES256","typ":"JWT","kid":"chat","crit":["exp"],"exp":1}"#).token()),
        ("b64 false", header(r#"{"alg":"ES256","kid":"chat","crit":["b64"],"b64":false}"#).token()),
        (
            "a key in the header",
            header(r#"{"alg":"ES256","kid":"stranger","jwk":{"kty":"EC"},"jku":"http://evil.example/"}"#)
                .token(),
        ),
        ("a stranger's key", good().with(With::Key("stranger", Kind::P256)).token()),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("half a signature", token[..token.len() - 43].to_owned()),
        ("DER instead of r and s", {
            let signed = format!("{}.{}", parts[0], parts[1]);
            let key = key("initiator", Kind::P256);
            let mut signer = Signer::new(MessageDigest::sha256(), &key.private).expect("a signer");
            let der = signer.sign_oneshot_to_vec(signed.as_bytes()).expect("a signature");
            format!("{signed}.{}", BASE64.encode(der))
        }),
        ("zero signature", format!("{}.{}.{}", parts[0], parts[1], BASE64.encode([0; 64]))),
        ("another payload", format!("{}.{other_payload}.{}", parts[0], parts[2])),
        ("padding", format!("{token}==")),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{token}.x")),
        ("nothing", String::new()),
        ("no token", "hello".to_owned()),
        ("expired", Signed::at(&request(), -600, -300).token()),
        ("not yet", Signed::at(&request(), 600, 900).token()),
        ("nbf ahead", good().replaced("\"iat\"", &format!("\"nbf\":{ahead},\"iat\"")).token()),
        ("exp before iat", Signed::at(&request(), 0, -30).token()),
        ("exp is a text", good().replaced("\"exp\":", "\"exp\":\"tomorrow\",\"x\":").token()),
        ("exp is negative", good().replaced("\"exp\":", "\"exp\":-").token()),
        ("exp twice", good().replaced("\"exp\":", "\"exp\":1,\"exp\":").token()),
        ("iat twice", good().replaced("\"iat\":", "\"iat\":1,\"iat\":").token()),
        ("request twice", good().replaced("{\"request\":", "{\"request\":{},\"request\":").token()),
        ("a list", Signed { payload: "[]".into(), ..good() }.token()),
    ];
    let mut details = std::collections::BTreeSet::new();
    for (what, token) in forgeries {
        let answer = send(&world, &token);
        assert_eq!(refusal(&answer), (403, "signature_refused".into()), "{what}: {}", answer.text());
        if what.contains("kid") || what.contains("alg") || what.contains("key") {
            details.insert(answer.json()["detail"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(details.len(), 1, "kid, algorithm and signature are refused alike: {details:?}");
    assert!(world.auth.requests().is_empty());
}

#[test]
fn a_signed_start_has_a_largest_size() {
    let world = world();
    let long =
        Signed::new(&json!({"purpose": PURPOSE, "auth_method": "irma", "comm_url": "https://chat.example/",
        "padding": "x".repeat(17_000)}));
    let answer = send(&world, &long.token());
    assert_eq!(refusal(&answer), (403, "signature_refused".into()));
    let answer = send(&world, &"x".repeat(70_000));
    assert_eq!(refusal(&answer), (413, "request_too_large".into()));
}

#[test]
fn a_signed_start_asks_for_nothing_else() {
    let world = world();
    for request in [
        json!({"purpose": PURPOSE, "auth_method": "irma", "comm_method": "chat"}),
        json!({"purpose": PURPOSE, "auth_method": "irma"}),
        json!({"purpose": PURPOSE, "comm_url": "https://chat.example/"}),
        json!({"purpose": PURPOSE, "auth_method": 7, "comm_url": "https://chat.example/"}),
    ] {
        let answer = send(&world, &Signed::new(&request).token());
        assert!((400..500).contains(&answer.status), "{request}: {} {}", answer.status, answer.text());
    }
    let answer = send(
        &world,
        &Signed::new(&json!({"purpose": "x", "auth_method": "irma", "comm_url": "https://chat.example/"}))
            .token(),
    );
    assert_eq!(refusal(&answer), (403, "purpose_not_allowed".into()));
    assert!(world.auth.requests().is_empty());
}
