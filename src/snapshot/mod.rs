//! One generation of the configuration, built: matchers, plugins, prepared answers.
//!
//! A request takes one [`Snapshot`] at its start and sees it to its end; a reload publishes a whole
//! new one or changes nothing. May import: `routing`, `plugins`, `upstreams`, `config`, `model`;
//! `metrics`.

mod forward;
mod keys;
mod options;
mod receivers;
mod transfer;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ahash::RandomState;
use arc_swap::ArcSwap;
use http::HeaderName;

use self::receivers::Receivers;
pub use self::{
    forward::Forward,
    keys::{EphemeralKeys, SessionKeys},
    options::OptionsAnswers,
    transfer::{Opening, OpeningKeys, Resealing, Sealing, Transfer},
};
use crate::{
    config::{AuthId, AuthKind, AuthMethod, CommId, CommKind, CommMethod, Config, PluginStart, Purpose},
    metrics::Metrics,
    model::{BaseUrl, Language, MethodTag, OwnAnswer, PluginUrl, UrlError, wire::SessionOptions},
    plugins::{
        AuthPlugin, AuthRole, CommPlugin, CommRole, Place, RemotePlugin, SealedPlace,
        deliveries::Deliveries,
        development::DevelopmentPair,
        headers::HeadersAdapter,
        inspect::InspectAdapter,
        link::LinkAdapter,
        oidc::{OidcAdapter, Providers},
        rest::{HttpAuthAdapter, HttpCommAdapter},
        test::TestAdapter,
    },
    routing::RouteTable,
    tokens::{KeyError, StateKeys},
    upstreams::Upstream,
};

/// What stays the same from one generation to the next and is needed to build one.
#[derive(Clone)]
pub struct Foundation {
    pub metrics: Metrics,
    pub development: Arc<DevelopmentPair>,
    pub deliveries: Arc<Deliveries>,
    pub ephemeral_keys: Arc<EphemeralKeys>,
    pub providers: Arc<Providers>,
    /// Where the listeners really are: the configuration may say port 0.
    pub public_address: SocketAddr,
    pub internal_address: SocketAddr,
}

impl Foundation {
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL cannot make keys.
    pub fn new(
        metrics: Metrics,
        public_address: SocketAddr,
        internal_address: SocketAddr,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            metrics,
            development: Arc::new(DevelopmentPair::new()?),
            deliveries: Arc::default(),
            ephemeral_keys: Arc::new(EphemeralKeys::new()?),
            providers: Arc::default(),
            public_address,
            internal_address,
        })
    }
}

/// A generation at work.
pub struct Snapshot {
    generation: u64,
    config: Config,
    public_url: BaseUrl,
    internal_url: BaseUrl,
    base_path: String,
    routes: RouteTable,
    forwards: Vec<Forward>,
    options: OptionsAnswers,
    purposes: Lookup,
    auth_tags: Lookup,
    comm_tags: Lookup,
    auth: Vec<AuthPlugin>,
    comm: Vec<CommPlugin>,
    identity_headers: Vec<HeaderName>,
    receivers: Receivers,
    keys: SessionKeys,
    development: Arc<DevelopmentPair>,
    deliveries: Arc<Deliveries>,
}

/// Tag -> index. Strangers choose the keys that are looked up, hence the keyed hash.
type Lookup = HashMap<Box<str>, usize, RandomState>;

impl Snapshot {
    /// Builds everything that requests would otherwise work out again and again.
    pub fn build(generation: u64, config: Config, foundation: &Foundation) -> Self {
        let public_url = on_real_port(&config.gateway.public_url, foundation.public_address);
        let internal_url = match &config.gateway.internal_url {
            Some(url) => on_real_port(url, foundation.internal_address),
            None => reachable_url(foundation.internal_address).unwrap_or_else(|_| public_url.clone()),
        };
        let upstreams: Vec<_> = config.upstreams.iter().map(|u| Arc::new(Upstream::new(u))).collect();
        let keys = SessionKeys::new(&config.keys, &foundation.ephemeral_keys);
        let builder = PluginBuilder {
            state_keys: &keys.state,
            providers: &foundation.providers,
            upstreams: &upstreams,
            public_url: &public_url,
            internal_url: &internal_url,
            development: &foundation.development,
        };
        Self {
            generation,
            receivers: Receivers::new(&config, &public_url, &internal_url),
            development: foundation.development.clone(),
            deliveries: foundation.deliveries.clone(),
            base_path: public_url.path().to_owned(),
            routes: RouteTable::new(&config.routes),
            forwards: Forward::all(&config, &upstreams, &foundation.metrics),
            options: OptionsAnswers::new(&config),
            purposes: config.purposes.iter().enumerate().map(|(i, p)| (p.tag.as_str().into(), i)).collect(),
            auth_tags: config.auth.iter().enumerate().map(|(i, m)| (m.tag.as_str().into(), i)).collect(),
            comm_tags: config.comm.iter().enumerate().map(|(i, m)| (m.tag.as_str().into(), i)).collect(),
            auth: config.auth.iter().map(|method| builder.auth(method)).collect(),
            comm: config.comm.iter().map(|method| builder.comm(method)).collect(),
            identity_headers: identity_headers(&config),
            keys,
            public_url,
            internal_url,
            config,
        }
    }

    /// Counts from 1 in the life of a process.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How browsers reach the gateway.
    pub fn public_url(&self) -> &BaseUrl {
        &self.public_url
    }

    /// How plugins reach the gateway.
    pub fn internal_url(&self) -> &BaseUrl {
        &self.internal_url
    }

    pub fn keys(&self) -> &SessionKeys {
        &self.keys
    }

    /// The answer of `/.well-known/jwks.json`.
    pub fn jwks(&self) -> &Arc<OwnAnswer> {
        &self.keys.published
    }

    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// The communication method that receives at this URL for this purpose: one whose own URLs it is
    /// among, preferably one that the purpose allows.
    pub fn receiver(&self, url: &PluginUrl, purpose: &Purpose) -> Option<(CommId, &CommMethod, &CommPlugin)> {
        let CommId(index) = self.receivers.find(url, &purpose.allowed_comm)?;
        self.comm_at(index)
    }

    /// Whether a result of this method may name this URL for session updates.
    pub fn may_be_updated_at(&self, auth: &AuthMethod, url: &PluginUrl) -> bool {
        receivers::may_be_updated_at(auth, url, &self.config)
    }

    /// What opens the results of this method; `None` where they pass unread.
    pub fn opening<'s>(&'s self, auth: &'s AuthMethod) -> Option<Opening<'s>> {
        transfer::opening(auth, &self.keys, &self.development)
    }

    /// How results of one method get to another; `None` where they cannot. Without a communication
    /// method, to a receiver that is none of plugins.yaml.
    pub fn transfer<'s>(
        &'s self,
        auth: &'s AuthMethod,
        comm: Option<&'s CommMethod>,
    ) -> Option<Transfer<'s>> {
        transfer::transfer(auth, comm, &self.keys, &self.development)
    }

    /// The path of the public URL, without a slash at its end.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    pub fn options(&self) -> &OptionsAnswers {
        &self.options
    }

    /// The methods that a purpose of this generation allows, as people see them.
    pub fn options_of(&self, purpose: &Purpose, language: Language) -> SessionOptions<'_> {
        options::options(&self.config, purpose, language)
    }

    pub fn purpose(&self, tag: &str) -> Option<&Purpose> {
        self.purposes.get(tag).and_then(|index| self.config.purposes.get(*index))
    }

    /// The authentication method of this tag.
    pub fn auth(&self, tag: &str) -> Option<(AuthId, &AuthMethod, &AuthPlugin)> {
        let index = *self.auth_tags.get(tag)?;
        Some((AuthId(index), self.config.auth.get(index)?, self.auth.get(index)?))
    }

    /// The communication method of this tag.
    pub fn comm(&self, tag: &str) -> Option<(CommId, &CommMethod, &CommPlugin)> {
        self.comm_at(*self.comm_tags.get(tag)?)
    }

    fn comm_at(&self, index: usize) -> Option<(CommId, &CommMethod, &CommPlugin)> {
        Some((CommId(index), self.config.comm.get(index)?, self.comm.get(index)?))
    }

    pub fn routes(&self) -> &RouteTable {
        &self.routes
    }

    /// What to do for the route of this index into the route table.
    pub fn forward(&self, route: usize) -> Option<&Forward> {
        self.forwards.get(route)
    }

    /// Headers by which front proxies say who somebody is: nobody else may send them, and no upstream
    /// gets them.
    pub fn identity_headers(&self) -> &[HeaderName] {
        &self.identity_headers
    }

    /// Whether this peer's forwarding headers are believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.config.gateway.trusted_proxies.iter().any(|network| network.contains(&peer))
    }
}

/// The live generation; a reload replaces it in one step.
pub struct Generations(ArcSwap<Snapshot>);

impl Generations {
    pub fn new(first: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(first))
    }

    pub fn live(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    pub fn publish(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}

fn identity_headers(config: &Config) -> Vec<HeaderName> {
    let named = config.auth.iter().filter_map(|method| match &method.kind {
        AuthKind::Headers(headers) => Some(headers.attributes.iter().map(|(_, name)| name.clone())),
        _ => None,
    });
    let mut names: Vec<HeaderName> = named.flatten().collect();
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names
}

struct PluginBuilder<'a> {
    state_keys: &'a Arc<StateKeys>,
    providers: &'a Arc<Providers>,
    upstreams: &'a [Arc<Upstream>],
    public_url: &'a BaseUrl,
    internal_url: &'a BaseUrl,
    development: &'a Arc<DevelopmentPair>,
}

impl PluginBuilder<'_> {
    fn auth(&self, method: &AuthMethod) -> AuthPlugin {
        let role = match &method.kind {
            AuthKind::Remote { start } => AuthRole::Remote(self.remote(
                start,
                "start_authentication",
                method.hosts.clone(),
                method.timeout,
            )),
            AuthKind::Test { attributes } => AuthRole::Test(TestAdapter::new(
                method.tag.clone(),
                self.public_url.clone(),
                attributes.clone(),
                method.dialect,
                self.development.clone(),
            )),
            AuthKind::Oidc(oidc) => AuthRole::Oidc(Box::new(OidcAdapter::new(
                self.place(&method.tag),
                (**oidc).clone(),
                self.providers.clone(),
                method.timeout,
            ))),
            AuthKind::Http(http) => AuthRole::Http(Box::new(HttpAuthAdapter::new(
                self.place(&method.tag),
                (**http).clone(),
                method.timeout,
            ))),
            AuthKind::Headers(headers) => {
                AuthRole::Headers(HeadersAdapter::new(self.place(&method.tag), headers.clone()))
            }
        };
        AuthPlugin { tag: method.tag.clone(), role }
    }

    fn comm(&self, method: &CommMethod) -> CommPlugin {
        let role = match &method.kind {
            CommKind::Remote { start } => CommRole::Remote(self.remote(
                start,
                "start_communication",
                method.hosts.clone(),
                method.timeout,
            )),
            CommKind::Inspect { delivery } => CommRole::Inspect(InspectAdapter::new(
                method.tag.clone(),
                self.public_url.clone(),
                self.internal_url.clone(),
                *delivery,
                self.development.clone(),
            )),
            CommKind::Link(link) => {
                CommRole::Link(Box::new(LinkAdapter::new(self.place(&method.tag), (**link).clone())))
            }
            CommKind::Http(http) => CommRole::Http(Box::new(HttpCommAdapter::new(
                self.place(&method.tag),
                self.internal_url.clone(),
                (**http).clone(),
                method.timeout,
            ))),
        };
        CommPlugin { tag: method.tag.clone(), role }
    }

    fn place(&self, tag: &MethodTag) -> SealedPlace {
        let place = Place { tag: tag.clone(), public_url: self.public_url.clone() };
        SealedPlace { place, keys: self.state_keys.clone() }
    }

    fn remote(
        &self,
        start: &PluginStart,
        operation: &str,
        hosts: Option<Vec<String>>,
        timeout: std::time::Duration,
    ) -> RemotePlugin {
        match start {
            PluginStart::Url(url) => RemotePlugin::at_url(url, operation, hosts, timeout),
            PluginStart::Upstream { upstream, path } => {
                RemotePlugin::at_upstream(self.upstreams[upstream.0].clone(), path, operation, hosts, timeout)
            }
        }
    }
}

/// Port 0 of a configured URL stands for the listener's own port, as it does in its address.
fn on_real_port(url: &BaseUrl, listener: SocketAddr) -> BaseUrl {
    if url.port() == 0 { url.with_port(listener.port()) } else { url.clone() }
}

/// A URL by which processes of this machine reach a listener.
///
/// # Errors
/// None that an address can cause.
pub fn reachable_url(listener: SocketAddr) -> Result<BaseUrl, UrlError> {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    BaseUrl::of_address(SocketAddr::new(ip, listener.port()))
}
