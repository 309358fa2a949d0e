//! What the tests of the whole program stand on: the real binary in a temporary directory
//! ([`gateway::TestGateway`]), plugins and upstreams that behave as told ([`stub::StubServer`], giving
//! [`answers`]), and an HTTP client that hides nothing ([`client::RawClient`]).
//!
//! For whole sessions: plugins that behave as the ecosystem's own do ([`auth_plugin::StubAuth`],
//! [`comm_plugin::StubComm`]), a small browser ([`browser::Browser`]) and a load balancer
//! ([`balancer::Balancer`]), on a [`network::Network`] that has names and writes down what passed.
//!
//! Real peers, each a process of its own: an OpenID provider ([`openid_provider::OpenIdProvider`], which
//! needs Node) and a Matrix homeserver ([`homeserver::Homeserver`], which needs Synapse). Beside the
//! first an OpenID provider that errs and lies as told ([`forging_provider::ForgingProvider`]).
//!
//! Nothing here sleeps: whoever waits is woken by the event, and gives up after [`DEADLINE`].
#![allow(dead_code, reason = "every test program uses another part of it")]

pub mod answers;
pub mod auth_plugin;
pub mod balancer;
pub mod browser;
pub mod client;
pub mod comm_plugin;
pub mod forging_provider;
pub mod gateway;
pub mod homeserver;
pub mod http;
pub mod jws;
pub mod keys;
pub mod log;
pub mod network;
pub mod openid_provider;
pub mod plans;
pub mod relying_party;
pub mod stub;

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long anything is waited for. Generous, because a busy machine is no failure; a test that
/// expects nothing to happen must not wait for it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A value that threads wait upon.
#[derive(Default)]
pub struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until `find` gives something; `None` when the time is up first.
    pub fn wait<R>(&self, limit: Duration, mut find: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let end = Instant::now() + limit;
        let mut value = self.lock();
        loop {
            if let Some(found) = find(&mut value) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            value = self.changed.wait_timeout(value, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The time, in seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "tokens of the tests are as good as real ones")]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("the clock is right").as_secs()
}
