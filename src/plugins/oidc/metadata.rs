//! A provider's discovery document (OpenID Connect Discovery 1.0, section 3), read once into what the
//! gateway makes use of.
//! May import: what `plugins` may.

use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};

/// The document as providers write it.
pub(super) type Document = ProviderMetadata<
    Additional,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Members of other specifications: OpenID Connect RP-Initiated Logout 1.0, RFC 8414 and RFC 9207.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Additional {
    end_session_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Additional {}

/// What is wrong with a document that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataError {
    #[error("it is of another issuer")]
    Issuer,
    #[error("it names no token endpoint")]
    NoTokenEndpoint,
    #[error("it names an endpoint without encryption")]
    Insecure,
}

/// Where a provider's endpoints are, and what it can do.
pub(super) struct Metadata {
    pub(super) authorization: AuthUrl,
    pub(super) token: String,
    pub(super) keys: String,
    pub(super) userinfo: Option<String>,
    pub(super) revocation: Option<String>,
    pub(super) end_session: Option<String>,
    /// Whether it names itself in its answers to browsers (RFC 9207).
    pub(super) names_itself: bool,
    /// Whether it takes client secrets in the body only.
    pub(super) secret_in_body: bool,
}

impl Metadata {
    /// Of the provider that is configured by this name.
    pub(super) fn of(document: &Document, issuer: &str) -> Result<Self, MetadataError> {
        if document.issuer().as_str() != issuer {
            return Err(MetadataError::Issuer);
        }
        let token = document.token_endpoint().ok_or(MetadataError::NoTokenEndpoint)?;
        let additional = document.additional_metadata();
        let metadata = Self {
            authorization: document.authorization_endpoint().clone(),
            token: token.to_string(),
            keys: document.jwks_uri().to_string(),
            userinfo: document.userinfo_endpoint().map(ToString::to_string),
            revocation: additional.revocation_endpoint.clone(),
            end_session: additional.end_session_endpoint.clone(),
            names_itself: additional.authorization_response_iss_parameter_supported,
            secret_in_body: takes_secret_in_body_only(document),
        };
        if issuer.starts_with("https://") && metadata.endpoints().any(|url| !url.starts_with("https://")) {
            return Err(MetadataError::Insecure);
        }
        Ok(metadata)
    }

    fn endpoints(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.userinfo, &self.revocation, &self.end_session];
        [self.authorization.as_str(), &self.token, &self.keys]
            .into_iter()
            .chain(optional.into_iter().filter_map(Option::as_deref))
    }
}

/// A provider that says nothing takes `client_secret_basic` (OpenID Connect Discovery 1.0, section 3).
fn takes_secret_in_body_only(document: &Document) -> bool {
    document.token_endpoint_auth_methods_supported().is_some_and(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://id.test/a/";

    fn read(issuer: &str, changes: &Value) -> Result<Metadata, MetadataError> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.test/authorize",
            "token_endpoint": "https://id.test/token",
            "jwks_uri": "https://id.test/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "new"],
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        Metadata::of(&serde_json::from_value(document).unwrap(), issuer)
    }

    #[test]
    fn the_issuer_is_the_configured_one_to_the_letter() {
        assert!(read(ISSUER, &json!({})).is_ok());
        for other in ["https://id.test/a", "https://ID.test/a/", "https://id.test/b/"] {
            assert_eq!(read(other, &json!({})).err(), Some(MetadataError::Issuer), "{other}");
        }
    }

    #[test]
    fn no_endpoint_is_less_safe_than_the_issuer() {
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "revocation_endpoint",
            "end_session_endpoint",
        ] {
            let changes = json!({ name: "http://id.test/x" });
            assert_eq!(read(ISSUER, &changes).err(), Some(MetadataError::Insecure), "{name}");
        }
        let changes = json!({ "issuer": "http://id.test", "token_endpoint": "http://id.test/x" });
        assert!(read("http://id.test", &changes).is_ok());
    }

    #[test]
    fn secrets_go_into_the_body_only_where_they_have_to() {
        for (methods, expected) in [
            (json!(null), false),
            (json!(["client_secret_post"]), true),
            (json!(["client_secret_post", "client_secret_basic"]), false),
            (json!(["private_key_jwt"]), false),
        ] {
            let read = read(ISSUER, &json!({ "token_endpoint_auth_methods_supported": methods })).unwrap();
            assert_eq!(read.secret_in_body, expected, "{methods}");
        }
    }
}
