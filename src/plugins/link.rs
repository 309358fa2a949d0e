//! The communication adapter `link`: a video room, a telephone number, any URL made of a template.
//! May import: what `plugins` may.

use super::{CommunicationRequest, CommunicationStarted, Environment, PluginError, SealedPlace};
use crate::{
    config::Link,
    model::{OwnAnswer, OwnRequest},
};

/// A communication method of kind `link`, built for one generation of the configuration.
pub struct LinkAdapter {
    at: SealedPlace,
    config: Link,
}

impl LinkAdapter {
    pub fn new(at: SealedPlace, config: Link) -> Self {
        Self { at, config }
    }

    pub fn start(
        &self,
        _request: &CommunicationRequest<'_>,
        _environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let _ = (&self.at, &self.config);
        Err(PluginError::Gone)
    }

    pub fn page(&self, _rest: &str, request: &OwnRequest, _environment: Environment<'_>) -> OwnAnswer {
        self.at.place.unknown_session(request.language)
    }
}
