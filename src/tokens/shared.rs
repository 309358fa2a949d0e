//! Secrets that the gateway shares with another party: to sign webhooks and small tokens with, and to
//! show to a service.

use std::fmt;

use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serialize;

use super::{KeyError, SigningKey, TokenError, base64url, compact::TYP};

/// Fewest bytes of a secret that signs. RFC 7518, section 3.2, wants 32; the other side, which chose the
/// secret, often has fewer, and below this anybody finds it from one signature.
pub const MIN_SIGNING_SECRET_BYTES: usize = 8;

/// A text that another party knows too, such as a client secret or an access token.
#[derive(Clone)]
pub struct SharedSecret(SecretString);

impl SharedSecret {
    /// From what a file or a variable holds, of which white space around it is no part.
    ///
    /// # Errors
    /// [`KeyError::NotText`] for what cannot stand in a header or a form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(bytes.trim_ascii()).map_err(|_| KeyError::NotText)?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(KeyError::NotText);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// To be sent to the other party and nowhere else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for SharedSecret {
    fn eq(&self, other: &Self) -> bool {
        super::constant_time_eq(self.expose().as_bytes(), other.expose().as_bytes())
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(redacted)")
    }
}

/// Signs bodies: HMAC-SHA256 (RFC 2104).
#[derive(Clone)]
pub struct MacKey(SecretSlice<u8>);

impl MacKey {
    /// From a secret of at least [`MIN_SIGNING_SECRET_BYTES`], of which white space around it is no part.
    ///
    /// # Errors
    /// [`KeyError::MacTooShort`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        long_enough(secret).map(|secret| Self(secret.to_vec().into()))
    }

    /// HMAC-SHA256 in lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`TokenError::Issue`] when OpenSSL fails.
    pub fn sign_hex(&self, body: &[u8]) -> Result<String, TokenError> {
        Ok(self.sign(body)?.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let key = PKey::hmac(self.0.expose_secret()).map_err(|_| TokenError::Issue)?;
        let mac = Signer::new(MessageDigest::sha256(), &key);
        mac.and_then(|mut mac| mac.sign_oneshot_to_vec(message)).map_err(|_| TokenError::Issue)
    }
}

impl PartialEq for MacKey {
    fn eq(&self, other: &Self) -> bool {
        super::constant_time_eq(self.0.expose_secret(), other.0.expose_secret())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

/// Signs small tokens for others: guest tokens of video rooms, and assertions of who the gateway is.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtKey {
    signer: JwtSigner,
    kid: Option<String>,
}

#[derive(Clone)]
enum JwtSigner {
    Shared(MacKey),
    Own(Box<SigningKey>),
}

impl JwtKey {
    /// A shared secret: `HS256`.
    ///
    /// # Errors
    /// [`KeyError::MacTooShort`].
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { signer: JwtSigner::Shared(MacKey::from_secret(secret)?), kid: None })
    }

    /// A key of the gateway's own: `RS256` or `ES256`, as the key is.
    pub fn of(key: SigningKey) -> Self {
        let kid = key.id().map(str::to_owned);
        Self { signer: JwtSigner::Own(Box::new(key)), kid }
    }

    /// The same key under a name, which goes into the header.
    #[must_use]
    pub fn with_kid(self, kid: &str) -> Self {
        Self { kid: Some(kid.to_owned()), ..self }
    }

    /// The header parameter `kid` of what it signs.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// SHA-256 of the public key (`SubjectPublicKeyInfo`); `None` for a shared secret.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        match &self.signer {
            JwtSigner::Shared(_) => None,
            JwtSigner::Own(key) => Some(key.verification_key().fingerprint()),
        }
    }

    /// The header parameter `alg` of what it signs.
    pub fn algorithm(&self) -> &str {
        match &self.signer {
            JwtSigner::Shared(_) => "HS256",
            JwtSigner::Own(key) => key.signer.algorithm().name(),
        }
    }

    /// Signs claims, an object with whatever times they need, as a compact JWS with `typ: JWT`
    /// (RFC 7515, section 7.1).
    ///
    /// # Errors
    /// [`TokenError::Issue`] when the cryptographic library fails.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let header = Header { alg: self.algorithm(), typ: TYP, kid: self.kid.as_deref() };
        let json = |error| {
            let _: serde_json::Error = error;
            TokenError::Issue
        };
        let header = base64url::encode(&serde_json::to_vec(&header).map_err(json)?);
        let claims = base64url::encode(&serde_json::to_vec(claims).map_err(json)?);
        let message = format!("{header}.{claims}");
        let signature = match &self.signer {
            JwtSigner::Shared(key) => key.sign(message.as_bytes())?,
            JwtSigner::Own(key) => key.signer.sign(message.as_bytes()).map_err(|_| TokenError::Issue)?,
        };
        Ok(format!("{message}.{}", base64url::encode(&signature)))
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl PartialEq for JwtSigner {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(a), Self::Shared(b)) => a == b,
            (Self::Own(a), Self::Own(b)) => a.verification_key() == b.verification_key(),
            _ => false,
        }
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

fn long_enough(secret: &[u8]) -> Result<&[u8], KeyError> {
    let secret = secret.trim_ascii();
    if secret.len() < MIN_SIGNING_SECRET_BYTES { Err(KeyError::MacTooShort) } else { Ok(secret) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::compact::Jws;

    #[test]
    fn a_webhook_is_signed_as_everybody_does() {
        // printf body | openssl dgst -sha256 -hmac 0123456789abcdef
        let key = MacKey::from_secret(b" 0123456789abcdef\n").unwrap();
        let expected = "c34c3195f4d0282ae2dee7ddba19f07877594896ece7578eed7044843650c708";
        assert_eq!(key.sign_hex(b"body").unwrap(), expected);
        assert_eq!(MacKey::from_secret(b"0123456"), Err(KeyError::MacTooShort));
    }

    #[test]
    fn a_small_token_has_the_algorithm_of_its_key() {
        let secret = JwtKey::hs256(b"0123456789abcdef").unwrap().with_kid("jitsi");
        let own = JwtKey::of(SigningKey::generate().unwrap().with_id("g1"));
        assert_eq!((secret.algorithm(), own.algorithm()), ("HS256", "ES256"));
        assert_ne!(secret, own);
        let token = own.sign(&serde_json::json!({ "aud": "x" })).unwrap();
        assert!(Jws::parse(&token).is_ok());
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = b"hunter2-hunter2-hunter2";
        let shown = format!(
            "{:?}{:?}{:?}",
            SharedSecret::from_bytes(secret).unwrap(),
            MacKey::from_secret(secret).unwrap(),
            JwtKey::hs256(secret).unwrap()
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_secret_is_one_line_of_text() {
        assert_eq!(SharedSecret::from_bytes(b" s3cret\n").unwrap().expose(), "s3cret");
        for bad in [&b""[..], b" \n", b"a\nb", b"\xff"] {
            assert_eq!(SharedSecret::from_bytes(bad), Err(KeyError::NotText));
        }
    }
}
