//! `headers` of an authentication method: a front proxy that has authenticated already.
//! May import: `check`, `node`, `scalar`, `model`.

use std::collections::HashMap;

use http::HeaderName;
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    super::{
        check::{Checker, all},
        node::{Entries, Span},
        scalar::{Field, Problem, Scalar},
    },
    AssertedHeaders,
};
use crate::model::AttributeTag;

/// Names that every request may have: what carries it, and what proxies and browsers say of it.
const OF_EVERY_REQUEST: [&str; 16] = [
    "authorization",
    "cache-control",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "user-agent",
    "via",
    "x-real-ip",
    "x-request-id",
];

/// Beginnings of such names.
const FAMILIES: [&str; 7] = ["accept", "access-control-", "content-", "if-", "proxy-", "sec-", "x-forwarded"];

/// Identity that a front proxy has established already, and says in headers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHeaders {
    /// Addresses and networks of the proxies that are believed. Whoever connects from there is whom
    /// they say.
    #[schemars(length(min = 1), extend("examples" = [["10.1.0.0/16"]]))]
    from: Vec<Field<IpNet>>,
    /// Attributes, and the header that each of them comes in. Nobody else's are believed, and no website
    /// behind the gateway gets them.
    #[schemars(extend("minProperties" = 1, "examples" = [{ "email": "X-Remote-Mail" }]))]
    attributes: Entries<Field<IdentityHeader>>,
}

/// The name of a header that says who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct IdentityHeader(HeaderName);

impl Scalar for IdentityHeader {
    const CODE: &'static str = "header";

    fn parse(text: &str) -> Result<Self, Problem> {
        let name = <HeaderName as Scalar>::parse(text)?;
        if is_of_every_request(&name) {
            return Err(Problem::new(
                "cannot say who somebody is: requests have this header for another reason",
                "it would be taken from every request; name one of the proxy's own, such as `X-Remote-Mail`",
            ));
        }
        Ok(Self(name))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["X-Remote-Mail"] })
    }
}

/// Whether requests have this header for another reason than an adapter's.
pub(super) fn is_of_every_request(name: &HeaderName) -> bool {
    let folded = folded(name);
    OF_EVERY_REQUEST.contains(&folded.as_str()) || FAMILIES.iter().any(|start| folded.starts_with(start))
}

/// Many servers take underscores for hyphens, and some every sign.
pub(super) fn folded(name: &HeaderName) -> String {
    name.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

impl RawHeaders {
    /// `tag` is where the method's tag stands.
    pub fn parse(&self, tag: &Span, checker: &mut Checker) -> Option<AssertedHeaders> {
        let from = checker.parse_all(&self.from);
        let mut seen = HashMap::new();
        let attributes = all(self.attributes.0.iter().map(|(tag, field)| {
            let tag = checker.parse(&Field::<AttributeTag>::new(tag));
            let IdentityHeader(name) = checker.parse(field)?;
            let first = seen.insert(folded(&name), field.span.clone());
            if let Some(first) = first {
                let (message, first) = (
                    format!("{} says two things at once", checker.quote(&field.span)),
                    checker.place(&first),
                );
                checker
                    .error("header", &field.span, message)
                    .with_also(first, "the same header, as servers read it")
                    .with_help("each attribute has a header of its own");
                return None;
            }
            tag.map(|tag| (tag, name))
        }));
        self.refuse_empty(tag, checker)?;
        let (from, attributes) = (from?, attributes?);
        self.warn_of_everybody(&from, tag, checker);
        Some(AssertedHeaders { from, attributes })
    }

    fn refuse_empty(&self, tag: &Span, checker: &mut Checker) -> Option<()> {
        let method = checker.quote(tag);
        let (message, help) = if self.from.is_empty() {
            (
                format!("the method {method} believes nobody: `from` is empty"),
                "name the proxy's address: `from: [10.1.0.5]`",
            )
        } else if self.attributes.0.is_empty() {
            (
                format!("the method {method} proves nothing: `attributes` is empty"),
                "name a header: `attributes: { email: X-Remote-Mail }`",
            )
        } else {
            return Some(());
        };
        checker.error("headers", tag, message).with_help(help);
        None
    }

    fn warn_of_everybody(&self, from: &[IpNet], tag: &Span, checker: &mut Checker) {
        let quoted = checker.quote(tag);
        for (_, field) in from.iter().zip(&self.from).filter(|(network, _)| network.prefix_len() == 0) {
            checker
                .warning(
                    "everybody-is-believed",
                    &field.span,
                    format!("everybody can say to be anybody at the method {quoted}"),
                )
                .with_help("name the address of the proxy that authenticates, such as `10.1.0.5`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::scalar::testing::assert_parses, *};

    #[test]
    fn what_carries_a_request_says_nothing_of_a_person() {
        let good = [
            ("X-Remote-Mail", IdentityHeader(HeaderName::from_static("x-remote-mail"))),
            ("REMOTE_USER", IdentityHeader(HeaderName::from_static("remote_user"))),
        ];
        let bad = [
            "Host",
            "cookie",
            "Authorization",
            "Content-Type",
            "content_type",
            "X-Forwarded-For",
            "X_Forwarded_User",
            "X.Forwarded.User",
            "Forwarded",
            "Sec-Fetch-Site",
            "Accept-Language",
            "Connection",
            "no header",
        ];
        assert_parses(&good, &bad);
    }
}
