//! Compact JWS (RFC 7515) made by hand, good and bad: the gateway's own signing refuses to make most
//! of what a forger makes.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    pkey::{PKey, Private},
    sha::sha256,
    sign::{Signer, Verifier},
};
use serde_json::{Value, json};

use super::keys::{Key, Kind};

/// How a token is signed; the name of the algorithm follows.
pub enum Signature<'a> {
    Rs256(&'a Key),
    Es256(&'a Key),
    Hs256(&'a [u8]),
    /// `alg: none`, with an empty signature.
    None,
}

impl Signature<'_> {
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::Hs256(_) => "HS256",
            Self::None => "none",
        }
    }

    fn sign(&self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Rs256(key) => signed(&key.private, input),
            Self::Es256(key) => fixed_length(&signed(&key.private, input)),
            Self::Hs256(secret) => signed(&PKey::hmac(secret).expect("any secret will do"), input),
            Self::None => Vec::new(),
        }
    }
}

/// A token with these claims; a `kid` where there is one.
pub fn token(claims: &Value, signature: &Signature<'_>, kid: Option<&str>) -> String {
    let mut header = json!({ "typ": "JWT", "alg": signature.algorithm() });
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    let input = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = signature.sign(input.as_bytes());
    format!("{input}.{}", encoded(signature))
}

/// The claims of a token, whoever signed it.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a token.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

/// The left half of a hash of an access token, as an id token carries it (OpenID Connect Core,
/// section 3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    encoded(&sha256(access_token.as_bytes())[..16])
}

/// Whether a token is signed with RS256 by this key, whatever its header says.
pub fn is_signed_by(token: &str, key: &Key) -> bool {
    let (input, signature) = token.rsplit_once('.').expect("a token has three parts");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("the signature is base64url");
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key.private).expect("the key verifies");
    verifier.verify_oneshot(&signature, input.as_bytes()).expect("the signature can be compared")
}

/// The S256 challenge for a code verifier (RFC 7636, section 4.2).
pub fn code_challenge(verifier: &str) -> String {
    encoded(sha256(verifier.as_bytes()))
}

pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The public half of a key as a JWK.
pub fn public_jwk(key: &Key, kind: Kind, kid: &str) -> Value {
    let number = |number: &openssl::bn::BigNumRef| encoded(number.to_vec());
    match kind {
        Kind::Rsa => {
            let rsa = key.private.rsa().expect("the key is RSA");
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(rsa.n()), "e": number(rsa.e()) })
        }
        Kind::P256 => {
            let (x, y) = coordinates(&key.private);
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": encoded(x), "y": encoded(y) })
        }
        Kind::Ed25519 => {
            let x = key.private.raw_public_key().expect("the key is Ed25519");
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": encoded(x) })
        }
    }
}

fn coordinates(key: &PKey<Private>) -> (Vec<u8>, Vec<u8>) {
    let key = key.ec_key().expect("the key is P-256");
    let mut context = openssl::bn::BigNumContext::new().expect("OpenSSL has memory");
    let (mut x, mut y) = (number(), number());
    let point = key.public_key();
    point.affine_coordinates(key.group(), &mut x, &mut y, &mut context).expect("the point is finite");
    (padded(&x), padded(&y))
}

fn part(token: &str, position: usize) -> Value {
    let part = token.split('.').nth(position).expect("a token has three parts");
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).expect("the part is base64url");
    serde_json::from_slice(&json).expect("the part is JSON")
}

fn signed(key: &PKey<Private>, input: &[u8]) -> Vec<u8> {
    let mut signer = Signer::new(MessageDigest::sha256(), key).expect("the key signs");
    signer.sign_oneshot_to_vec(input).expect("the key signs")
}

/// ECDSA signatures are two numbers of fixed length in a JWS (RFC 7518, section 3.4), and DER
/// elsewhere.
fn fixed_length(der: &[u8]) -> Vec<u8> {
    let signature = EcdsaSig::from_der(der).expect("OpenSSL writes DER");
    let halves = [signature.r(), signature.s()];
    halves.iter().flat_map(|half| half.to_vec_padded(32).expect("the number fits")).collect()
}

fn number() -> BigNum {
    BigNum::new().expect("OpenSSL has memory")
}

fn padded(number: &BigNum) -> Vec<u8> {
    number.to_vec_padded(32).expect("the number fits")
}
