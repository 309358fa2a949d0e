//! Upstreams at work: their servers, and whose turn it is.
//!
//! Shared by proxied routes and by plugins that name `upstream:…`, so that both take turns over
//! the same servers. May import: `config`, `model`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    config::{Timeouts, Upstream as UpstreamConfig},
    model::BaseUrl,
};

/// A group of equal servers.
pub struct Upstream {
    /// At least one.
    servers: Vec<Server>,
    timeouts: Timeouts,
    next: AtomicUsize,
}

/// One server, with what each request to it needs worked out beforehand.
pub struct Server {
    url: BaseUrl,
    authority: http::HeaderValue,
    address: Option<SocketAddr>,
}

impl Upstream {
    pub fn new(config: &UpstreamConfig) -> Self {
        Self {
            servers: config.servers.iter().map(Server::new).collect(),
            timeouts: config.timeouts.clone(),
            next: AtomicUsize::new(0),
        }
    }

    /// The number of the turn that a request takes; its first server, and the servers to try when
    /// that cannot be connected to, follow from it.
    pub fn turn(&self) -> usize {
        if self.servers.len() == 1 { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) }
    }

    /// The server of this turn after `failures` others could not be connected to.
    pub fn server(&self, turn: usize, failures: usize) -> Option<&Server> {
        let number = turn.wrapping_add(failures).checked_rem(self.servers.len())?;
        self.servers.get(number)
    }

    pub fn len(&self) -> usize {
        self.servers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }
}

impl Server {
    pub fn new(url: &BaseUrl) -> Self {
        let literal = url.host().trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        Self {
            address: literal.map(|ip| SocketAddr::new(ip, url.port())),
            authority: http::HeaderValue::from_str(&url.authority())
                .unwrap_or_else(|_| http::HeaderValue::from_static("")),
            url: url.clone(),
        }
    }

    pub fn url(&self) -> &BaseUrl {
        &self.url
    }

    /// The `Host` header that the server expects.
    pub fn authority(&self) -> &http::HeaderValue {
        &self.authority
    }

    /// The address, when the configuration gives it as a number.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UpstreamName;

    fn upstream(servers: &[&str]) -> Upstream {
        Upstream::new(&UpstreamConfig {
            name: UpstreamName::parse("u").unwrap(),
            servers: servers.iter().map(|url| BaseUrl::parse(url).unwrap()).collect(),
            timeouts: Timeouts::default(),
        })
    }

    #[test]
    fn servers_take_turns() {
        let upstream = upstream(&["http://a:1", "http://b:2", "http://c:3"]);
        let hosts: Vec<_> =
            (0..4).map(|_| upstream.server(upstream.turn(), 0).unwrap().url().host().to_owned()).collect();
        assert_eq!(hosts, ["a", "b", "c", "a"]);
        assert_eq!(upstream.server(2, 1).unwrap().url().host(), "a");
    }

    #[test]
    fn a_numeric_server_needs_no_resolution() {
        assert_eq!(
            Server::new(&BaseUrl::parse("http://[::1]:8000").unwrap()).address().unwrap().to_string(),
            "[::1]:8000"
        );
        assert_eq!(
            Server::new(&BaseUrl::parse("http://127.0.0.1").unwrap()).address().unwrap().to_string(),
            "127.0.0.1:80"
        );
        assert!(Server::new(&BaseUrl::parse("http://chat:3000").unwrap()).address().is_none());
    }
}
