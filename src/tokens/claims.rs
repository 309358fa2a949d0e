//! The claims of an authentication result in both dialects, as serde writes and strictly reads
//! them (protocol.md, "The authentication result").
//!
//! A derived `Deserialize` refuses a known claim that comes twice; [`Attributes`] does the same for
//! its names. Unknown claims are ignored, as every receiver does.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    TokenError,
    compact::Unique,
    results::{Attributes, AuthenticationOutcome, AuthenticationResult, NewResult, RESULT_LIFETIME},
    times::{Validity, date, optional_date},
};
use crate::model::{Dialect, UnixSeconds};

/// The payload of the encrypted layer.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) njwt: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Attributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_url: Option<String>,
    #[serde(deserialize_with = "date")]
    iat: UnixSeconds,
    #[serde(deserialize_with = "date")]
    exp: UnixSeconds,
    #[serde(default, deserialize_with = "optional_date", skip_serializing_if = "Option::is_none")]
    nbf: Option<UnixSeconds>,
}

/// Reads the payload of a verified result and checks its times.
pub(super) fn check(payload: &[u8], now: UnixSeconds) -> Result<AuthenticationResult, TokenError> {
    let claims: Claims = serde_json::from_slice(payload).map_err(|_| TokenError::Claims)?;
    claims.validity().check(now)?;
    claims.into_result()
}

impl Claims {
    pub(super) fn of(result: &NewResult<'_>, now: UnixSeconds) -> Self {
        let (status, attributes) = match (result.outcome, result.dialect) {
            (AuthenticationOutcome::Success { attributes }, dialect) => {
                (success(dialect), Some(attributes.clone()))
            }
            (AuthenticationOutcome::Failed, Dialect::IdContact) => (FAILED, None),
            // Its communication plugins take absent attributes for "still busy".
            (AuthenticationOutcome::Failed, Dialect::VerderHelpen) => (FAILED, Some(Attributes::default())),
        };
        Self {
            sub: Some(subject(result.dialect).to_owned()),
            status: status.to_owned(),
            attributes,
            session_url: result.session_url.map(str::to_owned),
            iat: result.not_after.map_or(now, |end| end.min(now)),
            exp: result.not_after.unwrap_or(UnixSeconds::MAX).min(now.saturating_add(RESULT_LIFETIME)),
            nbf: None,
        }
    }

    fn into_result(self) -> Result<AuthenticationResult, TokenError> {
        let dialect = self.dialect();
        let outcome = match (self.status.as_str(), self.attributes) {
            (FAILED, _) => AuthenticationOutcome::Failed,
            (status, Some(attributes)) if status == success(dialect) => {
                AuthenticationOutcome::Success { attributes }
            }
            _ => return Err(TokenError::Claims),
        };
        Ok(AuthenticationResult {
            dialect,
            outcome,
            session_url: self.session_url,
            issued_at: self.iat,
            expires_at: self.exp,
        })
    }

    /// The spelling of success tells the dialect. Failure is spelled alike in both: there the
    /// subject tells it, which nobody else reads, or the empty attributes.
    fn dialect(&self) -> Dialect {
        let verder_helpen = match self.status.as_str() {
            FAILED => {
                self.attributes.is_some() || self.sub.as_deref() == Some(subject(Dialect::VerderHelpen))
            }
            status => status == success(Dialect::VerderHelpen),
        };
        if verder_helpen { Dialect::VerderHelpen } else { Dialect::IdContact }
    }

    fn validity(&self) -> Validity {
        Validity { issued_at: Some(self.iat), not_before: self.nbf, expires_at: self.exp }
    }
}

const FAILED: &str = "failed";

fn success(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::IdContact => "succes",
        Dialect::VerderHelpen => "success",
    }
}

fn subject(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::IdContact => "id-contact-attributes",
        Dialect::VerderHelpen => "verder-helpen-attributes",
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Unique::deserialize(deserializer).map(|Unique(attributes)| Self::from(attributes))
    }
}
