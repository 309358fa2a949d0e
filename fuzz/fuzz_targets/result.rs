//! Whatever comes as an authentication result. The first byte says how the rest is used: `0` a whole
//! token; `1` an outer header before a right token's other parts; `2` what was encrypted to us; `3` an inner
//! header, a line feed and a payload, signed and encrypted; otherwise claims, signed and encrypted.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use id_contact_gateway::{
    model::ResultToken,
    tokens::{AuthenticationResult, DecryptionKey, SigningKey, TokenError, VerificationKey, open},
};
use josekit::{
    jwe::{ECDH_ES, JweContext, JweEncrypter, JweHeader},
    jws::{ES256, JwsSigner},
};
use libfuzzer_sys::fuzz_target;
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
};

const NOW: u64 = 1_800_000_000;
const HEADER: &[u8] = br#"{"typ":"JWT","alg":"ES256"}"#;

struct Keys {
    signer: Box<dyn JwsSigner>,
    encrypter: Box<dyn JweEncrypter>,
    verification: VerificationKey,
    decryption: DecryptionKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let pem = key.private_key_to_pem_pkcs8().unwrap();
    Keys {
        signer: Box::new(ES256.signer_from_pem(&pem).unwrap()),
        encrypter: Box::new(ECDH_ES.encrypter_from_pem(key.public_key_to_pem().unwrap()).unwrap()),
        verification: SigningKey::from_pem(&pem).unwrap().verification_key().clone(),
        decryption: DecryptionKey::from_pem(&pem).unwrap(),
    }
});

fn encrypt(payload: &[u8]) -> String {
    let mut header = JweHeader::new();
    header.set_content_encryption("A128CBC-HS256");
    JweContext::new().serialize_compact(payload, &header, &*KEYS.encrypter).unwrap()
}

fn wrap(header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = KEYS.signer.sign(message.as_bytes()).unwrap();
    encrypt(format!(r#"{{"njwt":"{message}.{}"}}"#, URL_SAFE_NO_PAD.encode(signature)).as_bytes())
}

fn open_token(token: String) -> Result<AuthenticationResult, TokenError> {
    open(&ResultToken::new(token), std::slice::from_ref(&KEYS.decryption), &KEYS.verification, NOW)
}

fuzz_target!(|data: &[u8]| {
    let Some((way, rest)) = data.split_first() else { return };
    let opened = match way {
        b'0' => return assert!(open_token(String::from_utf8_lossy(rest).into_owned()).is_err()),
        b'1' => {
            let token = wrap(HEADER, br#"{"status":"failed","iat":1800000000,"exp":1800000000}"#);
            let (_, others) = token.split_once('.').unwrap();
            return assert!(open_token(format!("{}.{others}", URL_SAFE_NO_PAD.encode(rest))).is_err());
        }
        b'2' => return assert!(open_token(encrypt(rest)).is_err()),
        b'3' => match rest.iter().position(|byte| *byte == b'\n') {
            Some(at) => open_token(wrap(&rest[..at], &rest[at + 1..])),
            None => return,
        },
        _ => open_token(wrap(HEADER, rest)),
    };
    if let Ok(result) = opened {
        assert!(result.issued_at <= NOW + 60 && result.expires_at.saturating_add(60) > NOW);
        assert!(result.issued_at <= result.expires_at);
    }
});
