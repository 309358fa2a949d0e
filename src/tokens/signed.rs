//! What initiators sign (protocol.md, "Signed auth-only request").

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    TokenError, VerificationKey,
    compact::Jws,
    times::{Validity, optional_date},
};
use crate::model::UnixSeconds;

/// Longest signed start that is looked at, in characters.
pub const MAX_SIGNED_BYTES: usize = 16 * 1024;

/// Seconds from `iat` for which a signed start without `exp` is valid: what others say themselves.
pub const SIGNED_LIFETIME: u64 = 300;

/// Verifies a signed start and gives its member `request`, with whatever `key_of` found for the
/// token's `kid`.
///
/// The signature must be of the algorithm that the key is for. A start without `exp` ends five
/// minutes after its `iat`; one with neither would never end, and is refused.
///
/// # Errors
/// [`TokenError`]: [`TokenError::Header`] for an unknown or missing `kid`. Up to and including
/// [`TokenError::Signature`] nothing is known of who sent it.
pub fn open_signed<'k, K, R: DeserializeOwned>(
    token: &str,
    key_of: impl FnOnce(&str) -> Option<(K, &'k VerificationKey)>,
    now: UnixSeconds,
) -> Result<(K, R), TokenError> {
    if token.len() > MAX_SIGNED_BYTES {
        return Err(TokenError::TooLarge);
    }
    let jws = Jws::parse(token)?;
    let (initiator, key) = jws.header.text("kid").and_then(key_of).ok_or(TokenError::Header("kid"))?;
    let payload = jws.verify(key)?;
    Ok((initiator, check(&payload, now)?))
}

/// Reads the payload of a verified start and checks its times.
pub(super) fn check<R: DeserializeOwned>(payload: &[u8], now: UnixSeconds) -> Result<R, TokenError> {
    let claims: Claims<R> = serde_json::from_slice(payload).map_err(|_| TokenError::Claims)?;
    claims.validity()?.check(now)?;
    Ok(claims.request)
}

/// A derived `Deserialize` refuses a known claim that comes twice; unknown ones are ignored.
#[derive(Deserialize)]
struct Claims<R> {
    request: R,
    #[serde(default, deserialize_with = "optional_date")]
    iat: Option<UnixSeconds>,
    #[serde(default, deserialize_with = "optional_date")]
    exp: Option<UnixSeconds>,
    #[serde(default, deserialize_with = "optional_date")]
    nbf: Option<UnixSeconds>,
}

impl<R> Claims<R> {
    fn validity(&self) -> Result<Validity, TokenError> {
        let end = self.iat.map(|iat| iat.saturating_add(SIGNED_LIFETIME));
        let expires_at = self.exp.or(end).ok_or(TokenError::Claims)?;
        Ok(Validity { issued_at: self.iat, not_before: self.nbf, expires_at })
    }
}

#[cfg(test)]
mod tests;
