//! Headers that a front proxy would add, from the command line. Their values say who somebody is, so no
//! message of ours shows one. (clap repeats a word that stands alone, as a value without quotes does.)

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error,
    builder::TypedValueParser,
    error::{ErrorKind, Result},
};
use http::{HeaderName, HeaderValue};

/// What the command sends itself, and what belongs to a connection or frames a message.
const NOT_ADDED: [&str; 14] = [
    "accept",
    "accept-language",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// Parses `NAME: VALUE`.
#[derive(Clone)]
pub(super) struct HeaderParser;

impl TypedValueParser for HeaderParser {
    type Value = (HeaderName, HeaderValue);

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, text: &OsStr) -> Result<Self::Value> {
        let header = text.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(parsed);
        // clap's own message would quote the text.
        header.map_err(|reason| {
            let message = format!("--header cannot be used: {reason}\n");
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn parsed(text: &str) -> std::result::Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it is written `NAME: VALUE`")?;
    let name =
        HeaderName::try_from(name).map_err(|_| "what precedes the colon is not the name of a header")?;
    if NOT_ADDED.contains(&name.as_str()) {
        return Err(format!("`{name}` is set by the command itself, or belongs to the connection"));
    }
    let value = value.trim();
    if value.is_empty() {
        return Err(format!("`{name}` has no value"));
    }
    let mut value =
        HeaderValue::from_str(value).map_err(|_| format!("the value of `{name}` cannot be sent"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A header that is given twice, of which only the last would be sent.
pub(super) fn repeated(headers: &[(HeaderName, HeaderValue)]) -> Option<&HeaderName> {
    let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    names.iter().enumerate().find(|(number, name)| names[..*number].contains(name)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        for (text, name, value) in [
            ("X-Remote-Mail: jan@example.nl", "x-remote-mail", "jan@example.nl"),
            ("X-Name:Jörg: the second ", "x-name", "Jörg: the second"),
            ("Authorization: Basic eDp5", "authorization", "Basic eDp5"),
        ] {
            let (found, sent) = parsed(text).unwrap();
            assert_eq!((found.as_str(), sent.as_bytes()), (name, value.as_bytes()));
            assert!(sent.is_sensitive());
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        for text in [
            "secret",
            "X Secret: secret",
            ": secret",
            "Host: secret",
            "cookie: secret",
            "X-Mail: secret\r\nX-Other: secret",
            "X-Mail: secret\0",
            "X-Mail: ",
            "X-Mail:",
        ] {
            let reason = parsed(text).unwrap_err();
            assert!(!reason.contains("secret"), "{text}: {reason}");
        }
    }

    #[test]
    fn a_header_is_given_once() {
        let given = |names: &[&'static str]| -> Vec<_> {
            let header = |name: &&'static str| (HeaderName::from_static(name), HeaderValue::from_static("v"));
            names.iter().map(header).collect()
        };
        assert_eq!(repeated(&given(&["a", "b"])), None);
        assert_eq!(repeated(&given(&["a", "b", "a"])), Some(&HeaderName::from_static("a")));
    }
}
