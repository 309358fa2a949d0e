//! Sealed state: what the gateway knows of a session, carried by the session's own URLs, because
//! no server keeps it (design.md, "Trust, and brokering").
//!
//! A state is a compact JWE (RFC 7516), `alg: dir` and `enc: A256GCM`, around a binary form that is
//! small enough for URLs. Its header is one that we wrote or it is refused: nothing in it is believed.
//! So a token has one spelling, and no algorithm is chosen by who sends it.
//!
//! Initialisation vectors are random. That bounds how much one key may seal: after 2^32 states two of
//! them are alike with a chance of 2^-33 (NIST SP 800-38D, section 8.3), which is 13 years of ten states
//! a second. docs/configuration.md tells operators when to rotate.

use std::fmt;

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    memcmp,
    pkey::PKey,
    rand::rand_bytes,
    sign::Signer,
    symm::{Cipher, decrypt_aead, encrypt_aead},
};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{KeyError, TokenError, base64url};
use crate::model::UnixSeconds;

/// Fewest bytes of a secret for sealing: what 32 random bytes have in hexadecimal or base64 is more.
pub const MIN_SECRET_BYTES: usize = 32;

/// Longest sealed state that is looked at, in characters: one that holds a result with forty
/// attributes has 7,500.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

const KEY_BYTES: usize = 32;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// Of the binary form. A state of another version is refused.
const VERSION: u8 = 1;

/// What can be sealed. One type for each place where a state comes back.
///
/// The binary form has no names: whoever changes a type's fields gives it another [`Self::KIND`], or
/// what the version before sealed is taken for something else.
pub trait SealedState: Serialize {
    /// Tells the kinds apart: a state never opens as one of another kind.
    const KIND: u8;
    /// Seconds until it is refused.
    const LIFETIME: u64;
}

impl<S: SealedState> SealedState for &S {
    const KIND: u8 = S::KIND;
    const LIFETIME: u64 = S::LIFETIME;
}

/// Why a state does not open. Whoever sent it is told the same in both cases.
#[derive(Debug, PartialEq, Eq)]
pub enum StateError<S> {
    /// Ours, but too old. What it says is good for metrics and log lines only.
    Expired(S),
    /// Not ours, changed, or of another kind.
    Refused,
}

/// A secret that seals and opens.
pub struct StateKey {
    id: String,
    /// The protected header, in base64url, of everything that it seals.
    header: String,
    key: SecretBox<[u8; KEY_BYTES]>,
}

/// The first key seals, all of them open.
#[derive(Debug, Clone, PartialEq)]
pub struct StateKeys {
    first: StateKey,
    others: Vec<StateKey>,
}

/// What is encrypted. The envelope comes first, so that another kind is told by it alone.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u8,
    kind: u8,
    expires: UnixSeconds,
}

impl StateKey {
    /// From a secret of at least [`MIN_SECRET_BYTES`], of which white space at the end is no part.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`]; [`KeyError::Library`] when OpenSSL fails.
    pub fn from_secret(id: &str, secret: &[u8]) -> Result<Self, KeyError> {
        let secret = secret.trim_ascii();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::SecretTooShort);
        }
        Self::new(id, |key| derive(secret, key))
    }

    /// A new key that nobody else has.
    ///
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL has no randomness.
    pub fn generate(id: &str) -> Result<Self, KeyError> {
        Self::new(id, rand_bytes)
    }

    fn new(id: &str, fill: impl FnOnce(&mut [u8]) -> Result<(), ErrorStack>) -> Result<Self, KeyError> {
        let mut key = SecretBox::new(Box::new([0; KEY_BYTES]));
        fill(key.expose_secret_mut()).map_err(|_| KeyError::Library)?;
        // The order is ours: with `kid` escaped, the text is the same wherever it is made.
        let header = format!(r#"{{"alg":"dir","enc":"A256GCM","kid":{}}}"#, Value::from(id));
        Ok(Self { id: id.to_owned(), header: base64url::encode(header.as_bytes()), key })
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

impl StateKeys {
    pub fn new(first: StateKey, others: Vec<StateKey>) -> Self {
        Self { first, others }
    }

    fn all(&self) -> impl Iterator<Item = &StateKey> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Seals a state from now on, for its lifetime. The text consists of the characters of base64url
    /// and full stops.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] for what would not open again, [`TokenError::Issue`] when OpenSSL fails.
    pub fn seal<S: SealedState>(&self, state: &S, now: UnixSeconds) -> Result<String, TokenError> {
        let key = &self.first;
        let envelope = Envelope { version: VERSION, kind: S::KIND, expires: now.saturating_add(S::LIFETIME) };
        let plain = postcard::to_allocvec(&(envelope, state)).map_err(|_| TokenError::Issue)?;
        let (mut iv, mut tag) = ([0; IV_BYTES], [0; TAG_BYTES]);
        rand_bytes(&mut iv).map_err(|_| TokenError::Issue)?;
        let cipher = Cipher::aes_256_gcm();
        let sealed =
            encrypt_aead(cipher, key.key.expose_secret(), Some(&iv), key.header.as_bytes(), &plain, &mut tag)
                .map_err(|_| TokenError::Issue)?;
        let [iv, sealed, tag] = [&iv[..], &sealed, &tag].map(base64url::encode);
        let text = format!("{}..{iv}.{sealed}.{tag}", key.header);
        if text.len() > MAX_STATE_BYTES { Err(TokenError::TooLarge) } else { Ok(text) }
    }

    /// 128 bits that nobody else finds for these data, and that are the same wherever the first key is.
    ///
    /// # Errors
    /// [`TokenError::Issue`] when OpenSSL fails.
    pub fn name(&self, data: &[u8]) -> Result<[u8; 16], TokenError> {
        let mac = name(self.first.key.expose_secret(), data).map_err(|_| TokenError::Issue)?;
        mac.first_chunk().copied().ok_or(TokenError::Issue)
    }

    /// Opens what [`Self::seal`] made with one of these keys, at this process or another.
    ///
    /// # Errors
    /// [`StateError`]; a state that has expired is otherwise right.
    pub fn open<S: SealedState + DeserializeOwned>(
        &self,
        text: &str,
        now: UnixSeconds,
    ) -> Result<S, StateError<S>> {
        let plain = self.decrypt(text).ok_or(StateError::Refused)?;
        let (envelope, rest) = take_envelope(&plain).ok_or(StateError::Refused)?;
        if envelope.kind != S::KIND {
            return Err(StateError::Refused);
        }
        match postcard::take_from_bytes::<S>(rest) {
            Ok((state, [])) if now < envelope.expires => Ok(state),
            Ok((state, [])) => Err(StateError::Expired(state)),
            _ => Err(StateError::Refused),
        }
    }

    /// The kind of a state and when it ends, whatever kind that is.
    pub(super) fn open_envelope(&self, text: &str) -> Option<(u8, UnixSeconds)> {
        let plain = self.decrypt(text)?;
        take_envelope(&plain).map(|(envelope, _)| (envelope.kind, envelope.expires))
    }

    fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_STATE_BYTES {
            return None;
        }
        let mut parts = text.split('.');
        let (header, encrypted_key) = (parts.next()?, parts.next()?);
        let (iv, sealed, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if !encrypted_key.is_empty() || parts.next().is_some() {
            return None;
        }
        let (iv, sealed, tag) = (base64url::decode(iv)?, base64url::decode(sealed)?, base64url::decode(tag)?);
        // OpenSSL would take a tag that was cut, even to one byte.
        if iv.len() != IV_BYTES || tag.len() != TAG_BYTES {
            return None;
        }
        // A secret may have been exchanged under the same name.
        let mut keys = self.all().filter(|key| key.header == header);
        keys.find_map(|key| {
            let (cipher, key) = (Cipher::aes_256_gcm(), key.key.expose_secret());
            decrypt_aead(cipher, key, Some(&iv), header.as_bytes(), &sealed, &tag).ok()
        })
    }
}

fn take_envelope(plain: &[u8]) -> Option<(Envelope, &[u8])> {
    let (envelope, rest) = postcard::take_from_bytes::<Envelope>(plain).ok()?;
    (envelope.version == VERSION).then_some((envelope, rest))
}

/// HMAC-SHA-256 of a fixed label, so that no other use of the secret meets this one.
fn derive(secret: &[u8], key: &mut [u8]) -> Result<(), ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha256(), &*PKey::hmac(secret)?)?;
    signer.sign_oneshot(key, b"id-contact-gateway sealed state 1").map(|_| ())
}

/// With a key that is derived from the one that seals, and serves nothing else.
fn name(key: &[u8], data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mac = |key: &[u8], data: &[u8]| {
        Signer::new(MessageDigest::sha256(), &*PKey::hmac(key)?)?.sign_oneshot_to_vec(data)
    };
    mac(&mac(key, b"id-contact-gateway name 1")?, data)
}

impl Clone for StateKey {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            header: self.header.clone(),
            key: SecretBox::new(Box::new(*self.key.expose_secret())),
        }
    }
}

impl PartialEq for StateKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && memcmp::eq(self.key.expose_secret(), other.key.expose_secret())
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateKey({}, redacted)", self.id)
    }
}

#[cfg(test)]
mod tests;
