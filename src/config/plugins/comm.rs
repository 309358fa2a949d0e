//! `comm` of plugins.yaml: a communication method, and the page for development.
//! May import: `adapters`, `check`, `link`, `location`, `node`, `purposes`, `scalar`, `secrets`, `trust`, `model`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::{
        CommKind, CommMethod, DEFAULT_PLUGIN_TIMEOUT, InspectDelivery,
        adapters::{RawHttpComm, RawLink},
        check::Checker,
        link::{Names, Used},
        location::{ImagePath, Start},
        node::{Span, Spanned},
        purposes::RawText,
        scalar::Field,
        secrets::Secrets,
        trust::{MethodPlace, OpaqueOr, RawCommTrust, RawTrust},
    },
    RawDialect, RawHosts, parse_hosts, parse_start,
};
use crate::model::MethodTag;

/// A communication method: exactly one of `start` and an adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawComm {
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
    disable_attributes_at_start: Option<Spanned<bool>>,
    /// The spelling of the results that the plugin reads. By default unknown, and `id-contact` for
    /// results that the gateway issues.
    dialect: Option<Spanned<RawDialect>>,
    /// What the gateway does with results for the plugin. By default they pass unread.
    trust: Option<Spanned<OpaqueOr<RawCommTrust>>>,
    /// Hosts that the plugin's URLs may name. By default any.
    hosts: Option<RawHosts>,
    /// How long a call to the plugin may take altogether. By default `5s`.
    timeout: Option<Field<Duration>>,
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
#[serde(rename_all = "snake_case")]
enum RawDelivery {
    #[default]
    AttrUrl,
    Result,
}

impl RawComm {
    /// What stands for its name, and where.
    pub(super) fn tag(&self) -> (&str, Span) {
        (self.tag.text.as_str(), self.tag.span.clone())
    }

    pub(super) fn place(&self, checker: &Checker) -> MethodPlace {
        let texts = match (&self.link, &self.http) {
            (Some(link), _) => link.texts(),
            (None, Some(http)) => http.texts(),
            (None, None) => Vec::new(),
        };
        let trust = self.trust.as_ref().map(|trust| &trust.span);
        MethodPlace { texts, ..MethodPlace::new(&self.tag.span, trust, None, checker) }
    }

    pub(super) fn parse(
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
        let hosts = parse_hosts(self.hosts.as_ref(), checker);
        let timeout = checker.parse_or(self.timeout.as_ref(), DEFAULT_PLUGIN_TIMEOUT);
        Some(CommMethod {
            tag: tag?,
            name: name?,
            image_path: image_path?.0,
            kind: kind?,
            disable_attributes_at_start: self
                .disable_attributes_at_start
                .as_ref()
                .is_some_and(|raw| raw.value),
            dialect: self.dialect.as_ref().map(|raw| raw.value.into()),
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
        let kind = checker.exactly_one("communication", &self.tag, &given)?;
        if matches!(kind, "link" | "http") {
            let at_start = self.disable_attributes_at_start.as_ref();
            checker.warn_of_unused(
                kind,
                &[
                    ("disable_attributes_at_start", at_start.map(|raw| &raw.span)),
                    ("dialect", self.dialect.as_ref().map(|raw| &raw.span)),
                    ("hosts", self.hosts.as_ref().map(|raw| &raw.span)),
                ],
            );
        }
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

impl From<RawDelivery> for InspectDelivery {
    fn from(raw: RawDelivery) -> Self {
        match raw {
            RawDelivery::AttrUrl => Self::AttrUrl,
            RawDelivery::Result => Self::Result,
        }
    }
}
