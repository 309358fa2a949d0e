//! The adapters as the rest of the program sees them: templates compiled, selections and patterns
//! checked, secrets read.
//! May import: `templates`, `tokens` for keys and secrets, `model`.

mod effective;
mod expressions;
mod headers;
mod http_auth;
mod http_comm;
mod link;
mod oidc;
mod service;

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use ipnet::IpNet;

pub use self::{
    effective::{shown_http_auth, shown_http_comm},
    expressions::RawExpression,
    headers::RawHeaders,
    http_auth::RawHttpAuth,
    http_comm::RawHttpComm,
    link::RawLink,
    oidc::RawOidc,
};
use crate::{
    model::{AttributeTag, BaseUrl},
    templates::{ClaimPath, JsonTemplate, Name, PathTemplate, Pattern, Selection, Template, UrlTemplate},
    tokens::{JwtKey, MacKey, SharedSecret},
};

/// An OpenID provider (OpenID Connect Core 1.0), with the gateway as its client.
#[derive(Debug, Clone, PartialEq)]
pub struct Oidc {
    /// As the provider writes it in its tokens.
    pub issuer: String,
    pub client_id: String,
    pub client_auth: ClientAuth,
    /// `openid` is among them.
    pub scopes: Vec<String>,
    pub attributes: Vec<(AttributeTag, ClaimPath)>,
    /// What is asked for, and then required; empty asks for nothing.
    pub acr_values: Vec<String>,
    pub prompt: Option<Prompt>,
    /// How long ago the citizen may have signed in at the provider: asked for, and then required.
    pub max_age: Option<Duration>,
}

/// How the gateway shows the provider who it is (OpenID Connect Core 1.0, section 9).
#[derive(Debug, Clone, PartialEq)]
pub enum ClientAuth {
    /// `client_secret_basic` or `client_secret_post`, as the provider's metadata says.
    Secret(SharedSecret),
    PrivateKeyJwt(JwtKey),
}

/// Whether the provider asks the citizen anew (OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    Login,
    Consent,
    SelectAccount,
    None,
}

impl Prompt {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
            Self::None => "none",
        }
    }
}

/// A REST service, whichever side it plays.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub base: BaseUrl,
    pub secrets: Vec<(String, SharedSecret)>,
}

/// One request to a REST service, and which answers are right.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: Method,
    /// Below the service's `base`.
    pub path: PathTemplate,
    pub headers: Vec<(HeaderName, Template)>,
    pub body: CallBody,
    /// Empty is any 2xx.
    pub expect: Vec<StatusCode>,
}

impl Call {
    /// Whether an answer of this status is right.
    pub fn expects(&self, status: StatusCode) -> bool {
        if self.expect.is_empty() { status.is_success() } else { self.expect.contains(&status) }
    }

    /// The names that its templates use, as often as they do.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let body: Vec<_> = match &self.body {
            CallBody::None => Vec::new(),
            CallBody::Json(document) => document.names(),
            CallBody::Form(fields) => fields.iter().flat_map(|(_, value)| value.names()).collect(),
        };
        let headers = self.headers.iter().flat_map(|(_, value)| value.names());
        self.path.names().chain(headers).chain(body)
    }

    /// Those of the names without whose values there is no request.
    pub fn needed(&self) -> impl Iterator<Item = &Name> {
        let body: Vec<_> = match &self.body {
            CallBody::None => Vec::new(),
            CallBody::Json(document) => document.needed(),
            CallBody::Form(fields) => fields.iter().flat_map(|(_, value)| value.needed()).collect(),
        };
        let headers = self.headers.iter().flat_map(|(_, value)| value.needed());
        self.path.needed().chain(headers).chain(body)
    }

    /// The values that it uses of those that were kept of an earlier answer.
    pub fn saved_names(&self) -> impl Iterator<Item = String> {
        self.names().filter(|name| name.root == "start").filter_map(|name| name.member.clone())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum CallBody {
    None,
    Json(JsonTemplate),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
}

/// A value of an answer that later steps use: `start.NAME`.
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    pub name: String,
    pub from: Selection,
    pub kind: SaveKind,
}

/// What such a value has to be: answers are not trusted.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveKind {
    /// A string or a number.
    Text {
        pattern: Option<Pattern>,
    },
    /// A place for the citizen to go to, on one of these hosts (lower case, without port).
    Url {
        hosts: Vec<String>,
    },
    Number,
    Boolean,
}

/// A call whose answer is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StartCall {
    pub call: Call,
    pub save: Vec<Save>,
}

/// A REST identity service.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAuth {
    pub service: Service,
    pub start: StartCall,
    /// Where the citizen goes, to come back to `return_url`; `None` only with `poll`: they wait on a
    /// page of the gateway's.
    pub redirect: Option<UrlTemplate>,
    pub finish: Finish,
    pub poll: Option<Poll>,
    pub updates: UpdateCalls,
}

/// How it is found out whether the citizen signed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    pub call: Call,
    pub outcome: OutcomeRule,
    pub attributes: Vec<(AttributeTag, Selection)>,
}

/// Which values of an answer mean what; any other means that the sign-in failed.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRule {
    pub from: Selection,
    pub ok: Vec<String>,
    pub cancelled: Vec<String>,
    pub failed: Vec<String>,
    /// Not empty only with `poll`.
    pub pending: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    pub every: Duration,
    /// From the start of the sign-in.
    pub timeout: Duration,
}

/// What the service is told of session updates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateCalls {
    pub user_active: Option<Call>,
    pub logout: Option<Call>,
}

impl UpdateCalls {
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.user_active.iter().chain(&self.logout)
    }
}

/// Identity asserted by a front proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct AssertedHeaders {
    /// Peers whose headers are believed.
    pub from: Vec<IpNet>,
    pub attributes: Vec<(AttributeTag, HeaderName)>,
}

/// A link made of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What `room` stands for.
    pub room: Option<Template>,
    pub url: UrlTemplate,
    pub jwt: Option<Jwt>,
}

/// A signed token in a link: what `jwt` stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    pub key: JwtKey,
    pub ttl: Duration,
    /// An object; `iat`, `nbf` and `exp` are added.
    pub claims: JsonTemplate,
}

/// A REST conversation service, or a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpComm {
    pub service: Service,
    pub start: Option<StartCall>,
    pub deliver: Option<Deliver>,
    pub client_url: UrlTemplate,
    pub on_failure: OnFailure,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Deliver {
    pub call: Call,
    pub hmac: Option<Hmac>,
}

/// The signature of a body. With it goes a key by which the receiver tells a repetition.
#[derive(Debug, Clone, PartialEq)]
pub struct Hmac {
    pub header: HeaderName,
    pub secret: MacKey,
}

/// What becomes of a citizen whose attributes could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// A page that says so, with a way on.
    #[default]
    Block,
    /// On to the conversation all the same.
    Continue,
}
