//! plugins.yaml: what serde reads, and how it becomes authentication and communication methods.
//! May import: `adapters`, `check`, `initiators`, `keys`, `link`, `location`, `node`, `purposes`, `scalar`,
//! `secrets`, `trust`, `model`.

mod auth;
mod comm;

use schemars::JsonSchema;
use serde::Deserialize;

use self::{auth::RawAuth, comm::RawComm};
use super::{
    AuthMethod, CommMethod, Initiator, Keys, PluginStart, Purpose, UpstreamId,
    check::{Checker, all, enumerate},
    initiators::RawInitiator,
    keys::RawKeys,
    link::{Names, Used},
    location::{Host, Start},
    node::{Span, Spanned},
    scalar::Field,
    secrets::Secrets,
    trust::MethodPlace,
};
use crate::model::{Dialect, MethodTag};

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

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawDialect {
    /// `status: succes` (sic).
    #[default]
    IdContact,
    /// `status: success`.
    VerderHelpen,
}

type RawHosts = Spanned<Vec<Field<Host>>>;

impl RawPlugins {
    pub fn auth_tags(&self) -> impl Iterator<Item = (&str, Span)> {
        self.auth.iter().map(RawAuth::tag)
    }

    pub fn comm_tags(&self) -> impl Iterator<Item = (&str, Span)> {
        self.comm.iter().map(RawComm::tag)
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
        self.auth.iter().map(|raw| raw.place(checker)).collect()
    }

    pub fn comm_places(&self, checker: &Checker) -> Vec<MethodPlace> {
        self.comm.iter().map(|raw| raw.place(checker)).collect()
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
fn parse_hosts(hosts: Option<&RawHosts>, checker: &mut Checker) -> Option<Option<Vec<String>>> {
    let Some(hosts) = hosts else { return Some(None) };
    let parsed = checker.parse_all(&hosts.value)?;
    Some(Some(parsed.into_iter().map(|Host(host)| host).collect()))
}

impl Checker<'_> {
    /// The one way in which a method says who plays the plugin; else an error at its tag.
    fn exactly_one<'k>(
        &mut self,
        side: &str,
        tag: &Field<MethodTag>,
        given: &[(&'k str, bool)],
    ) -> Option<&'k str> {
        let quoted = self.quote(&tag.span);
        let all = enumerate(given.iter().map(|(key, _)| *key));
        let present: Vec<_> = given.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        match &*present {
            [one] => return Some(one),
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

    /// Keys that are for plugins, and given beside an adapter, which has no use for them.
    fn warn_of_unused(&mut self, adapter: &str, keys: &[(&str, Option<&Span>)]) {
        for (key, span) in keys {
            let Some(span) = span else { continue };
            self.warning("unused-key", span, format!("`{key}` does nothing beside `{adapter}`"))
                .with_help("remove it: it is for plugins");
        }
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
