//! Names and values of headers that the proxy is told to set and remove.
//! May import: `scalar`.

use http::{HeaderName, HeaderValue, header};
use schemars::{Schema, json_schema};

use super::scalar::{Problem, Scalar};

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

#[cfg(test)]
mod tests {
    use super::{super::scalar::testing::assert_parses, *};

    #[test]
    fn headers_of_the_connection_are_left_to_the_proxy() {
        assert_parses(
            &[("X-Tenant", HeaderName::from_static("x-tenant")), ("host", header::HOST)],
            &["", "X Tenant", "Connection", "TE", "Keep-Alive", "content-length"],
        );
        let value = HeaderValue::from_static;
        assert_parses(&[("a b", value("a b")), ("", value(""))], &["a\nb", " a", "é"]);
    }
}
