//! `http` of a communication method: a REST conversation service, or a webhook.
//! May import: `check`, `expressions`, `headers`, `service`, `node`, `scalar`, `secrets`, `templates`,
//! `tokens`, `model`.

use http::HeaderName;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    super::{
        check::Checker,
        node::{Entries, Span, Spanned},
        scalar::{Field, Problem, Scalar},
        secrets::{RawSecret, Secrets},
    },
    CallBody, Deliver, Hmac, HttpComm, OnFailure,
    expressions::RawExpression,
    headers::{folded, is_of_every_request},
    service::{RawExpect, RawRequest, RawStartCall, parse_service, warn_of_unused, with_secrets},
};
use crate::{
    model::BaseUrl,
    templates::{Name, Scope},
    tokens::MacKey,
};

/// What is sent beside a signature.
const BESIDE_SIGNATURES: [&str; 2] = ["x-timestamp", "idempotency-key"];

/// A REST conversation service or a webhook, called as declared here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHttpComm {
    /// Where the service is: paths of requests are appended to it.
    base: Field<BaseUrl>,
    /// Secrets that requests show to the service, as `secrets.NAME`.
    #[serde(default)]
    secrets: Entries<Spanned<RawSecret>>,
    /// Begins a conversation, before anybody has signed in.
    #[schemars(extend("x-decisive" = true))]
    start: Option<RawStartCall>,
    /// Hands over the attributes, once, before the citizen comes.
    deliver: Option<RawDeliver>,
    /// Where the citizen goes to communicate.
    client_url: RawExpression,
    /// What becomes of a citizen whose attributes could not be handed over. By default `block`.
    #[serde(default)]
    on_failure: RawOnFailure,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawDeliver {
    request: RawRequest,
    /// Which answers are right. By default any status of success.
    expect: Option<RawExpect>,
    /// Signs the body. The headers `X-Timestamp` and `Idempotency-Key` go with it, and a failed delivery
    /// is repeated with the same key.
    hmac: Option<RawHmac>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawHmac {
    /// The header that takes the HMAC-SHA256 of the body, in hexadecimal.
    header: Field<SignatureHeader>,
    /// At least 8 bytes; 32 are better.
    secret: Spanned<RawSecret>,
}

/// The name of a header that takes a signature and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SignatureHeader(HeaderName);

impl Scalar for SignatureHeader {
    const CODE: &'static str = "header";

    fn parse(text: &str) -> Result<Self, Problem> {
        let name = <HeaderName as Scalar>::parse(text)?;
        if is_of_every_request(&name) || BESIDE_SIGNATURES.contains(&folded(&name).as_str()) {
            return Err(Problem::new(
                "cannot take a signature: requests have this header for another reason",
                "name one that nothing else uses, such as `X-Signature`",
            ));
        }
        Ok(Self(name))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["X-Signature"] })
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawOnFailure {
    /// A page that says so, with a way on.
    #[default]
    Block,
    /// On to the conversation all the same.
    Continue,
}

impl RawHttpComm {
    /// `tag` is where the method's tag stands.
    pub fn parse(&self, tag: &Span, secrets: Secrets, checker: &mut Checker) -> Option<HttpComm> {
        let quoted = checker.quote(tag);
        let service = parse_service(&self.base, &self.secrets, &quoted, secrets, checker);
        let common = || Scope::new().value("purpose").value("random");
        let kept = |scope: Scope| match &self.start {
            Some(start) => scope.members("start", start.kept()),
            None => scope,
        };
        let start_scope = with_secrets(common(), &self.secrets);
        let start = self.start.as_ref().map(|start| start.parse(&start_scope, checker));
        let deliver_scope = kept(with_secrets(common(), &self.secrets))
            .map("attributes", None)
            .value("session_url")
            .value("timestamp");
        let deliver = self.deliver.as_ref().map(|raw| raw.parse(&quoted, &deliver_scope, secrets, checker));
        // A citizen sees where they are sent, so no secret goes there; nor is anybody known then.
        let client_url = checker.url_template(&self.client_url, &kept(common()));
        let http = HttpComm {
            service: service?,
            start: match start {
                Some(start) => Some(start?),
                None => None,
            },
            deliver: match deliver {
                Some(deliver) => Some(deliver?),
                None => None,
            },
            client_url: client_url?,
            on_failure: match self.on_failure {
                RawOnFailure::Block => OnFailure::Block,
                RawOnFailure::Continue => OnFailure::Continue,
            },
        };
        let used = http.names().cloned().collect();
        warn_of_unused(&self.secrets, self.start.as_ref(), &used, checker);
        Some(http)
    }

    /// The texts in which attributes may be named.
    pub fn texts(&self) -> Vec<RawExpression> {
        self.deliver.as_ref().map(|deliver| deliver.request.texts()).unwrap_or_default()
    }
}

impl HttpComm {
    fn names(&self) -> impl Iterator<Item = &Name> {
        let start = self.start.iter().flat_map(|start| start.call.names());
        let deliver = self.deliver.iter().flat_map(|deliver| deliver.call.names());
        start.chain(deliver).chain(self.client_url.names())
    }
}

impl RawDeliver {
    fn parse(&self, tag: &str, scope: &Scope, secrets: Secrets, checker: &mut Checker) -> Option<Deliver> {
        let call = self.request.parse(self.expect.as_ref(), scope, checker);
        let hmac = match &self.hmac {
            Some(raw) => {
                if call.as_ref().is_some_and(|call| call.body == CallBody::None) {
                    checker
                        .error(
                            "hmac",
                            &raw.header.span,
                            "the signature would be of nothing: this request has no body",
                        )
                        .with_help("give the request a body, `json` or `form`, or remove `hmac`");
                }
                let hmac = raw.parse(tag, secrets, checker);
                self.refuse_collisions(hmac.as_ref(), checker);
                Some(hmac?)
            }
            None => None,
        };
        Some(Deliver { call: call?, hmac })
    }

    /// What goes with a signature replaces what the request says under the same names.
    fn refuse_collisions(&self, hmac: Option<&Hmac>, checker: &mut Checker) {
        let signature = hmac.map(|hmac| folded(&hmac.header));
        for (span, name) in self.request.header_names() {
            let name = folded(&name);
            if signature.as_ref() == Some(&name) || BESIDE_SIGNATURES.contains(&name.as_str()) {
                let message = format!("the header {} is there already: `hmac` sends it", checker.quote(span));
                checker.error("header", span, message).with_help("remove it from `headers`");
            }
        }
    }
}

impl RawHmac {
    fn parse(&self, tag: &str, secrets: Secrets, checker: &mut Checker) -> Option<Hmac> {
        let what = format!("the signing secret of the method {tag}");
        let header = checker.parse(&self.header);
        let secret = secrets.key(&self.secret, &what, MacKey::from_secret, checker);
        let SignatureHeader(header) = header?;
        Some(Hmac { header, secret: secret? })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::scalar::testing::assert_parses, *};

    #[test]
    fn a_signature_has_a_header_of_its_own() {
        let good = |name| SignatureHeader(HeaderName::from_static(name));
        assert_parses(
            &[("X-Signature", good("x-signature")), ("X_Hub-Signature-256", good("x_hub-signature-256"))],
            &[
                "Idempotency-Key",
                "idempotency_key",
                "X-Timestamp",
                "Content-Type",
                "Content-Length",
                "Host",
                "X-Request-Id",
                "Cookie",
                "Set-Cookie",
                "Authorization",
                "Connection",
                "Transfer-Encoding",
                "no header",
            ],
        );
    }
}
