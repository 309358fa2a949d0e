//! What travels between initiators, the gateway and plugins (protocol.md, "the protocol on the
//! wire"), as types that serde reads and writes.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// An authentication result in transit: the compact JWE, opaque to the gateway. It holds a
/// citizen's identity, so neither `Debug` nor an error can show it.
#[derive(Clone)]
pub struct ResultToken(SecretString);

impl ResultToken {
    pub fn new(compact: String) -> Self {
        Self(compact.into())
    }

    /// The token itself, to be sent to its addressee and nowhere else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ResultToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResultToken(redacted)")
    }
}

impl<'de> Deserialize<'de> for ResultToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The two spellings of an authentication result in use (protocol.md, "The authentication result").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `status: succes` (sic), no `attributes` on failure.
    #[default]
    IdContact,
    /// `status: success`, `attributes: {}` on failure.
    VerderHelpen,
}

impl Dialect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdContact => "id-contact",
            Self::VerderHelpen => "verder-helpen",
        }
    }
}

/// `GET /session_options/{purpose}`.
#[derive(Debug, Serialize)]
pub struct SessionOptions<'a> {
    pub auth_methods: Vec<MethodOption<'a>>,
    pub comm_methods: Vec<MethodOption<'a>>,
}

/// One method that a citizen may choose; nothing else of its configuration is shown.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MethodOption<'a> {
    pub tag: &'a str,
    pub name: &'a str,
    pub image_path: &'a str,
}

/// The answer of `POST /start`: where to send the citizen.
#[derive(Debug, Serialize)]
pub struct ClientUrl<'a> {
    pub client_url: &'a str,
}

/// `POST {start}/start_communication`.
#[derive(Debug, Serialize)]
pub struct StartCommunication<'a> {
    pub purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_result: Option<&'a str>,
}

/// What a communication plugin answers, before its URLs are checked.
#[derive(Deserialize)]
pub struct CommunicationStarted {
    pub client_url: String,
    #[serde(default)]
    pub attr_url: Option<String>,
}

/// `POST {start}/start_authentication`.
#[derive(Debug, Serialize)]
pub struct StartAuthentication<'a> {
    pub attributes: Vec<&'a str>,
    pub continuation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attr_url: Option<&'a str>,
}

/// What an authentication plugin answers, before its URL is checked.
#[derive(Deserialize)]
pub struct AuthenticationStarted {
    pub client_url: String,
}
