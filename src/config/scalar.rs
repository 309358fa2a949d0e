//! The values that stand in the files as text: each kind with its parser, its schema, and what to
//! say when it is wrong. Pure; messages never repeat the value.
//! May import: `node`, `model`.

use std::{borrow::Cow, fmt, marker::PhantomData, net::SocketAddr, time::Duration};

use http::{HeaderName, HeaderValue, header};
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::node::{Span, Spanned};
use crate::model::{AttributeTag, BaseUrl, MethodTag, PurposeTag, RouteId, TagError, UpstreamName, UrlError};

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
    fn new(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: Some(help.into()) }
    }

    fn bare(reason: impl Into<String>) -> Self {
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

/// Text, or a whole number where the schema allows one.
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
        }

        deserializer.deserialize_any(Visitor)
    }
}

macro_rules! tags {
    ($($tag:ty: $code:literal),*) => {$(
        impl Scalar for $tag {
            const CODE: &'static str = $code;

            fn parse(text: &str) -> Result<Self, Problem> {
                Self::parse(text).map_err(|error| name_problem(&error))
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "maxLength": 128 })
            }
        }
    )*};
}

tags!(PurposeTag: "tag", MethodTag: "tag", AttributeTag: "attribute", RouteId: "id", UpstreamName: "name");

fn name_problem(error: &TagError) -> Problem {
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

impl Scalar for SocketAddr {
    const CODE: &'static str = "address";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|_| {
            Problem::new(
                "is not an address to listen on",
                "write an IP address and a port: `127.0.0.1:8080`, `0.0.0.0:8080` for every interface, or `[::]:8080`",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["127.0.0.1:8080", "0.0.0.0:8080", "[::]:8080"] })
    }
}

impl Scalar for BaseUrl {
    const CODE: &'static str = "url";

    fn parse(text: &str) -> Result<Self, Problem> {
        let parsed =
            BaseUrl::parse(text).map_err(|error| url_problem(error, "https://contact.example.nl"))?;
        let after_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
        if !after_scheme.starts_with("//") || after_scheme.starts_with("///") || text.contains('\\') {
            return Err(url_problem(UrlError::Malformed, "https://contact.example.nl"));
        }
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(url_problem(UrlError::DotSegments, "https://contact.example.nl"));
        }
        Ok(parsed)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["https://contact.example.nl"], "pattern": r"^https?://|\$\{env:" })
    }
}

fn url_problem(error: UrlError, example: &str) -> Problem {
    Problem::new(format!("cannot be used as a URL here: {error}"), format!("write a URL such as `{example}`"))
}

/// One server of an upstream: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(pub BaseUrl);

impl Scalar for ServerUrl {
    const CODE: &'static str = "url";

    fn parse(text: &str) -> Result<Self, Problem> {
        let help = "write scheme, host and port: `http://auth-irma:8000`";
        let url = <BaseUrl as Scalar>::parse(text).map_err(|problem| Problem::new(problem.reason, help))?;
        if !url.path().is_empty() {
            return Err(Problem::new(
                "has a path, and a server has none",
                format!("write `{}`; paths belong to routes and to `start`", without_path(&url)),
            ));
        }
        if url.port() == 0 {
            return Err(Problem::new("has port 0, where no server listens", help));
        }
        Ok(Self(url))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["http://auth-irma:8000"], "pattern": r"^https?://|\$\{env:" })
    }
}

fn without_path(_: &BaseUrl) -> &'static str {
    "scheme://host:port"
}

/// Where a plugin is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Url(BaseUrl),
    /// The path is empty or starts with a slash and has none at its end.
    Upstream {
        name: String,
        path: String,
    },
}

impl Scalar for Start {
    const CODE: &'static str = "start";

    fn parse(text: &str) -> Result<Self, Problem> {
        let help = "write a URL such as `http://auth-irma:8000`, or `upstream:NAME/path`";
        let Some(reference) = text.strip_prefix("upstream:") else {
            let url = <BaseUrl as Scalar>::parse(text);
            return url.map(Self::Url).map_err(|problem| Problem::new(problem.reason, help));
        };
        let name = reference.split('/').next().unwrap_or_default();
        if name.is_empty() {
            return Err(Problem::new("names no upstream", help));
        }
        let path = match &reference[name.len()..] {
            "" | "/" => String::new(),
            path => PathPrefix::parse(path)?.0,
        };
        Ok(Self::Upstream { name: name.to_owned(), path })
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["http://auth-irma:8000", "upstream:digid/internal"],
            "pattern": r"^(https?://|upstream:)|\$\{env:",
        })
    }
}

/// A host as URLs name it: lower case, without port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(pub String);

impl Scalar for Host {
    const CODE: &'static str = "host";

    fn parse(text: &str) -> Result<Self, Problem> {
        let problem = |reason: &str| {
            Problem::new(
                reason,
                "write an exact host name or IP address, without scheme and port: `irma.example.nl`",
            )
        };
        if text.contains("://") || text.contains('/') {
            return Err(problem("is a URL or a path, and a host is wanted"));
        }
        if text.contains('*') {
            return Err(problem("has a wildcard, and hosts are matched exactly"));
        }
        let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<std::net::Ipv6Addr>() {
            return Ok(Self(format!("[{address}]")));
        }
        if text.contains(':') {
            return Err(problem("has a port, and hosts are matched whatever the port"));
        }
        let unusable =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\' | '%');
        if text.is_empty() || text.chars().any(unusable) {
            return Err(problem("is not a host"));
        }
        // The URL standard decides, as it does for the URLs that this host is compared with.
        let parsed = url::Host::parse(text).map_err(|_| problem("is not a host"))?;
        Ok(Self(parsed.to_string().to_ascii_lowercase()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["irma.example.nl"] })
    }
}

impl Scalar for IpNet {
    const CODE: &'static str = "network";

    fn parse(text: &str) -> Result<Self, Problem> {
        let address = || text.parse::<std::net::IpAddr>().map(Self::from).ok();
        let parsed = text.parse::<Self>().ok().or_else(address).ok_or_else(|| {
            Problem::new(
                "is not a network",
                "write an IP address or a network in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`",
            )
        })?;
        if parsed.network() != parsed.addr() {
            let help = format!(
                "write `{}` for the network, or the address without `/{}`",
                parsed.trunc(),
                parsed.prefix_len()
            );
            return Err(Problem::new("names an address within a network", help));
        }
        Ok(parsed)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"] })
    }
}

/// Where a route or a start begins: with a leading slash, without one at its end except for the
/// root, and percent-encoded in one way only (RFC 3986, section 6.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPrefix(pub String);

impl Scalar for PathPrefix {
    const CODE: &'static str = "path";

    fn parse(text: &str) -> Result<Self, Problem> {
        if !text.starts_with('/') {
            return Err(Problem::new("is not a path", "a path starts with a slash: `/chat`"));
        }
        if text.contains(['?', '#']) {
            return Err(Problem::new(
                "has a query or a fragment",
                "only the path of a URL is compared: `/chat`",
            ));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(Problem::bare("contains white space, a control character or a backslash"));
        }
        let path = normalise_path(text)?;
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(&path).to_owned();
        if path.contains("//") || path.len() > 1 && path.ends_with('/') {
            return Err(Problem::new("has an empty segment", "write one slash between segments"));
        }
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(Problem::bare("has a segment `.` or `..`, and such requests are refused"));
        }
        Ok(Self(path))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["/chat"], "pattern": r"^/|\$\{env:" })
    }
}

/// Decodes what need not be encoded, encodes what must be, and writes hexadecimals in capitals.
fn normalise_path(text: &str) -> Result<String, Problem> {
    let mut path = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let encoded = byte == b'%';
        let byte = if encoded { escaped_byte(&mut bytes)? } else { byte };
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let literal = !encoded && b"!$&'()*+,;=:@/".contains(&byte);
        if encoded && matches!(byte, 0 | b'/' | b'\\') {
            return Err(Problem::bare(
                "has an encoded slash, backslash or NUL, and such requests are refused",
            ));
        }
        if unreserved || literal {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(path)
}

fn escaped_byte(bytes: &mut std::str::Bytes) -> Result<u8, Problem> {
    let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
    let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
    value.ok_or_else(|| {
        Problem::new("has a broken percent-encoding", "`%` is followed by two hexadecimal digits")
    })
}

/// The picture of a method: a path of this host, or a web URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePath(pub String);

impl Scalar for ImagePath {
    const CODE: &'static str = "image";

    fn parse(text: &str) -> Result<Self, Problem> {
        let local = text.starts_with('/') && !text.starts_with("//");
        let remote = url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && text.contains("://") && url.username().is_empty()
        });
        let unsafe_character =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\');
        if (local || remote) && !text.contains(unsafe_character) {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new(
            "is not the place of an image",
            "write a path such as `/static/irma.svg`, or an http or https URL",
        ))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["/static/irma.svg"], "pattern": r"^(/|https?://)|\$\{env:" })
    }
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

/// Headers that belong to one connection or frame the message: the proxy alone decides on them
/// (RFC 9110, section 7.6.1).
const FRAMING: [HeaderName; 8] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

impl Scalar for HeaderName {
    const CODE: &'static str = "header";

    fn parse(text: &str) -> Result<Self, Problem> {
        let name = Self::try_from(text).map_err(|_| {
            Problem::new("is not the name of a header", "letters, digits and hyphens, such as `X-Tenant`")
        })?;
        if FRAMING.contains(&name) {
            return Err(Problem::bare("belongs to the connection: the proxy sets and removes it itself"));
        }
        Ok(name)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["X-Debug"] })
    }
}

impl Scalar for HeaderValue {
    const CODE: &'static str = "header";

    fn parse(text: &str) -> Result<Self, Problem> {
        let value = Self::try_from(text).ok().filter(|value| value.to_str().is_ok() && text.trim() == text);
        value.ok_or_else(|| {
            Problem::new(
                "cannot be sent as a header",
                "visible ASCII characters on one line, without white space around them",
            )
        })
    }
}
