//! A provider's discovery document (OpenID Connect Discovery 1.0, section 3), read once into what the
//! gateway makes use of.
//! May import: what `plugins` may.

use openidconnect::AuthUrl;
use serde_json::{Map, Value};

use crate::model::PluginUrl;

/// The document as providers write it. Of its many members a few are read, so that a mistake in another one
/// costs nothing.
pub(super) type Document = Map<String, Value>;

/// What is wrong with a document that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataError {
    #[error("it is of another issuer")]
    Issuer,
    #[error("its `{0}` is missing, or no URL of the web")]
    Endpoint(&'static str),
    #[error("its `{0}` is without encryption")]
    Insecure(&'static str),
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
    /// Of the provider that is configured by this name. What is optional and cannot be used is as good as
    /// absent. Some members are of other specifications: OpenID Connect RP-Initiated Logout 1.0 (section
    /// 2.1), RFC 8414 (section 2) and RFC 9207 (section 3).
    pub(super) fn of(document: &Document, issuer: &str) -> Result<Self, MetadataError> {
        let text = |name| document.get(name).and_then(Value::as_str);
        if text("issuer").ok_or(MetadataError::Endpoint("issuer"))? != issuer {
            return Err(MetadataError::Issuer);
        }
        let optional = |name| text(name).filter(|url| is_endpoint(url)).map(str::to_owned);
        let needed = |name| optional(name).ok_or(MetadataError::Endpoint(name));
        let authorization = "authorization_endpoint";
        let metadata = Self {
            authorization: AuthUrl::new(needed(authorization)?)
                .map_err(|_| MetadataError::Endpoint(authorization))?,
            token: needed("token_endpoint")?,
            keys: needed("jwks_uri")?,
            userinfo: optional("userinfo_endpoint"),
            revocation: optional("revocation_endpoint"),
            end_session: optional("end_session_endpoint"),
            names_itself: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            secret_in_body: takes_secret_in_body_only(document),
        };
        let exposed = metadata.endpoints().find(|(_, url)| !is_encrypted(url)).map(|(name, _)| name);
        match exposed {
            Some(name) if is_encrypted(issuer) => Err(MetadataError::Insecure(name)),
            _ => Ok(metadata),
        }
    }

    fn endpoints(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let needed = [
            ("authorization_endpoint", self.authorization.as_str()),
            ("token_endpoint", &self.token),
            ("jwks_uri", &self.keys),
        ];
        let optional = [
            ("userinfo_endpoint", &self.userinfo),
            ("revocation_endpoint", &self.revocation),
            ("end_session_endpoint", &self.end_session),
        ];
        let optional = optional.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)));
        needed.into_iter().chain(optional)
    }
}

fn is_encrypted(url: &str) -> bool {
    let scheme = "https://";
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Whether requests, and browsers, can be sent there: by `http` or `https`, and never to a script.
fn is_endpoint(url: &str) -> bool {
    PluginUrl::parse_attr_url(url.to_owned()).is_ok()
}

/// A provider that says nothing takes `client_secret_basic` (OpenID Connect Discovery 1.0, section 3).
fn takes_secret_in_body_only(document: &Document) -> bool {
    let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
    let takes = |method: &str| methods.is_some_and(|methods| methods.iter().any(|name| name == method));
    takes("client_secret_post") && !takes("client_secret_basic")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.test/a/";

    fn read(issuer: &str, changes: &Value) -> Result<Metadata, MetadataError> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.test/authorize",
            "token_endpoint": "https://id.test/token",
            "jwks_uri": "https://id.test/jwks",
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        Metadata::of(document.as_object().unwrap(), issuer)
    }

    #[test]
    fn the_issuer_is_the_configured_one_to_the_letter() {
        assert!(read(ISSUER, &json!({})).is_ok());
        for other in ["https://id.test/a", "https://ID.test/a/", "https://id.test/b/"] {
            assert_eq!(read(other, &json!({})).err(), Some(MetadataError::Issuer), "{other}");
        }
    }

    #[test]
    fn what_is_needed_has_to_be_there() {
        for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for wrong in [json!(null), json!(7), json!(["https://id.test/x"])] {
                let found = read(ISSUER, &json!({ name: wrong })).err();
                assert_eq!(found, Some(MetadataError::Endpoint(name)), "{wrong}");
            }
            let found = read(ISSUER, &json!({ name: "no URL" })).err();
            let expected =
                if name == "issuer" { MetadataError::Issuer } else { MetadataError::Endpoint(name) };
            assert_eq!(found, Some(expected));
        }
    }

    /// The authorization endpoint is where browsers are sent.
    #[test]
    fn endpoints_are_of_the_web() {
        for wrong in
            ["javascript:alert(1)", "data:text/html,x", "ftp://id.test/x", "https:id.test", "//id.test"]
        {
            for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
                let found = read("http://id.test", &json!({ "issuer": "http://id.test", name: wrong })).err();
                assert_eq!(found, Some(MetadataError::Endpoint(name)), "{wrong}");
            }
        }
    }

    #[test]
    fn what_is_optional_and_wrong_is_as_good_as_absent() {
        for wrong in [json!("no URL"), json!(""), json!(7), json!({}), json!("https://u:p@id.test/x")] {
            let endpoints = ["userinfo_endpoint", "revocation_endpoint", "end_session_endpoint"];
            let others = [
                "token_endpoint_auth_methods_supported",
                "authorization_response_iss_parameter_supported",
                "response_types_supported",
                "op_policy_uri",
                "scopes_supported",
            ];
            let names = endpoints.into_iter().chain(others);
            let changes = names.map(|name| (name.to_owned(), wrong.clone())).collect();
            let read = read(ISSUER, &Value::Object(changes)).unwrap();
            assert_eq!([read.userinfo, read.revocation, read.end_session], [None, None, None], "{wrong}");
            assert!(!read.names_itself && !read.secret_in_body, "{wrong}");
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
            assert_eq!(read(ISSUER, &changes).err(), Some(MetadataError::Insecure(name)));
        }
        assert!(read(ISSUER, &json!({ "token_endpoint": "HTTPS://id.test/x" })).is_ok());
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
            (json!("client_secret_post"), false),
            (json!([7, "client_secret_post"]), true),
        ] {
            let read = read(ISSUER, &json!({ "token_endpoint_auth_methods_supported": methods })).unwrap();
            assert_eq!(read.secret_in_body, expected, "{methods}");
        }
    }
}
