//! What a token says, for people who look for a mistake: as much of it as the keys at hand open.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{
    DecryptionKey, StateKeys, TokenError, VerificationKey, claims,
    compact::{Header, Jws},
    results, signed,
};
use crate::model::UnixSeconds;

/// A token laid open.
pub struct Inspection {
    /// Its layers from the outside in, as far as they were opened: the headers `encrypted`, `signed`
    /// or `sealed`, then the `claims`, attributes included, or the `state`.
    pub layers: Map<String, Value>,
    pub outcome: Outcome,
}

/// How far it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was opened and is right at this time.
    Valid,
    /// It is encrypted, and there is no key to open it.
    Encrypted,
    /// It is signed, and there is no key to verify it: its claims may be anybody's.
    Unverified,
    Refused(TokenError),
}

/// Looks at a result, or at a signed start.
pub fn inspect(
    token: &str,
    decryption: Option<&DecryptionKey>,
    verification: Option<&VerificationKey>,
    now: UnixSeconds,
) -> Inspection {
    let mut layers = Map::new();
    let outcome = if token.split('.').count() == 3 {
        inspect_signed(token, verification, &mut layers, |payload| {
            signed::check::<IgnoredAny>(payload, now).map(|_| ())
        })
    } else {
        inspect_encrypted(token, decryption, verification, &mut layers, now)
    };
    Inspection { layers, outcome: outcome.unwrap_or_else(Outcome::Refused) }
}

fn inspect_encrypted(
    token: &str,
    decryption: Option<&DecryptionKey>,
    verification: Option<&VerificationKey>,
    layers: &mut Map<String, Value>,
    now: UnixSeconds,
) -> Result<Outcome, TokenError> {
    layers.insert("encrypted".to_owned(), header(token)?);
    let Some(key) = decryption else {
        return Ok(Outcome::Encrypted);
    };
    let envelope = results::decrypt(token, key)?;
    inspect_signed(&envelope.njwt, verification, layers, |payload| claims::check(payload, now).map(|_| ()))
}

fn inspect_signed(
    token: &str,
    verification: Option<&VerificationKey>,
    layers: &mut Map<String, Value>,
    check: impl FnOnce(&[u8]) -> Result<(), TokenError>,
) -> Result<Outcome, TokenError> {
    layers.insert("signed".to_owned(), header(token)?);
    let jws = Jws::parse(token)?;
    let Some(key) = verification else {
        return Ok(Outcome::Unverified);
    };
    let payload = jws.verify(key)?;
    layers.insert("claims".to_owned(), serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)?);
    check(&payload).map(|()| Outcome::Valid)
}

/// Looks at a sealed state, of which only its kind and its end are shown: the rest has no names.
pub fn inspect_state(text: &str, keys: &StateKeys, now: UnixSeconds) -> Inspection {
    let mut layers = Map::new();
    let outcome = header(text).and_then(|header| {
        layers.insert("sealed".to_owned(), header);
        let (kind, expires) = keys.open_envelope(text).ok_or(TokenError::Undecryptable)?;
        let state = [("kind", Value::from(kind)), ("exp", Value::from(expires))];
        layers.insert("state".to_owned(), state.into_iter().collect());
        if now < expires { Ok(Outcome::Valid) } else { Err(TokenError::Expired) }
    });
    Inspection { layers, outcome: outcome.unwrap_or_else(Outcome::Refused) }
}

fn header(token: &str) -> Result<Value, TokenError> {
    let (header, _) = token.split_once('.').ok_or(TokenError::Malformed)?;
    Header::parse(header).map(Header::into_json)
}
