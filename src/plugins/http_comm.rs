//! The communication adapter `http`: a REST conversation service or a webhook, called as plugins.yaml
//! declares.
//! May import: what `plugins` may.

use std::time::Duration;

use http::StatusCode;

use super::{CommunicationRequest, CommunicationStarted, Environment, PluginError, SealedPlace};
use crate::{
    config::HttpComm,
    model::{PluginUrl, ResultToken},
};

/// A communication method of kind `http`, built for one generation of the configuration.
pub struct HttpCommAdapter {
    at: SealedPlace,
    config: HttpComm,
    timeout: Duration,
}

impl HttpCommAdapter {
    pub fn new(at: SealedPlace, config: HttpComm, timeout: Duration) -> Self {
        Self { at, config, timeout }
    }

    pub async fn start(
        &self,
        _request: &CommunicationRequest<'_>,
        _environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let _ = (&self.at, &self.config, self.timeout);
        Err(PluginError::Gone)
    }

    pub async fn deliver(
        &self,
        _attr_url: &PluginUrl,
        _result: &ResultToken,
        _environment: Environment<'_>,
    ) -> Result<StatusCode, PluginError> {
        Err(PluginError::Gone)
    }
}
