//! Tokens between the gateway and another implementation (npm jose, tests/interop): results in both
//! kinds of key, signed starts in all three, and the published keys.
//!
//! Ignored by a plain `cargo test`, because it needs Node and its package: `make test` runs it.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use id_contact_gateway::{
    model::{Dialect, ResultToken, UnixSeconds},
    tokens::{
        AuthenticationOutcome, DecryptionKey, NewResult, SigningKey, VerificationKey,
        files::{NewKey, PemPair, generate_pair},
        issue, jwks, open, open_signed,
    },
};
use openssl::pkey::PKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const NOW: UnixSeconds = 1_800_000_000;

/// What the other implementation answers to these requests.
fn jose(requests: &Value) -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    let mut node = Command::new("node")
        .arg("jose.mjs")
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    node.stdin.take().unwrap().write_all(requests.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "jose refuses; is `npm ci` done in tests/interop?");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Keys of one kind, as the gateway has them and as PEM, and what jose calls their algorithms.
struct Keys {
    signing: SigningKey,
    decryption: DecryptionKey,
    signing_pem: String,
    decryption_pem: PemPair,
    signs: &'static str,
    encrypts: &'static str,
}

impl Keys {
    fn all() -> [Self; 2] {
        [Self::new(NewKey::P256, "ES256", "ECDH-ES"), Self::new(NewKey::Rsa, "RS256", "RSA-OAEP")]
    }

    fn new(kind: NewKey, signs: &'static str, encrypts: &'static str) -> Self {
        let (signing, decryption_pem) = (generate_pair(kind).unwrap(), generate_pair(kind).unwrap());
        Self {
            signing: SigningKey::from_pem(signing.private.expose_secret()).unwrap().with_id("g1"),
            decryption: DecryptionKey::from_pem(decryption_pem.private.expose_secret()).unwrap(),
            signing_pem: text(signing.private.expose_secret()),
            decryption_pem,
            signs,
            encrypts,
        }
    }
}

fn text(pem: &[u8]) -> String {
    String::from_utf8(pem.to_vec()).unwrap()
}

fn outcome() -> AuthenticationOutcome {
    let attributes = [("email", "anna@example.nl"), ("fullname", "Anna de Wit-Özdemir")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    AuthenticationOutcome::Success { attributes: BTreeMap::from(attributes).into() }
}

#[test]
#[ignore = "needs Node: make test"]
fn the_other_opens_our_results_with_our_published_keys() {
    let all = Keys::all();
    let outcome = outcome();
    let new =
        NewResult { dialect: Dialect::IdContact, outcome: &outcome, session_url: None, not_after: None };
    let requests = all.iter().map(|keys| {
        let token = issue(&new, &keys.signing, keys.decryption.encryption_key(), NOW).unwrap();
        let jwks: Value = serde_json::from_slice(&jwks(std::slice::from_ref(&keys.signing))).unwrap();
        json!({
            "operation": "open", "token": token.expose(), "jwks": jwks, "now": NOW + 299,
            "decryption": text(keys.decryption_pem.private.expose_secret()), "decrypts": keys.encrypts,
        })
    });
    for claims in jose(&requests.collect()) {
        assert_eq!(claims["attributes"]["fullname"], "Anna de Wit-Özdemir");
        assert_eq!((&claims["status"], &claims["exp"]), (&"succes".into(), &(NOW + 300).into()));
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn we_open_the_others_results() {
    let all = Keys::all();
    let attributes = json!({ "email": "anna@example.nl", "fullname": "Anna de Wit-Özdemir" });
    let claims = json!({ "status": "succes", "attributes": attributes, "iat": NOW, "exp": NOW + 300 });
    let requests = all.iter().map(|keys| {
        json!({
            "operation": "issue", "claims": claims, "signing": keys.signing_pem, "signs": keys.signs,
            "encryption": text(&keys.decryption_pem.public), "encrypts": keys.encrypts,
        })
    });
    for (keys, token) in all.iter().zip(jose(&requests.collect())) {
        let token = ResultToken::new(token.as_str().unwrap().to_owned());
        let decryption = std::slice::from_ref(&keys.decryption);
        let opened = open(&token, decryption, keys.signing.verification_key(), NOW).unwrap();
        assert_eq!(opened.outcome, outcome());
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn we_open_the_others_signed_starts() {
    let ed25519 = PKey::generate_ed25519().unwrap();
    let mut initiators: Vec<_> = Keys::all()
        .into_iter()
        .map(|keys| (keys.signs, keys.signing_pem, keys.signing.verification_key().clone()))
        .collect();
    let public = VerificationKey::from_pem(&ed25519.public_key_to_pem().unwrap()).unwrap();
    initiators.push(("EdDSA", text(&ed25519.private_key_to_pem_pkcs8().unwrap()), public));

    let request =
        json!({ "purpose": "report_move", "auth_method": "irma", "comm_url": "https://chat.test/" });
    // As `Date.now() / 1000` gives it.
    let payload = json!({ "request": request, "iat": 1_800_000_000.123, "exp": 1_800_000_300.123 });
    let requests = initiators.iter().map(|(signs, signing, _)| {
        json!({ "operation": "start", "payload": payload, "signing": signing, "signs": signs, "kid": "chat" })
    });
    for ((signs, _, key), token) in initiators.iter().zip(jose(&requests.collect())) {
        let key_of = |kid: &str| (kid == "chat").then_some(((), key));
        let opened = open_signed::<_, Value>(token.as_str().unwrap(), key_of, NOW);
        assert_eq!(opened.unwrap().1, request, "{signs}");
    }
}
