//! The keys in force: the configured ones, and where there are none, those of the process.

use std::{slice, sync::Arc};

use http::{HeaderValue, StatusCode, header};

use crate::{
    config::Keys,
    model::OwnAnswer,
    tokens::{self, DecryptionKey, KeyError, SigningKey, StateKey, StateKeys},
};

/// The name of keys that end with the process.
const EPHEMERAL: &str = "ephemeral";

/// Keys that this process made, for what the configuration has no key for. Running sessions survive
/// a reload with them, but no restart and no other instance.
pub struct EphemeralKeys {
    state: StateKey,
    signing: SigningKey,
}

impl EphemeralKeys {
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL cannot make keys.
    pub fn new() -> Result<Self, KeyError> {
        let signing = SigningKey::generate()?;
        // Whoever keeps a key set must not take another process's key for this one.
        let [a, b, c, d, ..] = signing.verification_key().fingerprint();
        Ok(Self {
            state: StateKey::generate(EPHEMERAL)?,
            signing: signing.with_id(&format!("{EPHEMERAL}-{a:02x}{b:02x}{c:02x}{d:02x}")),
        })
    }
}

/// The gateway's own keys.
pub struct SessionKeys {
    pub state: Arc<StateKeys>,
    pub signing: SigningKey,
    /// As configured: whoever encrypts to the gateway has to know one of them.
    pub decryption: Vec<DecryptionKey>,
    /// The public halves of all signing keys: the next one is known before it is used.
    pub(super) published: Arc<OwnAnswer>,
}

impl SessionKeys {
    pub(super) fn new(configured: &Keys, ephemeral: &EphemeralKeys) -> Self {
        // What was sealed before a key was configured opens until the process ends.
        let mut state = configured.state.iter().chain([&ephemeral.state]).cloned();
        let first = state.next().unwrap_or_else(|| ephemeral.state.clone());
        let signing = match &*configured.signing {
            [] => slice::from_ref(&ephemeral.signing),
            configured => configured,
        };
        Self {
            state: Arc::new(StateKeys::new(first, state.collect())),
            signing: signing.first().unwrap_or(&ephemeral.signing).clone(),
            decryption: configured.decryption.clone(),
            published: Arc::new(published(signing)),
        }
    }
}

fn published(keys: &[SigningKey]) -> OwnAnswer {
    OwnAnswer::new(StatusCode::OK, "application/json", tokens::jwks(keys))
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"))
}
