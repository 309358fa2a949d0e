//! Keys as files hold them: new ones, and the public halves to hand out.

use openssl::{pkey::PKey, rand::rand_bytes, rsa::Rsa};
use secrecy::{SecretSlice, SecretString};

use super::{
    KeyError, base64url,
    keys::{Kind, generate_p256, library, private_key},
};

/// Bits of a new RSA key: what is advised for use after 2030 (NIST SP 800-57, part 1, table 2).
const RSA_BITS: u32 = 3072;

/// Bytes of a new secret, before they are encoded.
const SECRET_BYTES: usize = 32;

/// The kind of a new key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKey {
    P256,
    Rsa,
}

/// A key pair, as PEM.
pub struct PemPair {
    /// PKCS #8, `PRIVATE KEY`.
    pub private: SecretSlice<u8>,
    /// `PUBLIC KEY`.
    pub public: Vec<u8>,
}

/// A new key pair.
///
/// # Errors
/// [`KeyError::Library`] when OpenSSL cannot make one.
pub fn generate_pair(kind: NewKey) -> Result<PemPair, KeyError> {
    let key = match kind {
        NewKey::P256 => generate_p256()?,
        NewKey::Rsa => Rsa::generate(RSA_BITS).and_then(PKey::from_rsa).map_err(library)?,
    };
    let private = key.private_key_to_pem_pkcs8().map_err(library)?;
    Ok(PemPair { private: private.into(), public: key.public_key_to_pem().map_err(library)? })
}

/// The public half of a private key, both PEM. The key may be any that is of use to somebody here,
/// Ed25519 included.
///
/// # Errors
/// [`KeyError`] says why it is not such a key.
pub fn public_half(private: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = private_key(private)?;
    Kind::of(&key).map_err(KeyError::for_verifying)?;
    key.public_key_to_pem().map_err(library)
}

/// A new secret for [`super::StateKey::from_secret`]: 32 random bytes, in base64url.
///
/// # Errors
/// [`KeyError::Library`] when OpenSSL has no randomness.
pub fn generate_secret() -> Result<SecretString, KeyError> {
    let mut bytes = [0; SECRET_BYTES];
    rand_bytes(&mut bytes).map_err(library)?;
    Ok(base64url::encode(&bytes).into())
}
