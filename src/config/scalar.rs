//! The values that stand in the files as text: each kind with its parser, its schema, and what to
//! say when it is wrong. Pure; messages never repeat the value.
//! May import: `node`, `model`.

use std::{borrow::Cow, fmt, marker::PhantomData, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::node::{Span, Spanned};
use crate::model::{AttributeTag, MethodTag, PurposeTag, RouteId, TagError, UpstreamName};

/// A value that is written as text.
pub trait Scalar: Sized {
    /// The code of the diagnostic when the text is wrong.
    const CODE: &'static str;

    /// # Errors
    /// [`Problem`] says what is wrong and what would be right.
    fn parse(text: &str) -> Result<Self, Problem>;

    /// The schema of the text; its first example also goes into messages.
    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Why a text is not the value wanted; to be read after the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub reason: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn new(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: Some(help.into()) }
    }

    pub fn bare(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: None }
    }
}

/// A text of the file that is still to be parsed.
#[derive(Debug, Clone)]
pub struct Field<S> {
    pub span: Span,
    pub text: String,
    kind: PhantomData<fn() -> S>,
}

impl<S> Field<S> {
    pub fn new(spanned: &Spanned<String>) -> Self {
        Self { span: spanned.span.clone(), text: spanned.value.clone(), kind: PhantomData }
    }
}

impl<'de, S> Deserialize<'de> for Field<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { span, value } = Spanned::<Written>::deserialize(deserializer)?;
        Ok(Self { span, text: value.0, kind: PhantomData })
    }
}

impl<S: Scalar> JsonSchema for Field<S> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        S::CODE.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        S::schema()
    }
}

/// Text, or a whole number or a boolean where the schema allows one.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Written, E> {
                Ok(Written(text))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Written, E> {
                Ok(Written(number.to_string()))
            }

            fn visit_bool<E>(self, boolean: bool) -> Result<Written, E> {
                Ok(Written(boolean.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

macro_rules! tags {
    ($($tag:ty: $code:literal),*) => {$(
        impl Scalar for $tag {
            const CODE: &'static str = $code;

            fn parse(text: &str) -> Result<Self, Problem> {
                Self::parse(text).map_err(name_problem)
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": 128 })
            }
        }
    )*};
}

tags!(PurposeTag: "tag", MethodTag: "tag", AttributeTag: "attribute", RouteId: "id", UpstreamName: "name");

fn name_problem(error: TagError) -> Problem {
    Problem::new(
        format!("cannot be a name: {error}"),
        "a name is 1 to 128 bytes of text, without control characters or white space around it",
    )
}

/// A text that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(pub String);

impl Scalar for Label {
    const CODE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, Problem> {
        if text.trim().is_empty() {
            Err(Problem::new("is empty", "write the text that citizens are to read"))
        } else if text.chars().any(char::is_control) {
            Err(Problem::bare("contains a control character"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// A value that is taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbatim(pub String);

impl Scalar for Verbatim {
    const CODE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_owned()))
    }
}

impl Scalar for Duration {
    const CODE: &'static str = "duration";

    fn parse(text: &str) -> Result<Self, Problem> {
        let help = "write a whole number and a unit: `250ms`, `5s`, `1m` or `1h`";
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let millis_per_unit = match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(Problem::new("is not a duration", help)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::new("is not a duration", help));
        }
        match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(millis_per_unit)) {
            Some(0) => Err(Problem::new("is no time at all", "the shortest duration is `1ms`")),
            Some(millis) if millis <= 24 * 3_600_000 => Ok(Self::from_millis(millis)),
            _ => Err(Problem::new("is longer than a day", "the longest duration is `24h`")),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["5s", "250ms", "1m", "1h"],
            "pattern": r"^[0-9]+(ms|s|m|h)$|\$\{env:",
        })
    }
}

/// A duration in whole seconds: what tokens and providers count in (RFC 7519, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Scalar for Seconds {
    const CODE: &'static str = Duration::CODE;

    fn parse(text: &str) -> Result<Self, Problem> {
        let duration = <Duration as Scalar>::parse(text)?;
        if duration.subsec_nanos() > 0 {
            return Err(Problem::new("is no whole number of seconds", "write one from `1s` to `24h`"));
        }
        Ok(Self(duration))
    }

    fn schema() -> Schema {
        Duration::schema()
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl Scalar for ByteSize {
    const CODE: &'static str = "size";

    fn parse(text: &str) -> Result<Self, Problem> {
        let problem = |reason| {
            Problem::new(
                reason,
                "write a whole number of bytes, or one with a unit: `10MiB`, `64KiB`, `1GiB`, `1MB`",
            )
        };
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text[digits.len()..].trim_start() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(problem("is not a size")),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(problem("is not a size"));
        }
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| problem("is too large"))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "examples": ["10MiB", "64KiB", 1_048_576],
            "pattern": r"^[0-9]+ *(B|KiB|MiB|GiB|kB|KB|MB|GB)?$|\$\{env:",
            "minimum": 0,
        })
    }
}

/// A duration as the files have it, such as `5s`, for other places where people write one.
///
/// # Errors
/// What is wrong and what would be right, in words that follow the text itself.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = match Duration::parse(text) {
        Ok(duration) => return Ok(duration),
        Err(problem) => problem,
    };
    Err(match problem.help {
        Some(help) => format!("{}: {help}", problem.reason),
        None => problem.reason,
    })
}

/// The language of a translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguageCode(pub String);

impl Scalar for LanguageCode {
    const CODE: &'static str = "language";

    fn parse(text: &str) -> Result<Self, Problem> {
        let subtag =
            |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let primary = text.split('-').next().unwrap_or_default();
        let valid = text.split('-').all(subtag)
            && primary.len() <= 3
            && primary.bytes().all(|b| b.is_ascii_lowercase());
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new("is not a language", "write a language code such as `nl` or `en`"))
    }
}

/// What a test of a parser looks like: texts with their values, and texts that are refused
/// without being repeated.
#[cfg(test)]
pub mod testing {
    use super::Scalar;

    pub fn assert_parses<S: Scalar + PartialEq + std::fmt::Debug>(good: &[(&str, S)], bad: &[&str]) {
        for (text, value) in good {
            assert_eq!(S::parse(text).as_ref(), Ok(value), "{text}");
        }
        for text in bad {
            let problem = S::parse(text).expect_err(text);
            assert!(text.len() < 6 || !problem.reason.contains(text), "{problem:?} repeats {text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::assert_parses, *};

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        let millis = Duration::from_millis;
        assert_parses(
            &[
                ("250ms", millis(250)),
                ("5s", millis(5_000)),
                ("1m", millis(60_000)),
                ("24h", millis(86_400_000)),
            ],
            &[
                "",
                "5",
                "s",
                "0s",
                "0ms",
                "1.5s",
                "-1s",
                "5 s",
                " 5s",
                "5S",
                "25h",
                "99999999999999999999s",
                "5sec",
                "٥s",
            ],
        );
    }

    #[test]
    fn seconds_are_whole() {
        let seconds = |seconds| Seconds(Duration::from_secs(seconds));
        assert_parses(
            &[("1s", seconds(1)), ("2000ms", seconds(2)), ("24h", seconds(86_400))],
            &["250ms", "1500ms", "0s", "25h", "5"],
        );
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_parses(
            &[
                ("0", ByteSize(0)),
                ("1000", ByteSize(1_000)),
                ("64KiB", ByteSize(65_536)),
                ("10MiB", ByteSize(10_485_760)),
                ("10 MiB", ByteSize(10_485_760)),
                ("1MB", ByteSize(1_000_000)),
                ("1GiB", ByteSize(1 << 30)),
            ],
            &["", "MiB", "10M", "10mib", "-1", "1.5MiB", "99999999999GiB"],
        );
    }

    #[test]
    fn languages_are_codes() {
        let language = |text: &str| LanguageCode(text.to_owned());
        assert_parses(
            &[("nl", language("nl")), ("en-GB", language("en-GB"))],
            &["", "dutch", "NL", "n", "nl_NL", "nl-"],
        );
    }
}
