//! `keys` of plugins.yaml: the gateway's own keys, and when they expire.
//! May import: `check`, `link`, `node`, `scalar`, `secrets`, `shape`, `tokens`, `model`.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    Keys,
    check::{Checker, all},
    link::Names,
    node::Spanned,
    scalar::{Field, Problem, Scalar},
    secrets::{RawSecret, Secrets},
    shape::Broken,
};
use crate::{
    model::UnixSeconds,
    tokens::{DecryptionKey, KeyError, SigningKey, StateKey},
};

/// How long before its end a key is warned of, in days.
const NOTICE_DAYS: u64 = 30;
const SECONDS_A_DAY: u64 = 86_400;

/// The gateway's own keys. Where there are none, it makes some for its own lifetime.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// For the state that travels in URLs: the first seals, all open.
    #[serde(default)]
    state: Vec<RawStateKey>,
    /// For the results that the gateway issues: the first signs, all are published.
    #[serde(default)]
    signing: Vec<RawPrivateKey>,
    /// For the results addressed to the gateway: any of them opens.
    #[serde(default)]
    decryption: Vec<RawPrivateKey>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawStateKey {
    /// The key's name in tokens, messages and logs.
    id: Field<KeyId>,
    /// At least 32 bytes, the same for every instance.
    secret: Spanned<RawSecret>,
    /// The last day on which the key may be configured, in UTC. By default it has none.
    expires: Option<Field<Expiry>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPrivateKey {
    /// The key's name in tokens, messages and logs.
    id: Field<KeyId>,
    /// PEM without a pass phrase: on P-256, or RSA of 2048 bits or more.
    private_key: Spanned<RawSecret>,
    /// The last day on which the key may be configured, in UTC. By default it has none.
    expires: Option<Field<Expiry>>,
}

impl RawKeys {
    /// The keys, unless one of them is wrong.
    pub fn parse(&self, secrets: Secrets, checker: &mut Checker) -> Option<Keys> {
        let state = all(self.state.iter().map(|raw| raw.parse(secrets, checker)));
        let signing = all(self.signing.iter().map(|raw| {
            raw.parse("signing key", SigningKey::from_pem, SigningKey::with_id, secrets, checker)
        }));
        let decryption = all(self.decryption.iter().map(|raw| {
            raw.parse("decryption key", DecryptionKey::from_pem, DecryptionKey::with_id, secrets, checker)
        }));
        refuse_duplicates("state key", self.state.iter().map(|key| &key.id), checker);
        refuse_duplicates("signing key", self.signing.iter().map(|key| &key.id), checker);
        refuse_duplicates("decryption key", self.decryption.iter().map(|key| &key.id), checker);
        Some(Keys { state: state?, signing: signing?, decryption: decryption? })
    }
}

fn refuse_duplicates<'k>(
    word: &'static str,
    ids: impl Iterator<Item = &'k Field<KeyId>>,
    checker: &mut Checker,
) {
    let ids = ids.map(|id| (id.text.as_str(), id.span.clone()));
    Names::define(word, "keys", ids, &Broken::default(), checker);
}

impl RawStateKey {
    fn parse(&self, secrets: Secrets, checker: &mut Checker) -> Option<StateKey> {
        let what = format!("the state key {}", checker.quote(&self.id.span));
        let id = checker.parse(&self.id);
        check_expiry(self.expires.as_ref(), &what, secrets, checker);
        let parse = |secret: &[u8]| StateKey::from_secret(&self.id.text, secret);
        let key = secrets.key(&self.secret, &what, parse, checker);
        id.and(key)
    }
}

impl RawPrivateKey {
    fn parse<K>(
        &self,
        word: &str,
        from_pem: fn(&[u8]) -> Result<K, KeyError>,
        with_id: fn(K, &str) -> K,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<K> {
        let what = format!("the {word} {}", checker.quote(&self.id.span));
        let id = checker.parse(&self.id);
        check_expiry(self.expires.as_ref(), &what, secrets, checker);
        let key = secrets.key(&self.private_key, &what, from_pem, checker);
        Some(with_id(key?, &id?.0))
    }
}

/// An expired key is an error: somebody meant it to be gone. One that is about to is a warning.
fn check_expiry(expires: Option<&Field<Expiry>>, what: &str, secrets: Secrets, checker: &mut Checker) {
    let Some(field) = expires else { return };
    let Some(Expiry(end)) = checker.parse(field) else { return };
    let now = secrets.environment.now();
    let day = checker.quote(&field.span);
    let help = "put a new key into the list, and take this one out when nothing needs it any more \
                (docs/configuration.md, \"Changing keys\")";
    if now >= end {
        checker
            .error("expired-key", &field.span, format!("{what} expired at the end of {day}"))
            .with_help(help);
        return;
    }
    let days = (end - now) / SECONDS_A_DAY;
    if days < NOTICE_DAYS {
        let left = match days {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            _ => format!("in {days} days"),
        };
        checker
            .warning("expiring-key", &field.span, format!("{what} expires {left}, at the end of {day}"))
            .with_help(help);
    }
}

/// The name of a key: what stands as `kid` in tokens and in the JWKS without any escape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyId(String);

impl Scalar for KeyId {
    const CODE: &'static str = "id";

    fn parse(text: &str) -> Result<Self, Problem> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        let help = "1 to 32 letters, digits, full stops, underscores and hyphens, such as `s2` or `2027-01`";
        Err(Problem::new("cannot be the name of a key", help))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["s1"], "pattern": r"^[A-Za-z0-9._-]{1,32}$|\$\{env:" })
    }
}

/// The second at which the day after the last one begins, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expiry(UnixSeconds);

impl Scalar for Expiry {
    const CODE: &'static str = "date";

    fn parse(text: &str) -> Result<Self, Problem> {
        let problem = || Problem::new("is not a date", "write year, month and day: `2027-01-31`");
        let bytes = text.as_bytes();
        let is_date = bytes.len() == 10
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !is_date {
            return Err(problem());
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u64>().map_err(|_| problem());
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if year < 1970 || day == 0 || day > days_in(year, month) {
            return Err(problem());
        }
        Ok(Self((days_before(year, month) + day) * SECONDS_A_DAY))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["2027-01-31"],
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$|\$\{env:",
        })
    }
}

/// Zero for a month that does not exist.
fn days_in(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// From 1970-01-01 to the first day of a month.
fn days_before(year: u64, month: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    years + (1..month).map(|month| days_in(year, month)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::{super::scalar::testing::assert_parses, *};

    #[test]
    fn a_date_lasts_to_the_end_of_its_day() {
        assert_parses(
            &[
                ("1970-01-01", Expiry(86_400)),
                ("2000-02-29", Expiry(951_868_800)),
                ("2027-01-15", Expiry(1_800_057_600)),
                ("2100-02-28", Expiry(4_107_542_400)),
                ("9999-12-31", Expiry(253_402_300_800)),
            ],
            &[
                "",
                "2027",
                "2027-1-1",
                "2027-02-29",
                "2100-02-29",
                "2027-00-01",
                "2027-13-01",
                "2027-01-00",
                "2027-04-31",
                "1969-12-31",
                "2027/01/31",
                "31-01-2027",
                "2027-01-31T00:00",
                "+027-01-31",
                "２027-01-1",
            ],
        );
    }

    #[test]
    fn names_of_keys_need_no_escape() {
        let id = |text: &str| KeyId(text.to_owned());
        let longest = "x".repeat(32);
        assert_parses(
            &[("s1", id("s1")), ("2027-01_a.b", id("2027-01_a.b")), (longest.as_str(), id(&longest))],
            &["", "a b", "a\"b", "é", "a/b", &"x".repeat(33)],
        );
    }
}
