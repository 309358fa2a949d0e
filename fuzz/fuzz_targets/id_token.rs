//! Whatever comes as an id token, against the one key of a provider. The first byte says how the rest is
//! used: `0` a whole token; `1` a payload under a right header; `2` a header, a line feed and a payload.
//! `1` and `2` are signed by the provider.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use id_contact_gateway::plugins::oidc::id_token::{Expected, Freshness, Keys, verify};
use libfuzzer_sys::fuzz_target;
use openssl::{
    pkey::{Id, PKey, Private},
    sign::Signer,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.test";
const CLIENT: &str = "gateway";
const NONCE: &str = "n-1";
const HEADER: &[u8] = br#"{"alg":"EdDSA","kid":"k1"}"#;

static KEYS: LazyLock<(PKey<Private>, Keys)> = LazyLock::new(|| {
    let key = PKey::private_key_from_raw_bytes(&[7; 32], Id::ED25519).unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.raw_public_key().unwrap());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k1", "x": x });
    (key, serde_json::from_value(json!({ "keys": [jwk] })).unwrap())
});

fn sign(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = Signer::new_without_digest(&KEYS.0).unwrap().sign_oneshot_to_vec(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn accepted(token: &str) -> Option<Value> {
    let levels = ["loa3".to_owned()];
    let expected = Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: NONCE,
        acr_values: &levels,
        freshness: Some(Freshness { since: NOW - 300, required: true }),
        access_token: Some("access"),
        now: NOW,
    };
    verify(token, &KEYS.1, &expected).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some((way, rest)) = data.split_first() else { return };
    let (header, payload) = match way {
        b'0' => return assert!(accepted(&String::from_utf8_lossy(rest)).is_none()),
        b'1' => (HEADER, rest),
        _ => match rest.iter().position(|byte| *byte == b'\n') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => return,
        },
    };
    let Some(claims) = accepted(&sign(header, payload)) else { return };
    // By another reader: what may not be there is not.
    let header: Value = serde_json::from_slice(header).unwrap();
    assert!(header["alg"] == "EdDSA" && header.get("crit").is_none_or(Value::is_null));
    assert!(claims["iss"] == ISSUER && claims["nonce"] == NONCE && claims["acr"] == "loa3");
    assert!(claims["auth_time"].as_f64().is_some_and(|at| at >= (NOW - 361) as f64));
    assert!(claims["sub"].as_str().is_some_and(|subject| !subject.is_empty()));
    let for_client = |audience: &Value| audience == CLIENT;
    let audiences = claims["aud"].as_array().map_or_else(|| vec![claims["aud"].clone()], Clone::clone);
    assert!(audiences.iter().any(for_client));
    assert!(audiences.iter().all(for_client) || claims["azp"] == CLIENT);
});
