//! What both adapters `http` have in common: a service with secrets, calls, and what is kept of answers.
//! May import: `check`, `expressions`, `header`, `location`, `mask`, `node`, `scalar`, `secrets`, `templates`,
//! `tokens`, `model`.

use std::{collections::HashSet, net::IpAddr};

use http::{HeaderName, Method, StatusCode};
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    super::{
        check::{Checker, all},
        location::Host,
        mask::{mask, shown_text},
        node::{Entries, Span, Spanned},
        scalar::{Field, Problem, Scalar},
        secrets::{RawSecret, Secrets},
    },
    Call, CallBody, Save, SaveKind, Service, StartCall,
    expressions::{RawExpression, RawJson},
};
use crate::{
    model::BaseUrl,
    templates::{Kind, Name, Scope, Template},
    tokens::SharedSecret,
};

/// A request, and which answers are right.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCall {
    request: RawRequest,
    /// Which answers are right. By default any status of success.
    expect: Option<RawExpect>,
}

/// As [`RawCall`], and what of the answer is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStartCall {
    request: RawRequest,
    /// Which answers are right. By default any status of success.
    expect: Option<RawExpect>,
    /// Values of the answer that later steps name `start.NAME`.
    #[serde(default)]
    save: Entries<RawSave>,
}

/// An HTTP request; its texts may hold expressions, except `method`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    method: Field<CallMethod>,
    /// Below `base`, with the query where there is one; values are percent-encoded.
    #[schemars(extend("examples" = ["/api/sessions"]))]
    path: RawExpression,
    /// Headers besides those that every request has.
    #[serde(default)]
    headers: Entries<RawExpression>,
    /// The body as JSON. A text that is one whole expression keeps the value's type.
    json: Option<Spanned<RawJson>>,
    /// The body as a form, instead of `json`.
    form: Option<Entries<RawExpression>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExpect {
    /// Statuses that are right.
    #[schemars(length(min = 1), extend("examples" = [[200]]))]
    status: Spanned<Vec<Field<Status>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawSave {
    /// Where in the answer it stands: a `JSONPath` query (RFC 9535).
    #[schemars(extend("examples" = ["$.id"]))]
    from: RawExpression,
    /// What it has to be. By default `text`.
    #[serde(rename = "type", default)]
    kind: RawSaveKind,
    /// A regular expression that the whole text has to match.
    pattern: Option<RawExpression>,
    /// For `url`: the hosts that it may name.
    hosts: Option<Vec<Field<Host>>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum RawSaveKind {
    /// A text, or a number taken as one.
    #[default]
    Text,
    /// A place for the citizen to go to, on one of `hosts`.
    Url,
    Number,
    Boolean,
}

/// The methods of requests that say something or ask something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallMethod(Method);

impl Scalar for CallMethod {
    const CODE: &'static str = "http-method";

    fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "GET" => Ok(Self(Method::GET)),
            "POST" => Ok(Self(Method::POST)),
            "PUT" => Ok(Self(Method::PUT)),
            "PATCH" => Ok(Self(Method::PATCH)),
            "DELETE" => Ok(Self(Method::DELETE)),
            _ => Err(Problem::new(
                "is not a method of requests",
                "write `GET`, `POST`, `PUT`, `PATCH` or `DELETE`, in capitals",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["POST", "GET", "PUT", "PATCH", "DELETE"] })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status(StatusCode);

impl Scalar for Status {
    const CODE: &'static str = "status";

    fn parse(text: &str) -> Result<Self, Problem> {
        let status = text.parse().ok().filter(|status| (200..600).contains(status));
        let status = status.and_then(|status: u16| StatusCode::from_u16(status).ok());
        status
            .map(Self)
            .ok_or_else(|| Problem::new("is not the status of an answer", "write one such as `200`"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["integer", "string"], "examples": [200], "minimum": 200, "maximum": 599 })
    }
}

/// The service of a method whose tag messages quote as `tag`.
pub fn parse_service(
    base: &Field<BaseUrl>,
    raw: &Entries<Spanned<RawSecret>>,
    tag: &str,
    secrets: Secrets,
    checker: &mut Checker,
) -> Option<Service> {
    let place = &base.span;
    let base = checker.parse(base);
    if let Some(base) = base.as_ref().filter(|base| !raw.0.is_empty() && is_overheard(base)) {
        let message = format!("secrets of the method {tag} are sent in clear to {}", mask(base.host()));
        checker
            .warning("secrets-in-clear", place, message)
            .with_help("use `https://`, unless nobody else is on the way there");
    }
    let named = all(raw.0.iter().map(|(name, secret)| {
        let what = format!("the secret {} of the method {tag}", checker.quote(&name.span));
        let secret = secrets.key(secret, &what, SharedSecret::from_bytes, checker)?;
        Some((name.value.clone(), secret))
    }));
    Some(Service { base: base?, secrets: named? })
}

/// Whether others may listen to what is sent there.
fn is_overheard(base: &BaseUrl) -> bool {
    let host = base.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let stays_here = address.map_or(host == "localhost", |address| address.is_loopback());
    !base.is_https() && !stays_here
}

/// The names under which a service's secrets can be used.
pub fn with_secrets(scope: Scope, raw: &Entries<Spanned<RawSecret>>) -> Scope {
    let names = raw.0.iter().map(|(name, _)| (name.value.clone(), Kind::Text));
    scope.members("secrets", names.collect::<Vec<_>>())
}

/// Warns of what is named and read for nothing: secrets that no template uses, and kept values that no
/// later one does.
pub fn warn_of_unused(
    secrets: &Entries<Spanned<RawSecret>>,
    start: Option<&RawStartCall>,
    used: &HashSet<Name>,
    checker: &mut Checker,
) {
    let uses = |root: &str, member: &str| {
        used.contains(&Name { root: root.to_owned(), member: Some(member.to_owned()) })
    };
    for (name, _) in secrets.0.iter().filter(|(name, _)| !uses("secrets", &name.value)) {
        let message = format!("nothing uses the secret {}", checker.quote(&name.span));
        checker.warning("unused-secret", &name.span, message).with_help(format!(
            "write `{{{{ secrets.{} }}}}` where it goes, or remove it",
            mask(&name.value)
        ));
    }
    let saved = start.iter().flat_map(|start| &start.save.0);
    for (name, _) in saved.filter(|(name, _)| !uses("start", &name.value)) {
        let message = format!("nothing uses what is kept as {}", checker.quote(&name.span));
        checker
            .warning("unused-save", &name.span, message)
            .with_help(format!("write `{{{{ start.{} }}}}` where it goes, or remove it", mask(&name.value)));
    }
}

/// `what` has this name.
fn warn_of_inline_secret(name: &Spanned<String>, text: &str, what: &str, checker: &mut Checker) {
    if shown_text(&name.value, text) != text {
        checker
            .warning("inline-secret", &name.span, format!("this {what} looks as if it held a secret"))
            .with_help("name it in `secrets` and write `{{ secrets.NAME }}` here");
    }
}

impl RawRequest {
    /// The texts in which attributes may be named.
    pub fn texts(&self) -> Vec<RawExpression> {
        let json = self.json.iter().flat_map(|json| json.value.texts(&json.span));
        let form = self.form.iter().flat_map(|form| &form.0);
        let fields = self.headers.0.iter().chain(form).map(|(_, text)| text.clone());
        std::iter::once(self.path.clone()).chain(fields).chain(json).collect()
    }
}

impl RawCall {
    pub fn parse(&self, scope: &Scope, checker: &mut Checker) -> Option<Call> {
        self.request.parse(self.expect.as_ref(), scope, checker)
    }
}

impl RawStartCall {
    pub fn parse(&self, scope: &Scope, checker: &mut Checker) -> Option<StartCall> {
        let call = self.request.parse(self.expect.as_ref(), scope, checker);
        let save = all(self.save.0.iter().map(|(name, raw)| raw.parse(&name.value, checker)));
        Some(StartCall { call: call?, save: save? })
    }

    /// The names under which later steps find what is kept.
    pub fn kept(&self) -> Vec<(String, Kind)> {
        let kept = self.save.0.iter().map(|(name, raw)| {
            let kind = match raw.kind {
                RawSaveKind::Text => Kind::Text,
                RawSaveKind::Url => Kind::Url,
                RawSaveKind::Number => Kind::Number,
                RawSaveKind::Boolean => Kind::Boolean,
            };
            (name.value.clone(), kind)
        });
        kept.collect()
    }
}

impl RawRequest {
    pub fn parse(&self, expect: Option<&RawExpect>, scope: &Scope, checker: &mut Checker) -> Option<Call> {
        let method = checker.parse(&self.method);
        let path = checker.path_template(&self.path, scope);
        let headers = self.headers(scope, checker);
        let body = self.body(method.as_ref(), scope, checker);
        let expect = expect.map_or(Some(Vec::new()), |expect| expect.parse(checker));
        Some(Call { method: method?.0, path: path?, headers: headers?, body: body?, expect: expect? })
    }

    fn headers(&self, scope: &Scope, checker: &mut Checker) -> Option<Vec<(HeaderName, Template)>> {
        let mut seen = HashSet::new();
        all(self.headers.0.iter().map(|(raw_name, value)| {
            let name = checker.parse(&Field::<HeaderName>::new(raw_name));
            let value = checker.template(value, scope);
            let (name, value) = name.zip(value)?;
            if !seen.insert(name.clone()) {
                let message = format!("the header {} is there already", checker.quote(&raw_name.span));
                checker.error("header", &raw_name.span, message).with_help("each header is sent once");
                return None;
            }
            warn_of_inline_secret(raw_name, value.as_str(), "header", checker);
            Some((name, value))
        }))
    }

    fn body(&self, method: Option<&CallMethod>, scope: &Scope, checker: &mut Checker) -> Option<CallBody> {
        if let Some(place) =
            self.body_place().filter(|_| method.is_some_and(|method| method.0 == Method::GET))
        {
            checker
                .error("body", place, "a request with `GET` has no body")
                .with_help("put values into `path`, or write another method");
            return None;
        }
        match (&self.json, &self.form) {
            (None, None) => Some(CallBody::None),
            (Some(json), None) => json.value.parse(&json.span, scope, checker).map(CallBody::Json),
            (None, Some(form)) => {
                let fields = form.0.iter().map(|(name, value)| {
                    let value = checker.template(value, scope)?;
                    warn_of_inline_secret(name, value.as_str(), "field", checker);
                    Some((name.value.clone(), value))
                });
                all(fields).map(CallBody::Form)
            }
            (Some(json), Some(_)) => {
                checker
                    .error("body", &json.span, "a request has both `json` and `form`")
                    .with_help("keep the one that the service reads");
                None
            }
        }
    }
}

impl RawRequest {
    /// Names of headers, where they stand, and as they are sent.
    pub fn header_names(&self) -> impl Iterator<Item = (&Span, HeaderName)> {
        let names = self.headers.0.iter().map(|(name, _)| (&name.span, HeaderName::try_from(&name.value)));
        names.filter_map(|(span, name)| Some((span, name.ok()?)))
    }

    fn body_place(&self) -> Option<&Span> {
        let has_body = self.json.is_some() || self.form.is_some();
        has_body.then_some(&self.method.span)
    }
}

impl RawExpect {
    fn parse(&self, checker: &mut Checker) -> Option<Vec<StatusCode>> {
        let RawExpect { status: Spanned { span, value: statuses } } = self;
        if statuses.is_empty() {
            checker
                .error("status", span, "no answer would be right: `status` is empty")
                .with_help("name the statuses that are, or leave out `expect` for any of success");
            return None;
        }
        let statuses = checker.parse_all(statuses)?;
        Some(statuses.into_iter().map(|Status(status)| status).collect())
    }
}

impl RawSave {
    fn parse(&self, name: &str, checker: &mut Checker) -> Option<Save> {
        let from = checker.selection(&self.from);
        let kind = match (self.kind, &self.pattern, &self.hosts) {
            (RawSaveKind::Text, pattern, None) => match pattern {
                Some(pattern) => {
                    checker.pattern(pattern).map(|pattern| SaveKind::Text { pattern: Some(pattern) })
                }
                None => Some(SaveKind::Text { pattern: None }),
            },
            (RawSaveKind::Url, None, Some(hosts)) if !hosts.is_empty() => checker
                .parse_all(hosts)
                .map(|hosts| SaveKind::Url { hosts: hosts.into_iter().map(|Host(host)| host).collect() }),
            (RawSaveKind::Number, None, None) => Some(SaveKind::Number),
            (RawSaveKind::Boolean, None, None) => Some(SaveKind::Boolean),
            (RawSaveKind::Url, None, _) => {
                checker
                    .error("hosts", &self.from.span, "a URL of an answer needs `hosts`")
                    .with_help("name the hosts that citizens may be sent to: `hosts: [login.example.nl]`");
                None
            }
            (_, pattern, _) => {
                let (key, of) = if pattern.is_some() { ("pattern", "text") } else { ("hosts", "url") };
                checker
                    .error("save", &self.from.span, format!("`{key}` is for values of type `{of}`"))
                    .with_help(format!("remove `{key}`, or write `type: {of}`"));
                None
            }
        };
        Some(Save { name: name.to_owned(), from: from?, kind: kind? })
    }
}
