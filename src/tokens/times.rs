//! `iat`, `exp` and `nbf` (RFC 7519, section 4.1).

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::{CLOCK_SKEW, TokenError};
use crate::model::UnixSeconds;

/// When a token may be used, as its claims say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    pub(super) issued_at: Option<UnixSeconds>,
    pub(super) not_before: Option<UnixSeconds>,
    pub(super) expires_at: UnixSeconds,
}

impl Validity {
    /// Refuses what is not valid now, with [`CLOCK_SKEW`] of grace on either side.
    pub(super) fn check(self, now: UnixSeconds) -> Result<(), TokenError> {
        let latest = now.saturating_add(CLOCK_SKEW);
        let begins = [self.issued_at, self.not_before];
        if begins.into_iter().flatten().any(|begin| begin > latest) {
            Err(TokenError::NotYetValid)
        } else if self.expires_at.saturating_add(CLOCK_SKEW) <= now {
            Err(TokenError::Expired)
        } else if self.issued_at.is_some_and(|issued_at| self.expires_at < issued_at) {
            Err(TokenError::Claims)
        } else {
            Ok(())
        }
    }
}

/// A `NumericDate`. It may have a fraction (RFC 7519, section 2), as the clocks of many languages
/// give it; the fraction is cut off.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixSeconds, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64();
    let cut = || Duration::try_from_secs_f64(number.as_f64()?).ok().map(|time| time.as_secs());
    whole.or_else(cut).ok_or_else(|| D::Error::custom("not a time"))
}

/// The same for a claim that may be missing, but not `null`.
pub(super) fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<UnixSeconds>, D::Error> {
    date(deserializer).map(Some)
}
