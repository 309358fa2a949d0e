//! `auth` of plugins.yaml: an authentication method, and the page for development.
//! May import: `adapters`, `check`, `link`, `location`, `node`, `purposes`, `scalar`, `secrets`, `trust`, `model`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::{
        AuthKind, AuthMethod, Brokering, DEFAULT_PLUGIN_TIMEOUT,
        adapters::{RawHeaders, RawHttpAuth, RawOidc},
        check::{Checker, all},
        link::{Names, Used},
        location::{ImagePath, Start},
        node::{Entries, Span, Spanned},
        purposes::{RawText, parse_attributes},
        scalar::{Field, Verbatim},
        secrets::Secrets,
        trust::{MethodPlace, OpaqueOr, RawAuthTrust, RawBrokering, RawTrust},
    },
    RawDialect, RawHosts, parse_hosts, parse_start,
};
use crate::model::{AttributeTag, MethodTag};

/// An authentication method: exactly one of `start` and an adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuth {
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
    dialect: Option<Spanned<RawDialect>>,
    /// For a plugin that cannot deliver by POST: the result always comes back with the citizen. By
    /// default `false`.
    disable_attr_url: Option<Spanned<bool>>,
    /// For a plugin that cannot redirect to `tel:`: it gets a page of the gateway's instead. By
    /// default `false`.
    shim_tel_url: Option<Spanned<bool>>,
    /// What passes through the gateway while a citizen signs in. By default `observe`.
    brokering: Option<Spanned<RawBrokering>>,
    /// What the gateway does with the plugin's results. By default they pass unread.
    trust: Option<Spanned<OpaqueOr<RawAuthTrust>>>,
    /// The attributes that the method can prove. With it, purposes are checked to be satisfiable.
    provides: Option<Vec<Spanned<String>>>,
    /// Hosts that the plugin's URLs may name. By default any.
    hosts: Option<RawHosts>,
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

impl RawAuth {
    /// What stands for its name, and where.
    pub(super) fn tag(&self) -> (&str, Span) {
        (self.tag.text.as_str(), self.tag.span.clone())
    }

    pub(super) fn place(&self, checker: &Checker) -> MethodPlace {
        let trust = self.trust.as_ref().map(|trust| &trust.span);
        let brokering = self.brokering.as_ref().map(|brokering| &brokering.span);
        MethodPlace::new(&self.tag.span, trust, brokering, checker)
    }

    pub(super) fn parse(
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
        let hosts = parse_hosts(self.hosts.as_ref(), checker);
        let timeout = checker.parse_or(self.timeout.as_ref(), DEFAULT_PLUGIN_TIMEOUT);
        Some(AuthMethod {
            tag: tag?,
            name: name?,
            image_path: image_path?.0,
            kind: kind?,
            dialect: self.dialect.as_ref().map_or_else(RawDialect::default, |raw| raw.value).into(),
            brokering: self.brokering.as_ref().map_or(Brokering::default(), |raw| raw.value.into()),
            disable_attr_url: self.disable_attr_url.as_ref().is_some_and(|raw| raw.value),
            shim_tel_url: self.shim_tel_url.as_ref().is_some_and(|raw| raw.value),
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
        let kind = checker.exactly_one("authentication", &self.tag, &given)?;
        if matches!(kind, "oidc" | "http" | "headers") {
            checker.warn_of_unused(
                kind,
                &[
                    ("dialect", self.dialect.as_ref().map(|raw| &raw.span)),
                    ("disable_attr_url", self.disable_attr_url.as_ref().map(|raw| &raw.span)),
                    ("shim_tel_url", self.shim_tel_url.as_ref().map(|raw| &raw.span)),
                    ("hosts", self.hosts.as_ref().map(|raw| &raw.span)),
                ],
            );
        }
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

impl RawTest {
    fn parse(&self, checker: &mut Checker) -> Option<Vec<(AttributeTag, String)>> {
        all(self.attributes.0.iter().map(|(tag, value)| {
            let tag = checker.parse(&Field::<AttributeTag>::new(tag));
            let value = checker.parse(value);
            tag.zip(value).map(|(tag, value)| (tag, value.0))
        }))
    }
}
