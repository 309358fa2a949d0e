//! Compact tokens (RFC 7515 and 7516, sections 3.1): their header, of which nothing is believed, and
//! signed ones.
//!
//! josekit would take the last of two equal header parameters, base64 with padding, and payloads
//! that are not encoded at all (RFC 7797). Only its keys are used here.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use josekit::Value;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{TokenError, VerificationKey, base64url};

/// The only type of token that there is, in any letter case (RFC 7519, section 5.1).
pub(super) const TYP: &str = "JWT";

/// A protected header in which no parameter comes twice.
pub(super) struct Header(BTreeMap<String, Value>);

impl Header {
    /// From the first part of a token.
    pub(super) fn parse(encoded: &str) -> Result<Self, TokenError> {
        let json = base64url::decode(encoded).ok_or(TokenError::Malformed)?;
        let Unique(parameters) = serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)?;
        Ok(Self(parameters))
    }

    pub(super) fn text(&self, parameter: &str) -> Option<&str> {
        self.0.get(parameter).and_then(Value::as_str)
    }

    /// What every layer must fulfil: the algorithm of the key, no extension that must be understood
    /// (RFC 7515, section 4.1.11), and, when it names its type, that of a JWT. Keys that a header
    /// brings along or points to are never looked at.
    pub(super) fn check(&self, algorithm: &str) -> Result<(), TokenError> {
        require("alg", self.text("alg") == Some(algorithm))?;
        self.refuse("crit")?;
        let typ = self.text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case(TYP));
        require("typ", typ || !self.0.contains_key("typ"))
    }

    pub(super) fn refuse(&self, parameter: &'static str) -> Result<(), TokenError> {
        require(parameter, !self.0.contains_key(parameter))
    }

    /// All parameters, for people.
    pub(super) fn into_json(self) -> Value {
        self.0.into_iter().collect()
    }
}

pub(super) fn require(parameter: &'static str, fits: bool) -> Result<(), TokenError> {
    if fits { Ok(()) } else { Err(TokenError::Header(parameter)) }
}

/// A signed token that nobody has verified yet.
pub(super) struct Jws<'t> {
    pub(super) header: Header,
    /// Header and payload, as they were signed.
    message: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Jws<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        Ok(Self { header: Header::parse(header)?, message, payload, signature })
    }

    /// The payload, when this key's other half signed it with the key's own algorithm.
    pub(super) fn verify(&self, key: &VerificationKey) -> Result<Vec<u8>, TokenError> {
        self.header.check(key.verifier.algorithm().name())?;
        // Signed as the text that it is (RFC 7797), the payload would mean something else.
        self.header.refuse("b64")?;
        let signature = base64url::decode(self.signature).ok_or(TokenError::Signature)?;
        key.verifier.verify(self.message.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
        let payload = base64url::decode(self.payload).ok_or(TokenError::Malformed)?;
        // A reader of JSON may skip over bytes that are no text (RFC 8259, section 8.1).
        if std::str::from_utf8(&payload).is_ok() { Ok(payload) } else { Err(TokenError::Claims) }
    }
}

/// A JSON object in which no name comes twice.
pub(super) struct Unique<V>(pub(super) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = Unique<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Unique<V>, M::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(M::Error::custom("a name comes twice"));
            }
        }
        Ok(Unique(members))
    }
}
