//! The authentication adapter `headers`: a front proxy has authenticated already, and says so.
//! May import: what `plugins` may.

use super::{AuthenticationRequest, Environment, PluginError, SealedPlace};
use crate::{
    config::AssertedHeaders,
    model::{OwnAnswer, OwnRequest, PluginUrl},
};

/// An authentication method of kind `headers`, built for one generation of the configuration.
pub struct HeadersAdapter {
    at: SealedPlace,
    config: AssertedHeaders,
}

impl HeadersAdapter {
    pub fn new(at: SealedPlace, config: AssertedHeaders) -> Self {
        Self { at, config }
    }

    pub fn start(
        &self,
        _request: &AuthenticationRequest<'_>,
        _environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let _ = (&self.at, &self.config);
        Err(PluginError::Gone)
    }

    pub fn page(&self, _rest: &str, request: &OwnRequest, _environment: Environment<'_>) -> OwnAnswer {
        self.at.place.unknown_session(request.language)
    }
}
