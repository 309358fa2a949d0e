//! Host names to addresses, without blocking a worker and without ever panicking.
//!
//! Pingora's own `HttpPeer::new("host:port")` does both, so every peer gets an address from here.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::upstreams::Server;

/// How long an answer is fresh. Afterwards it is still used while a new one is fetched, and for as
/// long as name resolution fails.
const FRESH: Duration = Duration::from_secs(10);
/// Names kept at the most. Names come from the configuration and from plugins' `attr_url`s.
const CAPACITY: usize = 10_000;

/// Name could not be resolved, now or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name cannot be resolved")]
pub struct ResolveError;

/// A cache of resolved names, shared by all listeners. Cheap to clone.
#[derive(Clone, Default)]
pub struct Resolver {
    names: Arc<Mutex<HashMap<(String, u16), Entry>>>,
}

struct Entry {
    addresses: Arc<[SocketAddr]>,
    fetched: Instant,
    refreshing: bool,
}

impl Resolver {
    /// An address of this server: the first on the first attempt, the next ones on later attempts.
    ///
    /// # Errors
    /// [`ResolveError`] when the name never resolved.
    pub async fn address(&self, server: &Server, attempt: usize) -> Result<SocketAddr, ResolveError> {
        if let Some(address) = server.address() {
            return Ok(address);
        }
        let addresses = self.addresses(server.url().host(), server.url().port()).await?;
        let number = attempt.checked_rem(addresses.len()).ok_or(ResolveError)?;
        addresses.get(number).copied().ok_or(ResolveError)
    }

    /// How many addresses are worth an attempt for this server, as far as is known.
    pub fn known_addresses(&self, server: &Server) -> usize {
        let key = (server.url().host().to_owned(), server.url().port());
        self.lock().get(&key).map_or(1, |entry| entry.addresses.len())
    }

    async fn addresses(&self, host: &str, port: u16) -> Result<Arc<[SocketAddr]>, ResolveError> {
        let key = (host.to_owned(), port);
        let cached = self.cached(&key);
        match cached {
            Some((addresses, false)) => Ok(addresses),
            Some((addresses, true)) => {
                let resolver = self.clone();
                tokio::spawn(async move { resolver.refresh(key).await });
                Ok(addresses)
            }
            None => self.refresh(key).await,
        }
    }

    /// The addresses known, and whether this caller is the one to refresh them.
    fn cached(&self, key: &(String, u16)) -> Option<(Arc<[SocketAddr]>, bool)> {
        let mut names = self.lock();
        let entry = names.get_mut(key)?;
        let refresh = entry.fetched.elapsed() > FRESH && !entry.refreshing;
        entry.refreshing |= refresh;
        Some((entry.addresses.clone(), refresh))
    }

    async fn refresh(&self, key: (String, u16)) -> Result<Arc<[SocketAddr]>, ResolveError> {
        let found = tokio::net::lookup_host((key.0.as_str(), key.1)).await;
        let addresses: Arc<[SocketAddr]> = found.map(Iterator::collect).unwrap_or_default();
        let mut names = self.lock();
        if addresses.is_empty() {
            // Whoever asks next tries again; what was known stays in use.
            if let Some(entry) = names.get_mut(&key) {
                entry.refreshing = false;
                entry.fetched = Instant::now();
            }
            return Err(ResolveError);
        }
        if names.len() >= CAPACITY {
            names.clear();
        }
        names.insert(key, Entry { addresses: addresses.clone(), fetched: Instant::now(), refreshing: false });
        Ok(addresses)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), Entry>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BaseUrl;

    fn server(url: &str) -> Server {
        Server::new(&BaseUrl::parse(url).unwrap())
    }

    #[tokio::test]
    async fn a_name_resolves_and_stays_known() {
        let resolver = Resolver::default();
        let localhost = server("http://localhost:8123");
        let address = resolver.address(&localhost, 0).await.unwrap();
        assert!(address.ip().is_loopback());
        assert_eq!(address.port(), 8123);
        assert!(resolver.known_addresses(&localhost) >= 1);
        assert_eq!(resolver.address(&localhost, resolver.known_addresses(&localhost)).await, Ok(address));
    }

    #[tokio::test]
    async fn an_unknown_name_is_an_error_and_no_panic() {
        let resolver = Resolver::default();
        assert_eq!(resolver.address(&server("http://no-such-host.invalid:1"), 0).await, Err(ResolveError));
    }

    #[tokio::test]
    async fn what_was_known_outlives_a_failing_refresh() {
        let resolver = Resolver::default();
        let key = ("no-such-host.invalid".to_owned(), 1);
        let known: Arc<[SocketAddr]> = Arc::from(["127.0.0.1:1".parse().unwrap()]);
        resolver.lock().insert(
            key.clone(),
            Entry { addresses: known.clone(), fetched: Instant::now(), refreshing: true },
        );
        assert_eq!(resolver.refresh(key.clone()).await, Err(ResolveError));
        assert_eq!(resolver.cached(&key), Some((known, false)));
    }
}
