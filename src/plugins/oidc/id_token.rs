//! Id tokens: what has to hold before anything in one is believed (OpenID Connect Core 1.0, section
//! 3.1.3.7).
//! May import: what `plugins` may.

use std::{
    str::FromStr,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthenticationContextClass, ClaimsVerificationError, ClientId,
    IdTokenVerifier, IssuerUrl, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde_json::Value;

use crate::{model::UnixSeconds, tokens::CLOCK_SKEW};

/// Seconds for which an id token is fresh: it was issued when its code was exchanged, just now.
const MAX_AGE: u64 = 10 * 60;

/// Signatures that only the provider can make. Never `none`, and no HS*: whoever knows the client's
/// secret, or takes a public key for one, could make those.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The keys of a provider (RFC 7517).
pub type Keys = CoreJsonWebKeySet;

/// What an id token has to say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// One of them; none is any.
    pub acr_values: &'a [String],
    /// When the citizen has to have signed in at the provider; `None` is any time.
    pub freshness: Option<Freshness>,
    /// The token that came with it, which its `at_hash` is about.
    pub access_token: Option<&'a str>,
    pub now: UnixSeconds,
}

/// Since when a sign-in at the provider counts.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    pub since: UnixSeconds,
    /// Whether a token is refused that does not say when it was: the provider was asked for `max_age`
    /// (OpenID Connect Core 1.0, section 2, `auth_time`).
    pub required: bool,
}

/// Why an id token is refused. Never holds any of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    #[error("it is not an id token")]
    Malformed,
    #[error("none of the provider's keys has its `kid` and its algorithm")]
    UnknownKey,
    #[error("its `alg` is not acceptable")]
    Algorithm,
    #[error("its signature is not right")]
    Signature,
    #[error("its `iss` is not the provider")]
    Issuer,
    #[error("its `aud` or `azp` is not this client")]
    Audience,
    #[error("it is too old or of the future")]
    Time,
    #[error("its `nonce` is not of this sign-in")]
    Nonce,
    #[error("its `acr` is none of `acr_values`")]
    Acr,
    #[error("its `auth_time` is not of a sign-in that is new enough")]
    AuthTime,
    #[error("its `at_hash` is not of the access token")]
    AtHash,
    #[error("its `sub` is empty")]
    Subject,
}

/// The claims of an id token in which everything is as it has to be; an object.
///
/// # Errors
/// [`IdTokenError`]; with [`IdTokenError::UnknownKey`] and [`IdTokenError::Signature`], newer keys may help.
pub fn verify(id_token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Value, IdTokenError> {
    let token = CoreIdToken::from_str(id_token).map_err(|_| IdTokenError::Malformed)?;
    let verifier = verifier(keys, expected)?;
    let claims = token.claims(&verifier, &Nonce::new(expected.nonce.to_owned())).map_err(reason)?;
    check_audience(claims, expected.client_id)?;
    check_access_token(&token, claims, &verifier, expected.access_token)?;
    if claims.subject().is_empty() {
        return Err(IdTokenError::Subject);
    }
    // The library keeps what it knows of; operators may name any claim, and what is inside of one.
    let payload = id_token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    payload.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(IdTokenError::Malformed)
}

fn verifier<'a>(keys: &Keys, expected: &'a Expected<'a>) -> Result<CoreIdTokenVerifier<'a>, IdTokenError> {
    let Expected { issuer, client_id, acr_values, freshness, now, .. } = *expected;
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| IdTokenError::Issuer)?;
    let earliest = now.saturating_sub(CLOCK_SKEW);
    let issued = i64::try_from(earliest.saturating_sub(MAX_AGE)).unwrap_or(i64::MAX)
        ..=i64::try_from(now.saturating_add(CLOCK_SKEW)).unwrap_or(i64::MAX);
    let is_level = move |acr: Option<&AuthenticationContextClass>| {
        acr.is_some_and(|acr| acr_values.iter().any(|value| value == acr.as_str()))
    };
    Ok(IdTokenVerifier::new_public_client(ClientId::new(client_id.to_owned()), issuer, keys.clone())
        .set_allowed_algs(ALGORITHMS)
        // Whoever else may read it: `azp` says for whom it was made.
        .set_other_audience_verifier_fn(|_| true)
        .set_time_fn(move || (SystemTime::UNIX_EPOCH + Duration::from_secs(earliest)).into())
        .set_issue_time_verifier_fn(move |at| accept(issued.contains(&at.timestamp())))
        .set_auth_time_verifier_fn(move |at| {
            accept(freshness.is_none_or(|freshness| freshness.allows(at.map(|at| at.timestamp()), now)))
        })
        .set_auth_context_verifier_fn(move |acr| accept(acr_values.is_empty() || is_level(acr))))
}

impl Freshness {
    /// Whether a sign-in at this time counts now, whoever's clock is late.
    fn allows(self, at: Option<i64>, now: UnixSeconds) -> bool {
        let window = self.since.saturating_sub(CLOCK_SKEW)..=now.saturating_add(CLOCK_SKEW);
        match at {
            Some(at) => u64::try_from(at).is_ok_and(|at| window.contains(&at)),
            None => !self.required,
        }
    }
}

/// The library wants a reason, and nobody reads it.
fn accept(acceptable: bool) -> Result<(), String> {
    if acceptable { Ok(()) } else { Err(String::new()) }
}

/// `azp` is the client, and is there when others may read the token.
fn check_audience(claims: &CoreIdTokenClaims, client_id: &str) -> Result<(), IdTokenError> {
    let for_others = claims.audiences().iter().any(|audience| audience.as_str() != client_id);
    let acceptable = match claims.authorized_party() {
        Some(party) => party.as_str() == client_id,
        None => !for_others,
    };
    if acceptable { Ok(()) } else { Err(IdTokenError::Audience) }
}

/// `at_hash`, when it is there (OpenID Connect Core 1.0, section 3.1.3.8).
fn check_access_token(
    token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: Option<&str>,
) -> Result<(), IdTokenError> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let access_token = AccessToken::new(access_token.unwrap_or_default().to_owned());
    let algorithm = token.signing_alg().map_err(|_| IdTokenError::Algorithm)?;
    let key = token.signing_key(verifier).map_err(|_| IdTokenError::UnknownKey)?;
    match AccessTokenHash::from_token(&access_token, algorithm, key) {
        Ok(hash) if hash == *expected => Ok(()),
        _ => Err(IdTokenError::AtHash),
    }
}

/// The library's own message quotes the token.
fn reason(error: ClaimsVerificationError) -> IdTokenError {
    use SignatureVerificationError as Signature;
    match error {
        ClaimsVerificationError::Expired(_) => IdTokenError::Time,
        ClaimsVerificationError::InvalidAudience(_) => IdTokenError::Audience,
        ClaimsVerificationError::InvalidAuthContext(_) => IdTokenError::Acr,
        ClaimsVerificationError::InvalidAuthTime(_) => IdTokenError::AuthTime,
        ClaimsVerificationError::InvalidIssuer(_) => IdTokenError::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => IdTokenError::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => IdTokenError::Subject,
        ClaimsVerificationError::SignatureVerification(error) => match error {
            Signature::NoMatchingKey => IdTokenError::UnknownKey,
            Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_) | Signature::NoSignature => {
                IdTokenError::Algorithm
            }
            _ => IdTokenError::Signature,
        },
        _ => IdTokenError::Malformed,
    }
}

#[cfg(test)]
mod tests;
