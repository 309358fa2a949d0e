//! Whatever comes as a signed start. The first byte says how the rest is used: `0` a whole token;
//! `1` a payload under a right header; `2` a header, a line feed and a payload. `1` and `2` are signed.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use id_contact_gateway::{
    session::start_request::StartRequest,
    tokens::{TokenError, VerificationKey, open_signed},
};
use josekit::jws::{EdDSA, JwsSigner};
use libfuzzer_sys::fuzz_target;
use openssl::pkey::{Id, PKey};
use serde_json::Value;

const NOW: u64 = 1_800_000_000;
const HEADER: &[u8] = br#"{"alg":"EdDSA","kid":"chat"}"#;

static KEYS: LazyLock<(Box<dyn JwsSigner>, VerificationKey)> = LazyLock::new(|| {
    let key = PKey::private_key_from_raw_bytes(&[7; 32], Id::ED25519).unwrap();
    let signer = EdDSA.signer_from_pem(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (Box::new(signer), VerificationKey::from_pem(&key.public_key_to_pem().unwrap()).unwrap())
});

fn sign(header: &[u8], payload: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = KEYS.0.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn open(token: &str) -> Result<((), StartRequest), TokenError> {
    open_signed(token, |kid| (kid == "chat").then_some(((), &KEYS.1)), NOW)
}

fuzz_target!(|data: &[u8]| {
    let Some((way, rest)) = data.split_first() else { return };
    let (header, payload) = match way {
        b'0' => return assert!(open(&String::from_utf8_lossy(rest)).is_err()),
        b'1' => (HEADER, rest),
        _ => match rest.iter().position(|byte| *byte == b'\n') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => return,
        },
    };
    if open(&sign(header, payload)).is_ok() {
        // By another reader: what may not be there is not.
        let header: Value = serde_json::from_slice(header).unwrap();
        assert!(header["alg"] == "EdDSA" && header["kid"] == "chat" && header.get("crit").is_none());
        // Members that nobody reads may hold what this reader refuses: numbers such as 1e999.
        let Ok(claims) = serde_json::from_slice::<Value>(payload) else { return };
        let time = |name: &str| claims.get(name).map(|time| time.as_f64().unwrap());
        let end = time("exp").or(time("iat").map(|iat| iat + 300.0)).unwrap();
        assert!(end + 60.0 > NOW as f64 && time("iat").is_none_or(|iat| iat < NOW as f64 + 61.0));
    }
});
