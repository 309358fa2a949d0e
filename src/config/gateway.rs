//! The `gateway` and `listeners` parts of routes.yaml.
//! May import: `check`, `later`, `location`, `scalar`, `model`.

use std::net::SocketAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    DEFAULT_ADMIN_ADDRESS, DEFAULT_INTERNAL_ADDRESS, DEFAULT_PUBLIC_ADDRESS, Gateway, Listeners,
    check::Checker, later::NotYet, scalar::Field,
};
use crate::model::BaseUrl;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGateway {
    /// How browsers reach the gateway: the base of every URL that it hands out.
    public_url: Field<BaseUrl>,
    /// How plugins reach the gateway. By default the address of the internal listener.
    internal_url: Option<Field<BaseUrl>>,
    /// Addresses and networks of proxies in front, whose `X-Forwarded-*`, `Forwarded` and
    /// `X-Request-Id` are believed. By default nobody's.
    #[serde(default)]
    trusted_proxies: Vec<Field<IpNet>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawListeners {
    /// For browsers. By default `0.0.0.0:8080`.
    public: Option<RawListener>,
    /// For plugins. By default `127.0.0.1:8081`.
    internal: Option<RawListener>,
    /// For operators: health, metrics, reload. By default `127.0.0.1:9090`.
    admin: Option<RawListener>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawListener {
    /// IP address and port. Port 0 takes any free port.
    address: Field<SocketAddr>,
    #[serde(rename = "tls")]
    _tls: Option<NotYet>,
}

impl RawGateway {
    pub fn parse(&self, checker: &mut Checker) -> Option<Gateway> {
        let public_url = checker.parse(&self.public_url);
        let internal_url = self.internal_url.as_ref().map(|url| checker.parse(url));
        let trusted_proxies = checker.parse_all(&self.trusted_proxies);
        let internal_url = match internal_url {
            Some(url) => Some(url?),
            None => None,
        };
        Some(Gateway { public_url: public_url?, internal_url, trusted_proxies: trusted_proxies? })
    }

    /// Plugins cannot be sent to "every interface".
    pub fn check_internal_url(&self, listeners: &Listeners, checker: &mut Checker) {
        if self.internal_url.is_none() && listeners.internal.ip().is_unspecified() {
            checker
                .error(
                    "missing-key",
                    &self.public_url.span,
                    "`gateway` needs the key `internal_url`, because the internal listener's address names no host",
                )
                .with_help(
                    "add the URL by which plugins reach the gateway, for example `internal_url: http://gateway.internal:8081`",
                );
        }
    }
}

impl RawListeners {
    pub fn parse(&self, checker: &mut Checker) -> Option<Listeners> {
        let given = [&self.public, &self.internal, &self.admin];
        let defaults = [DEFAULT_PUBLIC_ADDRESS, DEFAULT_INTERNAL_ADDRESS, DEFAULT_ADMIN_ADDRESS];
        let parsed: Vec<Option<SocketAddr>> = given
            .iter()
            .zip(defaults)
            .map(|(listener, default)| match listener {
                Some(listener) => checker.parse(&listener.address),
                None => default.parse().ok(),
            })
            .collect();
        let [public, internal, admin] = *parsed.as_slice() else { return None };
        let named = [("public", public), ("internal", internal), ("admin", admin)];
        let mut distinct = true;
        for (later, (name, address)) in named.iter().enumerate() {
            for (earlier, (other, taken)) in named.iter().enumerate().take(later) {
                let (Some(address), Some(taken)) = (address, taken) else { continue };
                if collide(*address, *taken) {
                    distinct = false;
                    let place = [later, earlier].into_iter().find_map(|index| given[index].as_ref());
                    let span = place.map_or(0..0, |listener| listener.address.span.clone());
                    checker
                        .error(
                            "address",
                            &span,
                            format!("the listeners `{other}` and `{name}` would share a port"),
                        )
                        .with_help(
                            "give each listener a port of its own; what one may see, the others may not",
                        );
                }
            }
        }
        distinct.then_some(Listeners { public: public?, internal: internal?, admin: admin? })
    }
}

/// Whether two sockets cannot be open at once. `[::]` takes IPv4 along.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |one: SocketAddr, other: SocketAddr| {
        one.ip() == other.ip() || one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4())
    };
    one.port() != 0 && one.port() == other.port() && (covers(one, other) || covers(other, one))
}
