//! Which communication method receives at a URL: its own URLs are those of its server, of the hosts
//! that the operator named, and of the gateway's pages that play it.

use crate::{
    config::{CommId, CommKind, CommMethod, Config, PluginStart},
    model::{BaseUrl, PluginUrl, UrlPrefix, path_segment},
};

/// The URLs of each communication method, in the order of the configuration.
pub(super) struct Receivers(Vec<Receiver>);

struct Receiver {
    prefixes: Vec<UrlPrefix>,
    /// With any scheme and port.
    hosts: Vec<String>,
}

impl Receivers {
    pub(super) fn new(config: &Config, public_url: &BaseUrl, internal_url: &BaseUrl) -> Self {
        let receiver = |method: &CommMethod| Receiver {
            prefixes: prefixes(method, config, public_url, internal_url),
            hosts: method.hosts.clone().unwrap_or_default(),
        };
        Self(config.comm.iter().map(receiver).collect())
    }

    /// The first method that the URL belongs to.
    pub(super) fn find(&self, url: &PluginUrl) -> Option<CommId> {
        self.0.iter().position(|receiver| receiver.has(url)).map(CommId)
    }
}

impl Receiver {
    fn has(&self, url: &PluginUrl) -> bool {
        self.prefixes.iter().any(|prefix| prefix.covers(url))
            || url.host().is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }
}

fn prefixes(
    method: &CommMethod,
    config: &Config,
    public_url: &BaseUrl,
    internal_url: &BaseUrl,
) -> Vec<UrlPrefix> {
    let texts: Vec<String> = match &method.kind {
        CommKind::Remote { start: PluginStart::Url(url) } => vec![url.origin()],
        CommKind::Remote { start: PluginStart::Upstream { upstream, .. } } => {
            config.upstreams[upstream.0].servers.iter().map(BaseUrl::origin).collect()
        }
        CommKind::Inspect { .. } => {
            let path = format!("/comm/{}", path_segment(method.tag.as_str()));
            vec![public_url.join(&path), internal_url.join(&path)]
        }
    };
    // A URL of the configuration, or made of one, is a prefix by construction.
    texts.iter().filter_map(|text| UrlPrefix::parse(text).ok()).collect()
}
