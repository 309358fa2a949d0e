//! Where things are, as the files write it: addresses, networks, hosts, URLs, paths.
//! May import: `scalar`, `model`.

use std::net::{Ipv6Addr, SocketAddr};

use schemars::{Schema, json_schema};

use super::scalar::{Problem, Scalar};
use crate::model::{BaseUrl, UrlError};

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
                "write scheme, host and port alone; paths belong to routes and to `start`",
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
        if let Ok(address) = bare.parse::<Ipv6Addr>() {
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
        if path.contains("//") {
            return Err(Problem::new("has an empty segment", "write one slash between segments"));
        }
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(&path).to_owned();
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

#[cfg(test)]
mod tests {
    use super::{super::scalar::testing::assert_parses, *};

    #[test]
    fn hosts_are_exact() {
        let host = |text: &str| Host(text.to_owned());
        assert_parses(
            &[
                ("irma.example.nl", host("irma.example.nl")),
                ("IRMA.Example.NL", host("irma.example.nl")),
                ("192.0.2.1", host("192.0.2.1")),
                ("::1", host("[::1]")),
                ("[2001:DB8::1]", host("[2001:db8::1]")),
                ("münchen.example", host("xn--mnchen-3ya.example")),
            ],
            &["", "*", "*.nl", "a:80", "http://a", "a/b", "a b", "a@b", "a%2eb", "[::1]:80"],
        );
    }

    #[test]
    fn paths_have_one_spelling() {
        let path = |text: &str| PathPrefix(text.to_owned());
        assert_parses(
            &[
                ("/", path("/")),
                ("/chat/", path("/chat")),
                ("/%63hat", path("/chat")),
                ("/caf%c3%a9", path("/caf%C3%A9")),
                ("/café", path("/caf%C3%A9")),
                ("/a%20b", path("/a%20b")),
                ("/a;b=c,d", path("/a;b=c,d")),
            ],
            &[
                "",
                "chat",
                "//",
                "/a//b",
                "/a//",
                "/.",
                "/..",
                "/a/../b",
                "/%2e%2e/a",
                "/a%2Fb",
                "/a%5cb",
                "/a%00",
                "/a%",
                "/a%4",
                "/a?b",
                "/a#b",
                "/a b",
                "/a\\b",
            ],
        );
    }

    #[test]
    fn a_start_is_a_url_or_names_an_upstream() {
        let upstream =
            |name: &str, path: &str| Start::Upstream { name: name.to_owned(), path: path.to_owned() };
        assert_parses(
            &[
                ("upstream:digid", upstream("digid", "")),
                ("upstream:digid/", upstream("digid", "")),
                ("upstream:digid/internal/", upstream("digid", "/internal")),
                ("http://h:1/internal/", Start::Url(BaseUrl::parse("http://h:1/internal").unwrap())),
            ],
            &[
                "",
                "upstream:",
                "upstream:/x",
                "upstream:a/../b",
                "digid",
                "ftp://h",
                "http:/h",
                "http:h",
                "http:///h",
                "http://h\\x",
            ],
        );
    }

    #[test]
    fn images_are_paths_or_web_urls() {
        let image = |text: &str| ImagePath(text.to_owned());
        assert_parses(
            &[
                ("/static/irma.svg", image("/static/irma.svg")),
                ("https://h/x.svg?y", image("https://h/x.svg?y")),
            ],
            &[
                "",
                "irma.svg",
                "//h/x.svg",
                "data:image/svg+xml,x",
                "javascript:x()",
                "/a b",
                "/a\"b",
                "https://u:p@h/x",
            ],
        );
    }
}
