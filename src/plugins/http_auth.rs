//! The authentication adapter `http`: a REST identity service, called as plugins.yaml declares.
//! May import: what `plugins` may.

use std::time::Duration;

use super::{AuthenticationRequest, Environment, PluginError, SealedPlace, SessionUpdate, Ticket};
use crate::{
    config::HttpAuth,
    model::{OwnAnswer, OwnRequest, PluginUrl},
};

/// An authentication method of kind `http`, built for one generation of the configuration.
pub struct HttpAuthAdapter {
    at: SealedPlace,
    config: HttpAuth,
    timeout: Duration,
}

impl HttpAuthAdapter {
    pub fn new(at: SealedPlace, config: HttpAuth, timeout: Duration) -> Self {
        Self { at, config, timeout }
    }

    pub async fn start(
        &self,
        _request: &AuthenticationRequest<'_>,
        _environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let _ = (&self.at, &self.config, self.timeout);
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
