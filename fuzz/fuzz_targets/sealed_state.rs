//! Whatever comes as sealed state. The first byte says how the rest is used:
//! `0` a whole token; `1` what follows our header; `2` content that the right key sealed.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use id_contact_gateway::tokens::{SealedState, StateError, StateKey, StateKeys};
use libfuzzer_sys::fuzz_target;
use openssl::{
    hash::MessageDigest,
    pkey::PKey,
    sign::Signer,
    symm::{Cipher, encrypt_aead},
};
use serde::{Deserialize, Serialize};

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8; 32] = &[b's'; 32];
const HEADER: &str = r#"{"alg":"dir","enc":"A256GCM","kid":"s1"}"#;

/// As the sessions' states are: texts, numbers, and what may be missing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    url: String,
    number: Option<u64>,
    bytes: Vec<u8>,
    choice: Choice,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    None,
    Text(String),
    Both { left: bool, right: Vec<(u16, String)> },
}

impl SealedState for State {
    const KIND: u8 = 1;
    const LIFETIME: u64 = 3_600;
}

static KEYS: LazyLock<StateKeys> = LazyLock::new(|| {
    let keys = StateKeys::new(StateKey::from_secret("s1", SECRET).unwrap(), vec![]);
    // If the form of tokens changes, the third way below is no way in any more.
    let state = State { url: String::new(), number: None, bytes: vec![], choice: Choice::None };
    let plain = postcard::to_allocvec(&(1_u8, State::KIND, NOW + 1, &state)).unwrap();
    assert_eq!(keys.open::<State>(&seal(&plain), NOW), Ok(state));
    keys
});

static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let hmac = PKey::hmac(SECRET).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &hmac).unwrap();
    signer.sign_oneshot_to_vec(b"id-contact-gateway sealed state 1").unwrap()
});

fn seal(plain: &[u8]) -> String {
    let (header, iv, mut tag) = (URL_SAFE_NO_PAD.encode(HEADER), [7; 12], [0; 16]);
    let sealed =
        encrypt_aead(Cipher::aes_256_gcm(), &KEY, Some(&iv), header.as_bytes(), plain, &mut tag).unwrap();
    let [iv, sealed, tag] = [&iv[..], &sealed, &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{iv}.{sealed}.{tag}")
}

fuzz_target!(|data: &[u8]| {
    let Some((way, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match way {
        b'0' => assert_eq!(KEYS.open::<State>(&text, NOW), Err(StateError::Refused)),
        b'1' => {
            let token = format!("{}.{text}", URL_SAFE_NO_PAD.encode(HEADER));
            assert_eq!(KEYS.open::<State>(&token, NOW), Err(StateError::Refused));
        }
        _ => {
            if let Ok(state) | Err(StateError::Expired(state)) = KEYS.open::<State>(&seal(rest), NOW) {
                let sealed = KEYS.seal(&state, NOW).unwrap();
                assert_eq!(KEYS.open(&sealed, NOW), Ok(state));
            }
        }
    }
});
