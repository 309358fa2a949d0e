//! Which communication method receives at a URL: its own URLs are those of its server, of the hosts
//! that the operator named, and of the gateway's pages that play it.

use crate::{
    config::{AuthKind, AuthMethod, CommId, CommKind, CommMethod, Config, PluginStart, UpstreamId},
    model::{BaseUrl, PluginUrl, UrlPrefix, path_segment},
};

/// Whether an authentication method may name this URL for session updates: where `hosts` bounds its
/// URLs, it is one of those or its own server's.
pub(super) fn may_be_updated_at(auth: &AuthMethod, url: &PluginUrl, config: &Config) -> bool {
    let Some(hosts) = &auth.hosts else { return true };
    let own = match &auth.kind {
        AuthKind::Remote { start: PluginStart::Url(start) } => vec![start.origin()],
        AuthKind::Remote { start: PluginStart::Upstream { upstream, .. } } => servers(*upstream, config),
        AuthKind::Test { .. } | AuthKind::Oidc(_) | AuthKind::Http(_) | AuthKind::Headers(_) => Vec::new(),
    };
    let own = own.iter().filter_map(|origin| UrlPrefix::parse(origin).ok());
    Receiver { prefixes: own.collect(), start: None, hosts: hosts.clone() }.has(url)
}

/// The URLs of each communication method, in the order of the configuration.
pub(super) struct Receivers(Vec<Receiver>);

struct Receiver {
    prefixes: Vec<UrlPrefix>,
    /// Its `start` with the path, by which methods of one server are told apart.
    start: Option<UrlPrefix>,
    /// With any scheme and port.
    hosts: Vec<String>,
}

impl Receivers {
    pub(super) fn new(config: &Config, public_url: &BaseUrl, internal_url: &BaseUrl) -> Self {
        let receiver = |method: &CommMethod| Receiver {
            prefixes: prefixes(method, config, public_url, internal_url),
            start: match &method.kind {
                CommKind::Remote { start: PluginStart::Url(url) } => UrlPrefix::parse(url.as_str()).ok(),
                _ => None,
            },
            hosts: match &method.kind {
                CommKind::Remote { .. } | CommKind::Inspect { .. } => {
                    method.hosts.clone().unwrap_or_default()
                }
                CommKind::Link(_) | CommKind::Http(_) => Vec::new(),
            },
        };
        Self(config.comm.iter().map(receiver).collect())
    }

    /// The method that the URL belongs to. Several may share a server or a host: one that the purpose
    /// allows goes before others, then one below whose `start` the URL lies, then the first.
    pub(super) fn find(&self, url: &PluginUrl, allowed: &[CommId]) -> Option<CommId> {
        let owners = self.0.iter().enumerate().filter(|(_, receiver)| receiver.has(url));
        let best = owners.min_by_key(|(index, receiver)| {
            let below = receiver.start.as_ref().is_some_and(|start| start.covers(url));
            (!allowed.contains(&CommId(*index)), !below)
        });
        best.map(|(index, _)| CommId(index))
    }
}

impl Receiver {
    fn has(&self, url: &PluginUrl) -> bool {
        self.prefixes.iter().any(|prefix| prefix.covers(url))
            || url.host().is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }
}

fn servers(upstream: UpstreamId, config: &Config) -> Vec<String> {
    config.upstreams[upstream.0].servers.iter().map(BaseUrl::origin).collect()
}

fn prefixes(
    method: &CommMethod,
    config: &Config,
    public_url: &BaseUrl,
    internal_url: &BaseUrl,
) -> Vec<UrlPrefix> {
    let texts: Vec<String> = match &method.kind {
        CommKind::Remote { start: PluginStart::Url(url) } => vec![url.origin()],
        CommKind::Remote { start: PluginStart::Upstream { upstream, .. } } => servers(*upstream, config),
        // These take results of sessions that they began, and no others.
        CommKind::Link(_) | CommKind::Http(_) => Vec::new(),
        CommKind::Inspect { .. } => {
            let path = format!("/comm/{}", path_segment(method.tag.as_str()));
            vec![public_url.join(&path), internal_url.join(&path)]
        }
    };
    // A URL of the configuration, or made of one, is a prefix by construction.
    texts.iter().filter_map(|text| UrlPrefix::parse(text).ok()).collect()
}
