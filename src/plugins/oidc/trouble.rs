//! What can go wrong between the gateway and an OpenID provider: a closed set, which says nothing of what
//! the provider or a browser sent.
//! May import: what `plugins` may.

use http::StatusCode;

use super::{
    super::{PluginError, sign_in::Unusable},
    calls::Operation,
    id_token::IdTokenError,
    metadata::MetadataError,
};

/// Why a sign-in failed, or what is known of a provider could not be renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the provider's {0} cannot be used: {1}")]
    Call(Operation, PluginError),
    /// Said by itself, since nothing is wrong with any token.
    #[error(
        "the token endpoint does not know the gateway (status 401): \
         `client_id` and `client_secret` or `private_key_jwt` have to be as the provider has them"
    )]
    Client,
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
    #[error("a claim that was asked for cannot be used: {0}")]
    Claim(#[from] Unusable),
    #[error("the cryptographic library failed")]
    Library,
}

impl Trouble {
    /// What the call for the tokens failed with.
    pub(super) fn at_token_endpoint(self) -> Self {
        match self {
            Self::Call(_, PluginError::Status(StatusCode::UNAUTHORIZED)) => Self::Client,
            trouble => trouble,
        }
    }

    /// The same for whoever called the adapter.
    pub(super) fn as_plugin_error(&self) -> PluginError {
        match self {
            Self::Call(_, error) => *error,
            Self::Client => PluginError::Status(StatusCode::UNAUTHORIZED),
            Self::Library => PluginError::Library,
            _ => PluginError::Malformed,
        }
    }
}
