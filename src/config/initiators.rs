//! `initiators` of plugins.yaml: who may ask, signed, for authentication during communication.
//! May import: `check`, `link`, `node`, `purposes`, `scalar`, `secrets`, `tokens`, `model`.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    Initiator, Purpose,
    check::Checker,
    link::Names,
    node::{Span, Spanned},
    scalar::{Field, Problem, Scalar},
    secrets::{RawSecret, Secrets},
};
use crate::{
    model::{UrlError, UrlPrefix},
    tokens::VerificationKey,
};

/// Somebody who signs starts, and what such a start may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawInitiator {
    /// The `kid` in the header of its tokens.
    kid: Field<Kid>,
    /// The public half of the key with which it signs.
    verify: Spanned<RawSecret>,
    /// Tags of the purposes that it may name; `["*"]` is all of them.
    #[schemars(length(min = 1), extend("examples" = [["*"]]))]
    purposes: Vec<Spanned<String>>,
    /// The URLs at or below which its `comm_url` has to lie.
    #[schemars(length(min = 1))]
    comm_urls: Vec<Field<UrlPrefix>>,
    /// The URLs at or below which its `attr_url` has to lie. By default it may name none.
    #[serde(default)]
    attr_urls: Vec<Field<UrlPrefix>>,
}

impl RawInitiator {
    pub fn kid(&self) -> (&str, Span) {
        (self.kid.text.as_str(), self.kid.span.clone())
    }

    /// `purposes` are those that the names stand for.
    pub fn parse(
        &self,
        names: &Names,
        purposes: &[Purpose],
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<Initiator> {
        let quoted = checker.quote(&self.kid.span);
        let what = format!("the public key of the initiator {quoted}");
        let kid = checker.parse(&self.kid);
        let verify = secrets.key(&self.verify, &what, VerificationKey::from_pem, checker);
        let ids = names.resolve_all(&self.purposes, checker);
        let comm_urls = checker.parse_all(&self.comm_urls);
        let attr_urls = checker.parse_all(&self.attr_urls);
        let mut usable = true;
        for (key, is_empty) in
            [("purposes", self.purposes.is_empty()), ("comm_urls", self.comm_urls.is_empty())]
        {
            if is_empty {
                usable = false;
                checker
                    .error(
                        key,
                        &self.kid.span,
                        format!("the initiator {quoted} has no `{key}`, so it may start nothing"),
                    )
                    .with_help(match key {
                        "purposes" => "name its purposes, or `[\"*\"]` for all of them",
                        _ => "for example `comm_urls: [\"https://chat.example.nl/\"]`",
                    });
            }
        }
        Some(Initiator {
            kid: kid.filter(|_| usable)?.0,
            verify: verify?,
            purposes: ids?
                .into_iter()
                .filter_map(|id| purposes.get(id))
                .map(|each| each.tag.clone())
                .collect(),
            comm_urls: comm_urls?,
            attr_urls: attr_urls?,
        })
    }
}

/// The name of an initiator's key, as it stands in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kid(pub String);

impl Scalar for Kid {
    const CODE: &'static str = "kid";

    fn parse(text: &str) -> Result<Self, Problem> {
        if (1..=128).contains(&text.len()) && !text.contains(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new("cannot be a `kid`", "a `kid` is 1 to 128 bytes of text without control characters"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 128, "examples": ["chat"] })
    }
}

impl Scalar for UrlPrefix {
    const CODE: &'static str = "url";

    fn parse(text: &str) -> Result<Self, Problem> {
        UrlPrefix::parse(text).map_err(|error: UrlError| {
            Problem::new(
                format!("cannot be the beginning of URLs: {error}"),
                "write scheme and host, and perhaps a port and a path: `https://chat.example.nl/rooms`",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["https://chat.example.nl/"], "pattern": r"^https?://|\$\{env:" })
    }
}
