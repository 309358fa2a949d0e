//! What can go wrong between the gateway and a REST service. It names what stands in plugins.yaml, for the
//! log, and says nothing of what the service or a citizen sent.
//! May import: what `plugins` may.

use http::StatusCode;

use super::saved::Unsaved;
use crate::{plugins::PluginError, templates::RenderError};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Plugin(#[from] PluginError),
    #[error("it answered with status {0}, which `expect` does not name")]
    Unexpected(StatusCode),
    #[error("it answered with status {0}, which is none of 2xx; `expect` would name others")]
    Unsuccessful(StatusCode),
    #[error("its answer is not JSON")]
    NotJson,
    #[error(transparent)]
    Unsaved(#[from] Unsaved),
    #[error("a template of plugins.yaml cannot be filled in: {0}")]
    Template(#[from] RenderError),
}

impl Trouble {
    /// The same for whoever called the adapter, without names: it may be told to a browser.
    pub(super) fn as_plugin_error(&self) -> PluginError {
        match self {
            Self::Plugin(error) => *error,
            Self::Unexpected(status) | Self::Unsuccessful(status) => PluginError::Status(*status),
            Self::NotJson => PluginError::Malformed,
            Self::Unsaved(unsaved) => unsaved.as_plugin_error(),
            Self::Template(_) => PluginError::Template,
        }
    }
}
