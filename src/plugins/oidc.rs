//! The authentication adapter `oidc`: any OpenID provider, with the gateway as its client.
//! May import: what `plugins` may.

use std::{sync::Arc, time::Duration};

use super::{AuthenticationRequest, Environment, PluginError, SealedPlace, SessionUpdate, Ticket};
use crate::{
    config::Oidc,
    model::{OwnAnswer, OwnRequest, PluginUrl},
};

/// What is known of providers: discovery documents and keys. Outlives reloads.
#[derive(Default)]
pub struct Providers;

/// An authentication method of kind `oidc`, built for one generation of the configuration.
pub struct OidcAdapter {
    at: SealedPlace,
    config: Oidc,
    providers: Arc<Providers>,
    timeout: Duration,
}

impl OidcAdapter {
    pub fn new(at: SealedPlace, config: Oidc, providers: Arc<Providers>, timeout: Duration) -> Self {
        Self { at, config, providers, timeout }
    }

    pub fn start(
        &self,
        _request: &AuthenticationRequest<'_>,
        _environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let _ = (&self.at, &self.config, &self.providers, self.timeout);
        Err(PluginError::Gone)
    }

    pub async fn page(&self, _rest: &str, request: &OwnRequest, _environment: Environment<'_>) -> OwnAnswer {
        self.at.place.unknown_session(request.language)
    }

    pub async fn update(
        &self,
        _ticket: &Ticket,
        _update: SessionUpdate,
        _environment: Environment<'_>,
    ) -> Result<(), PluginError> {
        Err(PluginError::Gone)
    }
}
