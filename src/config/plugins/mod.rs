//! plugins.yaml: what serde reads, and how it becomes authentication and communication methods.
//! May import: `check`, `initiators`, `keys`, `link`, `node`, `purposes`, `scalar`,
//! `secrets`, `trust`, `model`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AuthKind, AuthMethod, Brokering, CommKind, CommMethod, DEFAULT_PLUGIN_TIMEOUT, Initiator,
    InspectDelivery, Keys, PluginStart, Purpose, UpstreamId,
    adapters::{RawHeaders, RawHttpAuth, RawHttpComm, RawLink, RawOidc},
    check::{Checker, all, enumerate},
    initiators::RawInitiator,
    keys::RawKeys,
    link::{Names, Used},
    location::{Host, ImagePath, Start},
    node::{Entries, Span, Spanned},
    purposes::{RawText, parse_attributes},
    scalar::{Field, Verbatim},
    secrets::Secrets,
    trust::{MethodPlace, OpaqueOr, RawAuthTrust, RawBrokering, RawCommTrust, RawTrust},
};
use crate::model::{AttributeTag, Dialect, MethodTag};

/// The methods, and whom the gateway trusts with what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "plugins.yaml of ID Contact Gateway")]
pub struct RawPlugins {
    /// Authentication methods, in the order in which people see them.
    #[serde(default)]
    auth: Vec<RawAuth>,
    /// Communication methods, in the order in which people see them.
    #[serde(default)]
    comm: Vec<RawComm>,
    /// Who may ask, with a signed start, for authentication during communication.
    #[serde(default)]
    initiators: Vec<RawInitiator>,
    /// The gateway's own keys.
    #[serde(default)]
    keys: RawKeys,
}

/// An authentication method: exactly one of `start` and an adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawAuth {
    /// The name by which programs and purposes refer to this method.
    tag: Field<MethodTag>,
    /// The name that citizens read: one text, or one for each language.
    name: RawText,
    /// A picture: a path of this host, such as `/static/irma.svg`, or a URL.
    image_path: Field<ImagePath>,
    /// Where the plugin's start endpoints are: a URL, or `upstream:NAME/path`.
    #[schemars(extend("x-decisive" = true))]
    start: Option<Field<Start>>,
    /// A sign-in page for development, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    test: Option<RawTest>,
    /// An OpenID provider, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    oidc: Option<RawOidc>,
    /// A REST identity service, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    http: Option<RawHttpAuth>,
    /// Identity that a front proxy has established already, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    headers: Option<RawHeaders>,
    /// The spelling of the plugin's results. By default `id-contact`.
    #[serde(default)]
    dialect: RawDialect,
    /// For a plugin that cannot deliver by POST: the result always comes back with the citizen. By
    /// default `false`.
    #[serde(default)]
    disable_attr_url: bool,
    /// For a plugin that cannot redirect to `tel:`: it gets a page of the gateway's instead. By
    /// default `false`.
    #[serde(default)]
    shim_tel_url: bool,
    /// What passes through the gateway while a citizen signs in. By default `observe`.
    brokering: Option<Spanned<RawBrokering>>,
    /// What the gateway does with the plugin's results. By default they pass unread.
    trust: Option<Spanned<OpaqueOr<RawAuthTrust>>>,
    /// The attributes that the method can prove. With it, purposes are checked to be satisfiable.
    provides: Option<Vec<Spanned<String>>>,
    /// Hosts that the plugin's URLs may name. By default any.
    hosts: Option<Vec<Field<Host>>>,
    /// How long a call to the plugin may take altogether. By default `5s`.
    timeout: Option<Field<Duration>>,
}

/// A communication method: exactly one of `start` and an adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawComm {
    /// The name by which programs and purposes refer to this method.
    tag: Field<MethodTag>,
    /// The name that citizens read: one text, or one for each language.
    name: RawText,
    /// A picture: a path of this host, such as `/static/chat.svg`, or a URL.
    image_path: Field<ImagePath>,
    /// Where the plugin's start endpoint is: a URL, or `upstream:NAME/path`.
    #[schemars(extend("x-decisive" = true))]
    start: Option<Field<Start>>,
    /// A page that shows what was delivered, for development, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    inspect: Option<RawInspect>,
    /// A link made of a template, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    link: Option<RawLink>,
    /// A REST conversation service or a webhook, instead of a plugin.
    #[schemars(extend("x-decisive" = true))]
    http: Option<RawHttpComm>,
    /// Start without the result, then deliver it. For plugins that take no `auth_result`. By
    /// default `false`.
    #[serde(default)]
    disable_attributes_at_start: bool,
    /// The spelling of the results that the plugin reads. By default unknown, and `id-contact` for
    /// results that the gateway issues.
    dialect: Option<RawDialect>,
    /// What the gateway does with results for the plugin. By default they pass unread.
    trust: Option<Spanned<OpaqueOr<RawCommTrust>>>,
    /// Hosts that the plugin's URLs may name. By default any.
    hosts: Option<Vec<Field<Host>>>,
    /// How long a call to the plugin may take altogether. By default `5s`.
    timeout: Option<Field<Duration>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawTest {
    /// The attributes that the page hands out, with their values. Made up, please.
    #[serde(default)]
    attributes: Entries<Field<Verbatim>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawInspect {
    /// How the page asks for the result: by POST to its `attr_url`, or as the query parameter
    /// `result` of its own URL. By default `attr_url`.
    #[serde(default)]
    delivery: RawDelivery,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawDialect {
    /// `status: succes` (sic).
    #[default]
    IdContact,
    /// `status: success`.
    VerderHelpen,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawDelivery {
    #[default]
    AttrUrl,
    Result,
}

impl RawPlugins {
    pub fn auth_tags(&self) -> impl Iterator<Item = (&str, Span)> {
        self.auth.iter().map(|method| (method.tag.text.as_str(), method.tag.span.clone()))
    }

    pub fn comm_tags(&self) -> impl Iterator<Item = (&str, Span)> {
        self.comm.iter().map(|method| (method.tag.text.as_str(), method.tag.span.clone()))
    }

    pub fn kids(&self) -> impl Iterator<Item = (&str, Span)> {
        self.initiators.iter().map(RawInitiator::kid)
    }

    /// The authentication methods, unless one of them is wrong.
    pub fn parse_auth(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<Vec<AuthMethod>> {
        all(self.auth.iter().map(|raw| raw.parse(upstreams, used, secrets, checker)))
    }

    /// The communication methods, unless one of them is wrong.
    pub fn parse_comm(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<Vec<CommMethod>> {
        all(self.comm.iter().map(|raw| raw.parse(upstreams, used, secrets, checker)))
    }

    /// The initiators, unless one of them is wrong; `purposes` are those that the names stand for.
    pub fn parse_initiators(
        &self,
        names: &Names,
        purposes: &[Purpose],
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<Vec<Initiator>> {
        all(self.initiators.iter().map(|raw| raw.parse(names, purposes, secrets, checker)))
    }

    /// The gateway's own keys, unless one of them is wrong.
    pub fn parse_keys(&self, secrets: Secrets, checker: &mut Checker) -> Option<Keys> {
        self.keys.parse(secrets, checker)
    }

    pub fn auth_places(&self, checker: &Checker) -> Vec<MethodPlace> {
        let place = |raw: &RawAuth| {
            let trust = raw.trust.as_ref().map(|trust| &trust.span);
            let brokering = raw.brokering.as_ref().map(|brokering| &brokering.span);
            MethodPlace::new(&raw.tag.span, trust, brokering, checker)
        };
        self.auth.iter().map(place).collect()
    }

    pub fn comm_places(&self, checker: &Checker) -> Vec<MethodPlace> {
        let place = |raw: &RawComm| {
            let texts = match (&raw.link, &raw.http) {
                (Some(link), _) => link.texts(),
                (None, Some(http)) => http.texts(),
                (None, None) => Vec::new(),
            };
            MethodPlace {
                texts,
                ..MethodPlace::new(&raw.tag.span, raw.trust.as_ref().map(|trust| &trust.span), None, checker)
            }
        };
        self.comm.iter().map(place).collect()
    }
}

impl RawAuth {
    fn parse(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<AuthMethod> {
        let tag = checker.parse(&self.tag);
        let name = self.name.parse(checker);
        let image_path = checker.parse(&self.image_path);
        let kind = self.kind(upstreams, used, secrets, checker);
        let trust = RawTrust::parse(self.trust.as_ref(), &self.tag.span, secrets, checker);
        let provides = self.provides.as_ref().map(|provides| parse_attributes(provides, checker));
        let hosts = parse_hosts(self.hosts.as_deref(), checker);
        let timeout = checker.parse_or(self.timeout.as_ref(), DEFAULT_PLUGIN_TIMEOUT);
        Some(AuthMethod {
            tag: tag?,
            name: name?,
            image_path: image_path?.0,
            kind: kind?,
            dialect: self.dialect.into(),
            brokering: self.brokering.as_ref().map_or(Brokering::default(), |raw| raw.value.into()),
            disable_attr_url: self.disable_attr_url,
            shim_tel_url: self.shim_tel_url,
            trust: trust?,
            provides: match provides {
                Some(provides) => Some(provides?),
                None => None,
            },
            hosts: hosts?,
            timeout: timeout?,
        })
    }

    fn kind(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<AuthKind> {
        let given = [
            ("start", self.start.is_some()),
            ("oidc", self.oidc.is_some()),
            ("http", self.http.is_some()),
            ("headers", self.headers.is_some()),
            ("test", self.test.is_some()),
        ];
        checker.exactly_one("authentication", &self.tag, &given)?;
        if let Some(start) = &self.start {
            return parse_start(start, upstreams, used, checker).map(|start| AuthKind::Remote { start });
        }
        if let Some(oidc) = &self.oidc {
            return oidc.parse(&self.tag.span, secrets, checker).map(|oidc| AuthKind::Oidc(Box::new(oidc)));
        }
        if let Some(http) = &self.http {
            return http.parse(&self.tag.span, secrets, checker).map(|http| AuthKind::Http(Box::new(http)));
        }
        if let Some(headers) = &self.headers {
            return headers.parse(&self.tag.span, checker).map(AuthKind::Headers);
        }
        let test = self.test.as_ref()?;
        test.parse(checker).map(|attributes| AuthKind::Test { attributes })
    }
}

impl RawComm {
    fn parse(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<CommMethod> {
        let tag = checker.parse(&self.tag);
        let name = self.name.parse(checker);
        let image_path = checker.parse(&self.image_path);
        let kind = self.kind(upstreams, used, secrets, checker);
        let trust = RawTrust::parse(self.trust.as_ref(), &self.tag.span, secrets, checker);
        let hosts = parse_hosts(self.hosts.as_deref(), checker);
        let timeout = checker.parse_or(self.timeout.as_ref(), DEFAULT_PLUGIN_TIMEOUT);
        Some(CommMethod {
            tag: tag?,
            name: name?,
            image_path: image_path?.0,
            kind: kind?,
            disable_attributes_at_start: self.disable_attributes_at_start,
            dialect: self.dialect.map(Into::into),
            trust: trust?,
            hosts: hosts?,
            timeout: timeout?,
        })
    }

    fn kind(
        &self,
        upstreams: &Names,
        used: &mut Used,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<CommKind> {
        let given = [
            ("start", self.start.is_some()),
            ("link", self.link.is_some()),
            ("http", self.http.is_some()),
            ("inspect", self.inspect.is_some()),
        ];
        checker.exactly_one("communication", &self.tag, &given)?;
        if let Some(start) = &self.start {
            return parse_start(start, upstreams, used, checker).map(|start| CommKind::Remote { start });
        }
        if let Some(http) = &self.http {
            return http.parse(&self.tag.span, secrets, checker).map(|http| CommKind::Http(Box::new(http)));
        }
        if let Some(link) = &self.link {
            return link.parse(&self.tag.span, secrets, checker).map(|link| CommKind::Link(Box::new(link)));
        }
        let inspect = self.inspect.as_ref()?;
        Some(CommKind::Inspect { delivery: inspect.delivery.into() })
    }
}

impl RawTest {
    fn parse(&self, checker: &mut Checker) -> Option<Vec<(AttributeTag, String)>> {
        all(self.attributes.0.iter().map(|(tag, value)| {
            let tag = checker.parse(&Field::<AttributeTag>::new(tag));
            let value = checker.parse(value);
            tag.zip(value).map(|(tag, value)| (tag, value.0))
        }))
    }
}

fn parse_start(
    start: &Field<Start>,
    upstreams: &Names,
    used: &mut Used,
    checker: &mut Checker,
) -> Option<PluginStart> {
    match checker.parse(start)? {
        Start::Url(url) => Some(PluginStart::Url(url)),
        Start::Upstream { name, path } => {
            let upstream = upstreams.find(&name, &start.span, checker)?;
            used.upstreams.insert(upstream);
            Some(PluginStart::Upstream { upstream: UpstreamId(upstream), path })
        }
    }
}

/// The outer `None` is an error, the inner one a key that is not given.
#[allow(clippy::option_option, reason = "the two have to be told apart, and only here")]
fn parse_hosts(hosts: Option<&[Field<Host>]>, checker: &mut Checker) -> Option<Option<Vec<String>>> {
    let Some(hosts) = hosts else { return Some(None) };
    let parsed = checker.parse_all(hosts)?;
    Some(Some(parsed.into_iter().map(|Host(host)| host).collect()))
}

impl Checker<'_> {
    /// Whether a method says in one way who plays the plugin; else an error at its tag.
    fn exactly_one(&mut self, side: &str, tag: &Field<MethodTag>, given: &[(&str, bool)]) -> Option<()> {
        let quoted = self.quote(&tag.span);
        let all = enumerate(given.iter().map(|(key, _)| *key));
        let present: Vec<_> = given.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        match &*present {
            [_] => return Some(()),
            [] => {
                let message =
                    format!("the {side} method {quoted} does not say what it is: it has none of {all}");
                self.error("method", &tag.span, message).with_help(
                    "add `start: http://HOST:PORT` for a plugin, or one of the others for the gateway itself",
                );
            }
            several => {
                let message =
                    format!("the {side} method {quoted} has {} at once", enumerate(several.iter().copied()));
                self.error("method", &tag.span, message)
                    .with_help("keep one: `start` for a plugin, any other for the gateway itself");
            }
        }
        None
    }
}

impl From<RawDialect> for Dialect {
    fn from(raw: RawDialect) -> Self {
        match raw {
            RawDialect::IdContact => Self::IdContact,
            RawDialect::VerderHelpen => Self::VerderHelpen,
        }
    }
}

impl From<RawDelivery> for InspectDelivery {
    fn from(raw: RawDelivery) -> Self {
        match raw {
            RawDelivery::AttrUrl => Self::AttrUrl,
            RawDelivery::Result => Self::Result,
        }
    }
}
