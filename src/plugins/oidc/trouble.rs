//! What can go wrong between the gateway and an OpenID provider: a closed set, which says nothing of what
//! the provider or a browser sent.
//! May import: what `plugins` may.

use super::{super::PluginError, calls::Operation, id_token::IdTokenError, metadata::MetadataError};

/// Why a sign-in failed, or what is known of a provider could not be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the provider's {0} cannot be used: {1}")]
    Call(Operation, PluginError),
    #[error("the provider's discovery document cannot be used: {0}")]
    Metadata(#[from] MetadataError),
    #[error("the provider's answer lacks a parameter, or has one twice")]
    Response,
    #[error("the provider's answer does not say that it is of this provider")]
    Issuer,
    #[error("the provider answered that it failed")]
    Failed,
    #[error("the id token is refused: {0}")]
    IdToken(#[from] IdTokenError),
    #[error("userinfo is about somebody else")]
    Subject,
    #[error("a claim that was asked for is missing, or is a list, an object or a number that is too large")]
    Claim,
    #[error("the cryptographic library failed")]
    Library,
}

impl Trouble {
    /// The same for whoever called the adapter.
    pub(super) fn as_plugin_error(self) -> PluginError {
        match self {
            Self::Call(_, error) => error,
            Self::Library => PluginError::Library,
            _ => PluginError::Malformed,
        }
    }
}
