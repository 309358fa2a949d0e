//! What is known of OpenID providers, for as long as the process lives.
//! May import: what `plugins` may.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    cache::Cached,
    calls::{Calls, Operation},
    id_token::Keys,
    metadata::{Document, Metadata},
    trouble::Trouble,
};

/// Discovery documents and keys by issuer. Outlives reloads.
#[derive(Default)]
pub struct Providers(Mutex<HashMap<String, Arc<Provider>>>);

impl Providers {
    /// The one that calls itself so.
    pub(super) fn provider(&self, issuer: &str) -> Arc<Provider> {
        let mut providers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Provider::new(issuer));
        providers.entry(issuer.to_owned()).or_insert_with(new).clone()
    }
}

/// One provider.
pub(super) struct Provider {
    issuer: String,
    metadata: Cached<Metadata>,
    keys: Cached<Keys>,
}

impl Provider {
    fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), metadata: Cached::default(), keys: Cached::default() }
    }

    /// # Errors
    /// [`Trouble`] when the provider is away, or says what it may not, and nothing is known of it yet.
    pub(super) async fn metadata(&self, calls: Calls<'_>) -> Result<Arc<Metadata>, Trouble> {
        let fetch = async {
            // Discovery 1.0, section 4.1: a slash at the end goes away first.
            let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
            let document: Document = calls.get(Operation::Discovery, &url, &[]).await?;
            Ok(Metadata::of(&document, &self.issuer)?)
        };
        self.metadata.get(calls.environment.clock.now(), told(fetch, calls)).await
    }

    /// # Errors
    /// As for [`Self::metadata`].
    pub(super) async fn keys(&self, metadata: &Metadata, calls: Calls<'_>) -> Result<Arc<Keys>, Trouble> {
        let fetch = calls.get(Operation::Keys, &metadata.keys, &[]);
        self.keys.get(calls.environment.clock.now(), told(fetch, calls)).await
    }

    /// Newer keys than those among which the right one is not; `None` when there are none, or they were
    /// looked for less than a minute ago.
    pub(super) async fn newer_keys(
        &self,
        than: &Arc<Keys>,
        metadata: &Metadata,
        calls: Calls<'_>,
    ) -> Option<Arc<Keys>> {
        let fetch = calls.get(Operation::Keys, &metadata.keys, &[]);
        self.keys.newer(than, calls.environment.clock.now(), told(fetch, calls)).await
    }
}

/// Logs why a fetch failed, even when what is known goes on to serve.
async fn told<T>(fetch: impl Future<Output = Result<T, Trouble>>, calls: Calls<'_>) -> Result<T, Trouble> {
    let fetched = fetch.await;
    if let Err(trouble) = &fetched {
        tracing::warn!(
            method = calls.method,
            reason = %trouble,
            request_id = calls.environment.request_id,
            "the OpenID provider cannot be asked"
        );
    }
    fetched
}
