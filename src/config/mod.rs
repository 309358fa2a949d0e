//! The three YAML files: read, checked and linked into a [`Config`].
//!
//! Two stages stand here. *Raw* (private) is what serde reads. *Config*, below, is what the rest
//! of the program sees: every value parsed, every reference resolved, plain data without I/O.
//! [`load`] goes from one to the other and reports everything that is wrong at once.
//! May import: `tokens` for the types of keys, `model`.

mod adapters;
mod check;
mod combinations;
mod definitions;
mod effective;
mod gateway;
mod header;
mod ingredients;
mod initiators;
mod interpolation;
mod keys;
mod later;
mod link;
mod lint;
mod load;
mod location;
mod mask;
mod needs;
mod network;
mod node;
mod overlap;
mod plugins;
mod positions;
mod purposes;
mod report;
mod routes;
mod scalar;
mod schema;
mod secrets;
mod shape;
mod source;
mod trust;
mod ways;
mod yaml;

use std::{net::SocketAddr, time::Duration};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::{
    model::{
        AttributeTag, BaseUrl, Dialect, Language, LocalizedText, MethodTag, PurposeTag, RouteId,
        UpstreamName, UrlPrefix,
    },
    tokens::{DecryptionKey, EncryptionKey, SigningKey, StateKey, VerificationKey},
};

pub use adapters::{
    AssertedHeaders, Call, CallBody, ClientAuth, Deliver, Finish, Hmac, HttpAuth, HttpComm, Jwt, Link, Oidc,
    OnFailure, OutcomeRule, Poll, Prompt, Save, SaveKind, Service, StartCall, UpdateCalls,
};
pub use check::{did_you_mean, enumerate};
pub use effective::effective;
pub use ingredients::{Ingredients, Recorder};
pub use load::{Loaded, load};
pub use report::{Diagnostic, Report, Severity};
pub use scalar::parse_duration;
pub use schema::schema;
pub use source::{
    ConfigFile, Environment, MAX_FILE_BYTES, MAX_SECRET_BYTES, Sources, SystemEnvironment, UnknownFile,
    Unreadable,
};
pub use ways::{Receiver, Sender, Way};

/// Time a plugin call may take altogether, unless its method says otherwise: a citizen waits.
pub const DEFAULT_PLUGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Time to connect to a server: within one data centre, more means that it is down.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest silence of an upstream while it is to answer or goes on answering.
pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait until an upstream takes more of a request.
pub const DEFAULT_WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an unused connection to an upstream is kept.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Default of `listeners.public.address`.
pub const DEFAULT_PUBLIC_ADDRESS: &str = "0.0.0.0:8080";
/// Default of `listeners.internal.address`: plugins elsewhere need another, strangers never.
pub const DEFAULT_INTERNAL_ADDRESS: &str = "127.0.0.1:8081";
/// Default of `listeners.admin.address`.
pub const DEFAULT_ADMIN_ADDRESS: &str = "127.0.0.1:9090";

/// Index into [`Config::auth`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthId(pub usize);
/// Index into [`Config::comm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommId(pub usize);
/// Index into [`Config::upstreams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UpstreamId(pub usize);

/// The whole configuration: valid, linked, in the order of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub gateway: Gateway,
    pub listeners: Listeners,
    pub upstreams: Vec<Upstream>,
    pub routes: Vec<Route>,
    pub purposes: Vec<Purpose>,
    pub auth: Vec<AuthMethod>,
    pub comm: Vec<CommMethod>,
    pub initiators: Vec<Initiator>,
    pub keys: Keys,
}

/// The gateway's own keys; where there are none, it makes some for its own lifetime.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys {
    /// The first seals, all open.
    pub state: Vec<StateKey>,
    /// The first signs, all are published.
    pub signing: Vec<SigningKey>,
    /// Results addressed to the gateway are encrypted to any of them.
    pub decryption: Vec<DecryptionKey>,
}

/// Who may ask for authentication during communication with a signed start.
#[derive(Debug, Clone, PartialEq)]
pub struct Initiator {
    /// The `kid` of its tokens.
    pub kid: String,
    pub verify: VerificationKey,
    pub purposes: Vec<PurposeTag>,
    /// At or below which its `comm_url` and `attr_url` have to lie.
    pub comm_urls: Vec<UrlPrefix>,
    pub attr_urls: Vec<UrlPrefix>,
}

/// How the gateway is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// The base of every URL that browsers get.
    pub public_url: BaseUrl,
    /// The base of every URL that plugins get; `None` means the internal listener's own address.
    pub internal_url: Option<BaseUrl>,
    /// Peers whose `X-Forwarded-*`, `Forwarded` and `X-Request-Id` are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The sockets; a change needs a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listeners {
    pub public: SocketAddr,
    pub internal: SocketAddr,
    pub admin: SocketAddr,
}

/// A group of equal servers, used in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    pub name: UpstreamName,
    /// Scheme, host and port each, no path; at least one.
    pub servers: Vec<BaseUrl>,
    pub timeouts: Timeouts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    pub read: Duration,
    pub write: Duration,
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: DEFAULT_CONNECT_TIMEOUT,
            read: DEFAULT_READ_TIMEOUT,
            write: DEFAULT_WRITE_TIMEOUT,
            idle: DEFAULT_IDLE_TIMEOUT,
        }
    }
}

/// One forwarding rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub id: RouteId,
    /// Lower case, without port; `None` matches every host.
    pub host: Option<String>,
    /// Starts with a slash, has none at its end, except the root, which is `/`. Normalised as
    /// request paths are.
    pub path: String,
    pub upstream: UpstreamId,
    pub strip_path: bool,
    pub rewrite: Rewrite,
    pub request_headers: HeaderEdit,
    pub response_headers: HeaderEdit,
    /// Largest request body in bytes; `None` is no limit.
    pub body_limit: Option<u64>,
}

/// What of an upstream's answers is mapped back to the client's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// `Location`, `Content-Location`, `Refresh` and `Link`.
    pub redirects: bool,
    /// `Set-Cookie`: `Path` and `Domain`.
    pub cookies: bool,
}

/// Headers to set (replacing any) and to remove, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeaderEdit {
    pub set: Vec<(HeaderName, HeaderValue)>,
    pub remove: Vec<HeaderName>,
}

/// What citizens come for.
#[derive(Debug, Clone, PartialEq)]
pub struct Purpose {
    pub tag: PurposeTag,
    pub name: Option<LocalizedText>,
    pub attributes: Vec<AttributeTag>,
    pub allowed_auth: Vec<AuthId>,
    pub allowed_comm: Vec<CommId>,
    /// Whether communication may start without authentication.
    pub unauthenticated: bool,
}

impl Purpose {
    /// The name that people read: the tag, where the file gives no name.
    pub fn display_name(&self, language: Language) -> &str {
        self.name.as_ref().map_or(self.tag.as_str(), |name| name.text(language))
    }
}

/// An authentication method.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthMethod {
    pub tag: MethodTag,
    pub name: LocalizedText,
    pub image_path: String,
    pub kind: AuthKind,
    pub dialect: Dialect,
    pub brokering: Brokering,
    /// The plugin cannot deliver to an `attr_url`: the result always comes back with the citizen.
    pub disable_attr_url: bool,
    /// The plugin cannot redirect to `tel:`: it gets a page of the gateway's, also without brokering.
    pub shim_tel_url: bool,
    pub trust: AuthTrust,
    /// What the method can prove, when the operator says so.
    pub provides: Option<Vec<AttributeTag>>,
    /// Hosts that the plugin's URLs may name (lower case, without port); `None` is any host.
    pub hosts: Option<Vec<String>>,
    pub timeout: Duration,
}

/// What passes through the gateway while a citizen signs in (design.md, "Trust, and brokering").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Brokering {
    /// The plugin gets the communication plugin's URLs.
    Off,
    /// The plugin gets URLs of the gateway's own, so that each step is seen.
    #[default]
    Observe,
    /// As `Observe`, and the result returns through the browser that started, proven by a cookie.
    Bind,
}

/// What the gateway may do with the results of an authentication plugin.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AuthTrust {
    /// They are encrypted to a communication plugin and pass unread.
    #[default]
    Opaque,
    /// They are encrypted to the gateway and signed with the other half of this key.
    Reseal { verify: VerificationKey },
}

/// What a communication plugin expects of the gateway.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum CommTrust {
    /// Results of authentication plugins, unread.
    #[default]
    Opaque,
    /// Results that the gateway signed, encrypted to this key.
    Reseal { encrypt: EncryptionKey },
}

impl AuthMethod {
    /// Whether the gateway itself plays the plugin, and passes results on its own way.
    pub fn is_adapter(&self) -> bool {
        matches!(self.kind, AuthKind::Oidc(_) | AuthKind::Http(_) | AuthKind::Headers(_))
    }
}

impl AuthKind {
    /// The attributes that it can prove; `None` where nobody knows.
    pub(super) fn attributes(&self) -> Option<Vec<&AttributeTag>> {
        fn tags<T>(mapped: &[(AttributeTag, T)]) -> Vec<&AttributeTag> {
            mapped.iter().map(|(tag, _)| tag).collect()
        }
        Some(match self {
            Self::Remote { .. } => return None,
            Self::Test { attributes } => tags(attributes),
            Self::Oidc(oidc) => tags(&oidc.attributes),
            Self::Http(http) => tags(&http.finish.attributes),
            Self::Headers(headers) => tags(&headers.attributes),
        })
    }
}

/// Who plays the authentication plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthKind {
    /// A plugin of the ecosystem.
    Remote {
        start: PluginStart,
    },
    /// The gateway's own sign-in page for development, and the values it hands out.
    Test {
        attributes: Vec<(AttributeTag, String)>,
    },
    Oidc(Box<Oidc>),
    Http(Box<HttpAuth>),
    Headers(AssertedHeaders),
}

/// A communication method.
#[derive(Debug, Clone, PartialEq)]
pub struct CommMethod {
    pub tag: MethodTag,
    pub name: LocalizedText,
    pub image_path: String,
    pub kind: CommKind,
    /// Start without the result, then deliver it (protocol.md, "Core -> comm plugin").
    pub disable_attributes_at_start: bool,
    /// The spelling that the plugin reads; `None` where nobody said, which is `id-contact` for
    /// results that the gateway issues.
    pub dialect: Option<Dialect>,
    pub trust: CommTrust,
    pub hosts: Option<Vec<String>>,
    pub timeout: Duration,
}

impl CommMethod {
    /// Whether the gateway itself plays the plugin, and passes results on its own way.
    pub fn is_adapter(&self) -> bool {
        matches!(self.kind, CommKind::Link(_) | CommKind::Http(_))
    }

    /// Whether a delivery carries a key by which its receiver tells a repetition.
    pub fn has_keyed_deliveries(&self) -> bool {
        matches!(&self.kind, CommKind::Http(http) if http.deliver.as_ref().is_some_and(|d| d.hmac.is_some()))
    }

    /// What becomes of a citizen whose attributes could not be delivered.
    pub fn on_failure(&self) -> OnFailure {
        match &self.kind {
            CommKind::Http(http) => http.on_failure,
            CommKind::Remote { .. } | CommKind::Inspect { .. } | CommKind::Link(_) => OnFailure::Block,
        }
    }
}

/// Who plays the communication plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum CommKind {
    Remote {
        start: PluginStart,
    },
    /// The gateway's own page that shows what was delivered, for development.
    Inspect {
        delivery: InspectDelivery,
    },
    Link(Box<Link>),
    Http(Box<HttpComm>),
}

/// How `inspect` asks for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InspectDelivery {
    /// By POST to its `attr_url`.
    #[default]
    AttrUrl,
    /// As the query parameter `result` of its `client_url`.
    Result,
}

/// Where a plugin's start endpoints are.
#[derive(Debug, Clone, PartialEq)]
pub enum PluginStart {
    /// `start: "http://auth-irma:8000/internal"`
    Url(BaseUrl),
    /// `start: upstream:digid/internal`; the path is empty or starts with a slash and has none at
    /// its end.
    Upstream { upstream: UpstreamId, path: String },
}
