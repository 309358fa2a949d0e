//! `oidc` of an authentication method: an OpenID provider.
//! May import: `check`, `expressions`, `http_auth` for attributes, `initiators` for names of keys, `node`,
//! `scalar`, `secrets`, `tokens`, `model`.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use url::{Host, Url};

use super::{
    super::{
        check::Checker,
        initiators::Kid,
        node::{Entries, Span, Spanned},
        scalar::{Field, Problem, Scalar, Seconds},
        secrets::{RawSecret, Secrets},
    },
    ClientAuth, Oidc, Prompt,
    expressions::RawExpression,
    http_auth::parse_attributes,
};
use crate::{
    model::BaseUrl,
    tokens::{JwtKey, SharedSecret, SigningKey},
};

/// The scope without which a provider gives no id token (OpenID Connect Core 1.0, section 3.1.2.1).
const OPENID: &str = "openid";

/// What follows the issuer in the URL of its document (OpenID Connect Discovery 1.0, section 4).
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// An OpenID provider, with the gateway as its client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOidc {
    /// The provider, exactly as it names itself: what its discovery document says is its `issuer`.
    issuer: Field<Issuer>,
    /// The name under which the provider knows the gateway.
    client_id: Field<ClientId>,
    /// How the gateway shows who it is: the secret that it shares with the provider.
    #[schemars(extend("x-decisive" = true))]
    client_secret: Option<Spanned<RawSecret>>,
    /// Instead of a secret: a key of the gateway's own, whose public half the provider has.
    #[schemars(extend("x-decisive" = true))]
    private_key_jwt: Option<RawPrivateKeyJwt>,
    /// What the provider is asked for. By default `[openid]`, which is always needed.
    scopes: Option<Vec<Field<Word>>>,
    /// Attributes, and the claim that each of them comes from: its name, or a JSON pointer into it.
    #[schemars(extend("examples" = [{ "email": "email", "city": "/address/locality" }]))]
    attributes: Entries<RawExpression>,
    /// Levels of assurance: what is asked for, and then required.
    #[serde(default)]
    acr_values: Vec<Field<Word>>,
    /// Whether the provider asks the citizen anew.
    prompt: Option<RawPrompt>,
    /// How long ago the citizen may have signed in at the provider: what is asked for, and then required.
    max_age: Option<Field<Seconds>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPrivateKeyJwt {
    /// The private key: P-256, or RSA of 2048 bits or more.
    key: Spanned<RawSecret>,
    /// The name under which the provider has the public half.
    kid: Option<Field<Kid>>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawPrompt {
    /// To sign in, whoever is signed in there already.
    Login,
    /// To consent.
    Consent,
    /// To choose one of several accounts.
    SelectAccount,
    /// Nothing: who is not signed in there already comes back as if they had cancelled.
    None,
}

/// An issuer, kept as it is written: providers compare it letter for letter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Issuer(String);

impl Scalar for Issuer {
    const CODE: &'static str = "url";

    fn parse(text: &str) -> Result<Self, Problem> {
        <BaseUrl as Scalar>::parse(text).map(|_| Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["https://idp.example.nl"], "pattern": r"^https?://|\$\{env:" })
    }
}

impl Issuer {
    /// Whether others on the way could change what it says.
    fn is_exposed(&self) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return true };
        let is_loopback = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() != "https" && !is_loopback
    }
}

/// Printable ASCII (RFC 6749, appendix A.1).
#[derive(Debug, Clone, PartialEq, Eq)]
struct ClientId(String);

impl Scalar for ClientId {
    const CODE: &'static str = "client-id";

    fn parse(text: &str) -> Result<Self, Problem> {
        if (1..=512).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new(
            "cannot be the name of a client",
            "write the name that the provider gave, of printable ASCII characters",
        ))
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "minLength": 1, "maxLength": 512, "examples": ["gateway"] })
    }
}

/// One of the words of a list that is sent with spaces between them (RFC 6749, section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word(String);

impl Scalar for Word {
    const CODE: &'static str = "word";

    fn parse(text: &str) -> Result<Self, Problem> {
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if (1..=512).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(Problem::new(
            "cannot be sent to a provider",
            "write each value as an item of its own: ASCII characters without spaces, quotes and backslashes",
        ))
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"], "minLength": 1, "maxLength": 512 })
    }
}

impl RawOidc {
    /// `tag` is where the method's tag stands.
    pub fn parse(&self, tag: &Span, secrets: Secrets, checker: &mut Checker) -> Option<Oidc> {
        let issuer = self.parse_issuer(checker);
        let client_id = checker.parse(&self.client_id);
        let client_auth = self.client_auth(tag, secrets, checker);
        let scopes = self.parse_scopes(checker);
        let attributes = parse_attributes(&self.attributes, checker, Checker::claim_path);
        let acr_values = checker.parse_all(&self.acr_values);
        let max_age = checker.parse_optional(self.max_age.as_ref());
        Some(Oidc {
            issuer: issuer?.0,
            client_id: client_id?.0,
            client_auth: client_auth?,
            scopes: scopes?,
            attributes: attributes?,
            acr_values: words(acr_values?),
            prompt: self.prompt.map(Into::into),
            max_age: max_age?.map(|Seconds(age)| age),
        })
    }

    fn parse_issuer(&self, checker: &mut Checker) -> Option<Issuer> {
        let issuer = checker.parse(&self.issuer)?;
        if issuer.0.ends_with(DOCUMENT) {
            self.refuse_document(checker);
            return None;
        }
        if issuer.is_exposed() {
            checker
                .warning("exposed-issuer", &self.issuer.span, "the provider is asked without encryption")
                .with_help("whoever is on the way can sign in as anybody: use `https`");
        }
        Some(issuer)
    }

    fn refuse_document(&self, checker: &mut Checker) {
        let span = &self.issuer.span;
        // As it is written, since what comes from a variable is not repeated; and not shortened, as quotes are.
        let written = checker.source().excerpt(span.clone()).trim_matches(['"', '\'']);
        let help = match written.strip_suffix(DOCUMENT) {
            Some(issuer) => {
                format!("write `{issuer}`, or with a slash at its end, as the document's `issuer` says")
            }
            None => format!("leave out `{DOCUMENT}`"),
        };
        let message = format!("{} is the provider's document, not its issuer", checker.quote(span));
        checker.error(Issuer::CODE, span, message).with_help(help);
    }

    fn client_auth(&self, tag: &Span, secrets: Secrets, checker: &mut Checker) -> Option<ClientAuth> {
        let quoted = checker.quote(tag);
        match (&self.client_secret, &self.private_key_jwt) {
            (Some(secret), None) => {
                let what = format!("the client secret of the method {quoted}");
                secrets.key(secret, &what, SharedSecret::from_bytes, checker).map(ClientAuth::Secret)
            }
            (None, Some(jwt)) => jwt.parse(&quoted, secrets, checker).map(ClientAuth::PrivateKeyJwt),
            (secret, _) => {
                let found = if secret.is_some() { "both" } else { "neither" };
                let message = format!(
                    "the method {quoted} has {found} `client_secret` {} `private_key_jwt`",
                    if secret.is_some() { "and" } else { "nor" }
                );
                checker.error("client-authentication", &self.client_id.span, message).with_help(
                    "write what the provider registered for this client: \
                     `client_secret: { file: FILE }` or `private_key_jwt: { key: { file: FILE } }`",
                );
                None
            }
        }
    }

    fn parse_scopes(&self, checker: &mut Checker) -> Option<Vec<String>> {
        let Some(raw) = &self.scopes else { return Some(vec![OPENID.to_owned()]) };
        let scopes = words(checker.parse_all(raw)?);
        if scopes.iter().any(|scope| scope == OPENID) {
            return Some(scopes);
        }
        let span = raw.first().map_or(&self.client_id.span, |first| &first.span);
        checker
            .error("scopes", span, "`openid` is not among the `scopes`")
            .with_help("add it: without it, a provider does not say who signed in");
        None
    }
}

impl RawPrivateKeyJwt {
    fn parse(&self, tag: &str, secrets: Secrets, checker: &mut Checker) -> Option<JwtKey> {
        let what = format!("the client key of the method {tag}");
        let key = secrets.key(&self.key, &what, SigningKey::from_pem, checker).map(JwtKey::of);
        match &self.kid {
            None => key,
            Some(kid) => {
                let kid = checker.parse(kid);
                Some(key?.with_kid(&kid?.0))
            }
        }
    }
}

fn words(words: Vec<Word>) -> Vec<String> {
    words.into_iter().map(|Word(word)| word).collect()
}

impl From<RawPrompt> for Prompt {
    fn from(raw: RawPrompt) -> Self {
        match raw {
            RawPrompt::Login => Self::Login,
            RawPrompt::Consent => Self::Consent,
            RawPrompt::SelectAccount => Self::SelectAccount,
            RawPrompt::None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::scalar::testing::assert_parses, *};

    #[test]
    fn an_issuer_stays_as_it_is_written() {
        let issuer = |text: &str| Issuer(text.to_owned());
        let good = ["https://id.example.nl", "https://ID.example.nl:443/realms/a/", "http://localhost:8080"];
        assert_parses(
            &good.map(|text| (text, issuer(text))),
            &[
                "id.example.nl",
                "https://id.example.nl/?a=b",
                "https://u@id.example.nl",
                "ftp://id.example.nl",
            ],
        );
    }

    #[test]
    fn only_loopback_needs_no_encryption() {
        for (text, exposed) in [
            ("https://id.example.nl", false),
            ("http://localhost:1", false),
            ("http://127.1.2.3", false),
            ("http://[::1]:1", false),
            ("http://id.example.nl", true),
            ("http://localhost.example.nl", true),
            ("http://10.0.0.1", true),
        ] {
            assert_eq!(Issuer(text.to_owned()).is_exposed(), exposed, "{text}");
        }
    }

    #[test]
    fn words_hold_no_spaces() {
        let word = |text: &str| Word(text.to_owned());
        assert_parses(
            &[("openid", word("openid")), ("urn:loa:3", word("urn:loa:3"))],
            &["", "openid email", "a\"b", "a\\b", "é"],
        );
    }
}
