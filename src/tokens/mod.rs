//! Signed and encrypted tokens: keys, authentication results (JWS in JWE), sealed state, signed
//! starts and the published keys.
//!
//! The only module that names josekit and OpenSSL. Keys are parsed once and are valid by
//! construction; every operation takes the time as a parameter. OpenSSL's own generator gives
//! initialisation vectors, ephemeral keys and signature nonces.
//! May import: `model`.

mod base64url;
mod claims;
mod compact;
mod content;
mod ecdh;
pub mod files;
pub mod inspection;
pub mod keys;
mod published;
pub mod results;
pub mod shared;
pub mod signed;
pub mod state;
mod times;

pub use keys::{DecryptionKey, EncryptionKey, KeyError, SigningKey, VerificationKey};
pub use published::jwks;
pub use results::{
    Attributes, AuthenticationOutcome, AuthenticationResult, NewResult, issue, open, open_by_any,
};
pub use shared::{JwtKey, MacKey, SharedSecret};
pub use signed::open_signed;
pub use state::{SealedState, StateError, StateKey, StateKeys};

/// Largest result that is looked at, in characters: forty attributes make 5,400
/// (protocol.md, "The authentication result").
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Seconds that the clock of another party may differ from ours.
pub const CLOCK_SKEW: u64 = 60;

/// Why a token is refused, or cannot be made. Never holds any of its content.
///
/// Everything that can go wrong between the start of decryption and the check of the tag is the
/// one variant [`Self::Undecryptable`]: to tell them apart would be a padding oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is too long")]
    TooLarge,
    #[error("it is not a compact token of the right form")]
    Malformed,
    #[error("its header parameter {0} is not acceptable")]
    Header(&'static str),
    #[error("it cannot be decrypted with the key at hand")]
    Undecryptable,
    #[error("its signature is not of the key at hand")]
    Signature,
    #[error("its claims are not of the right form")]
    Claims,
    #[error("it has expired")]
    Expired,
    #[error("it was issued in the future")]
    NotYetValid,
    #[error("it cannot be issued")]
    Issue,
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && openssl::memcmp::eq(left, right)
}
