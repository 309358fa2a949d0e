//! `link` of a communication method: a video room, a telephone number, any URL made of a template.
//! May import: `check`, `expressions`, `node`, `scalar`, `secrets`, `templates`, `tokens`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::{
        check::Checker,
        node::{Span, Spanned},
        scalar::{Field, Label, Seconds},
        secrets::{RawSecret, Secrets},
    },
    Jwt, Link,
    expressions::{RawExpression, RawJson},
};
use crate::{
    templates::{JsonTemplate, Name, Scope},
    tokens::{JwtKey, SigningKey},
};

/// Claims that say when a token is good: the gateway's own.
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

/// A link made of a template, instead of a plugin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLink {
    /// What `room` stands for in `url` and in the claims of `jwt`.
    #[schemars(extend("examples" = ["{{ purpose }}-{{ random }}"], "x-decisive" = true))]
    room: Option<RawExpression>,
    /// Where the citizen goes: `https:`, `http:` or `tel:`. Values are percent-encoded.
    #[schemars(extend("examples" = ["https://meet.example.nl/{{ room }}"]))]
    url: RawExpression,
    /// A signed token (RFC 7519): what `jwt` stands for in `url`.
    #[schemars(extend("x-decisive" = true))]
    jwt: Option<Spanned<RawJwt>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawJwt {
    /// How it is signed.
    alg: Spanned<RawAlgorithm>,
    /// With `HS256`: what the other side knows too.
    secret: Option<Spanned<RawSecret>>,
    /// With `RS256` and `ES256`: PEM without a pass phrase.
    key: Option<Spanned<RawSecret>>,
    /// The key's name in the token's header.
    kid: Option<Field<Label>>,
    /// How long the token is good, from `1s`.
    #[schemars(extend("examples" = ["1h"]))]
    ttl: Field<Seconds>,
    /// What the token says. `iat`, `nbf` and `exp` are added.
    claims: Spanned<RawJson>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RawAlgorithm {
    Hs256,
    Rs256,
    Es256,
}

impl RawAlgorithm {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// What signs, in the words of the file.
    fn wants(self) -> &'static str {
        match self {
            Self::Hs256 => "`secret: { file: FILE }`",
            Self::Rs256 => "`key: { file: FILE }` with an RSA key of 2048 bits or more",
            Self::Es256 => "`key: { file: FILE }` with a key on P-256",
        }
    }
}

impl RawLink {
    /// `tag` is where the method's tag stands.
    pub fn parse(&self, tag: &Span, secrets: Secrets, checker: &mut Checker) -> Option<Link> {
        let quoted = checker.quote(tag);
        let common = || Scope::new().value("purpose").value("random");
        let in_room = |scope: Scope| if self.room.is_some() { scope.value("room") } else { scope };
        let known = || in_room(common()).map("attributes", None);
        let room = self.room.as_ref().map(|room| checker.template(room, &common()));
        let url_scope = if self.jwt.is_some() { known().value("jwt") } else { known() };
        let url = checker.url_template(&self.url, &url_scope);
        let jwt = self.jwt.as_ref().map(|jwt| jwt.value.parse(&quoted, &known(), secrets, checker));
        let link = Link {
            room: match room {
                Some(room) => Some(room?),
                None => None,
            },
            url: url?,
            jwt: match jwt {
                Some(jwt) => Some(jwt?),
                None => None,
            },
        };
        self.warn_of_unused(&link, checker);
        Some(link)
    }

    fn warn_of_unused(&self, link: &Link, checker: &mut Checker) {
        let in_url = |name: &str| link.url.names().any(|used| used.root == name);
        let in_claims = |name: &str| {
            link.jwt.as_ref().is_some_and(|jwt| jwt.claims.names().into_iter().any(|used| used.root == name))
        };
        if let Some(jwt) = self.jwt.as_ref().filter(|_| !in_url("jwt")) {
            checker
                .warning(
                    "unused-template",
                    &jwt.span,
                    "the token is made for nothing: `url` does not name it",
                )
                .with_help("write `{{ jwt }}` where the token goes in `url`, or remove `jwt`");
        }
        if let Some(room) = self.room.as_ref().filter(|_| !in_url("room") && !in_claims("room")) {
            checker
                .warning("unused-template", &room.span, "nothing names `room`")
                .with_help("write `{{ room }}` where it goes in `url`, or remove `room`");
        }
    }

    /// The texts in which attributes may be named.
    pub fn texts(&self) -> Vec<RawExpression> {
        let claims = self.jwt.as_ref().map(|jwt| &jwt.value.claims);
        let claims = claims.into_iter().flat_map(|claims| claims.value.texts(&claims.span));
        std::iter::once(self.url.clone()).chain(claims).collect()
    }
}

impl Link {
    /// The names without whose values there is no link.
    pub fn needed(&self) -> Vec<&Name> {
        let claims = self.jwt.iter().flat_map(|jwt| jwt.claims.needed());
        self.url.needed().chain(claims).collect()
    }
}

impl RawJwt {
    /// `method` is the method's tag as messages quote it.
    fn parse(&self, method: &str, scope: &Scope, secrets: Secrets, checker: &mut Checker) -> Option<Jwt> {
        let key = self.parse_key(method, secrets, checker);
        let kid = self.kid.as_ref().map(|kid| checker.parse(kid));
        let ttl = checker.parse(&self.ttl);
        let claims = self.parse_claims(scope, checker);
        let key = match kid {
            Some(kid) => key?.with_kid(&kid?.0),
            None => key?,
        };
        Some(Jwt { key, ttl: ttl?.0, claims: claims? })
    }

    fn parse_key(&self, method: &str, secrets: Secrets, checker: &mut Checker) -> Option<JwtKey> {
        let (alg, at) = (self.alg.value, &self.alg.span);
        let what = format!("the signing key of the method {method}");
        match (alg, &self.secret, &self.key) {
            (RawAlgorithm::Hs256, Some(secret), None) => secrets.key(secret, &what, JwtKey::hs256, checker),
            (RawAlgorithm::Rs256 | RawAlgorithm::Es256, None, Some(raw)) => {
                let key = secrets.key(raw, &what, SigningKey::from_pem, checker).map(JwtKey::of)?;
                if key.algorithm() == alg.as_str() {
                    return Some(key);
                }
                let message = format!("{what} signs with `{}`, not with `{}`", key.algorithm(), alg.as_str());
                let help = format!("write `alg: {}`, or take another key", key.algorithm());
                checker.error("algorithm", at, message).with_help(help);
                None
            }
            _ => {
                let message = format!("`{}` is made with one key, and this is not it", alg.as_str());
                let help = format!("write {}, and nothing else that signs", alg.wants());
                checker.error("algorithm", at, message).with_help(help);
                None
            }
        }
    }

    fn parse_claims(&self, scope: &Scope, checker: &mut Checker) -> Option<JsonTemplate> {
        let RawJson::Map(members) = &self.claims.value else {
            checker
                .error("claims", &self.claims.span, "the claims of a token are an object")
                .with_help("write names and values: `claims: { aud: jitsi, room: \"{{ room }}\" }`");
            return None;
        };
        let mut sound = true;
        for (name, _) in members.0.iter().filter(|(name, _)| TIMES.contains(&name.value.as_str())) {
            let message = format!("{} is set by the gateway", checker.quote(&name.span));
            checker
                .error("claims", &name.span, message)
                .with_help("remove it: `ttl` says how long the token is good");
            sound = false;
        }
        self.claims.value.parse(&self.claims.span, scope, checker).filter(|_| sound)
    }
}
