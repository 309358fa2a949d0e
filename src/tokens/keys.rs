//! Keys, each a type of its own by what it may do. RSA keys have 2048 bits or more, EC keys are
//! on P-256; nothing else gets in (design.md, "The three files").

use std::fmt;

use josekit::{
    jwe::{JweDecrypter, JweEncrypter, RSA_OAEP},
    jws::{ES256, EdDSA, JwsSigner, JwsVerifier, RS256},
};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{HasPublic, Id, PKey, Private, Public},
    sha::sha256,
};

use super::{ecdh, published::PublicJwk};

/// Fewest bits of an RSA key.
pub const MIN_RSA_BITS: u32 = 2048;

/// Why something is not a key that can be used. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not an unencrypted PEM private key")]
    NotAPrivateKey,
    #[error("it is not a PEM public key")]
    NotAPublicKey,
    #[error("it is an RSA key of fewer than {MIN_RSA_BITS} bits")]
    RsaTooShort,
    #[error("it is an EC key on another curve than P-256")]
    Curve,
    #[error("it is neither an RSA nor an EC key")]
    Kind,
    #[error("it is neither an RSA, an EC nor an Ed25519 key")]
    VerifyingKind,
    #[error("it has fewer than {} bytes", super::state::MIN_SECRET_BYTES)]
    SecretTooShort,
    #[error("it has fewer than {} bytes", super::shared::MIN_SIGNING_SECRET_BYTES)]
    MacTooShort,
    #[error("it is not one line of text")]
    NotText,
    #[error("the cryptographic library does not take it")]
    Library,
}

impl KeyError {
    /// The same where Ed25519 is welcome too.
    pub(super) fn for_verifying(self) -> Self {
        if self == Self::Kind { Self::VerifyingKind } else { self }
    }
}

/// Signs: `RS256` or `ES256`, as the key is RSA or EC.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) signer: Box<dyn JwsSigner>,
    /// The header parameter `kid` of what it signs.
    pub(super) id: Option<String>,
    pub(super) jwk: PublicJwk,
    public: VerificationKey,
}

/// Verifies what one private key signed: `RS256`, `ES256` or `EdDSA` (Ed25519), as the key is.
#[derive(Clone)]
pub struct VerificationKey {
    pub(super) verifier: Box<dyn JwsVerifier>,
    /// `SubjectPublicKeyInfo`, DER.
    pub(super) der: Vec<u8>,
}

/// Encrypts to one [`DecryptionKey`]: `RSA-OAEP` or `ECDH-ES`.
#[derive(Clone)]
pub struct EncryptionKey {
    pub(super) encrypter: Box<dyn JweEncrypter>,
    /// `SubjectPublicKeyInfo`, DER.
    pub(super) der: Vec<u8>,
}

/// Decrypts what was encrypted to it.
#[derive(Clone)]
pub struct DecryptionKey {
    pub(super) decrypter: Box<dyn JweDecrypter>,
    id: Option<String>,
    public: EncryptionKey,
}

impl SigningKey {
    /// A new P-256 key.
    ///
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL cannot make one.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_private(&generate_p256()?)
    }

    /// From PEM: PKCS #8, or the traditional form of an RSA or EC private key.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not such a key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_private(&private_key(pem)?)
    }

    fn from_private(key: &PKey<Private>) -> Result<Self, KeyError> {
        let (private, public) = (private_der(key)?, public_der(key)?);
        let signer: Box<dyn JwsSigner> = match Kind::of(key)? {
            Kind::Rsa => Box::new(RS256.signer_from_der(private).map_err(library)?),
            Kind::P256 => Box::new(ES256.signer_from_der(private).map_err(library)?),
            Kind::Ed25519 => return Err(KeyError::Kind),
        };
        let jwk = PKey::public_key_from_der(&public).and_then(|public| PublicJwk::of(&public));
        let public = VerificationKey::from_der(Kind::of(key)?, &public)?;
        Ok(Self { signer, id: None, jwk: jwk.map_err(library)?, public })
    }

    /// The same key under a name, which goes into the header of what it signs and into the JWKS.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The public half.
    pub fn verification_key(&self) -> &VerificationKey {
        &self.public
    }
}

impl VerificationKey {
    /// From PEM: `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not such a key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let key = public_key(pem)?;
        let kind = Kind::of(&key).map_err(KeyError::for_verifying)?;
        Self::from_der(kind, &public_der(&key)?)
    }

    fn from_der(kind: Kind, der: &[u8]) -> Result<Self, KeyError> {
        let verifier: Box<dyn JwsVerifier> = match kind {
            Kind::Rsa => Box::new(RS256.verifier_from_der(der).map_err(library)?),
            Kind::P256 => Box::new(ES256.verifier_from_der(der).map_err(library)?),
            Kind::Ed25519 => Box::new(EdDSA.verifier_from_der(der).map_err(library)?),
        };
        Ok(Self { verifier, der: der.to_owned() })
    }

    /// SHA-256 of the public key (`SubjectPublicKeyInfo`), by which people compare keys.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.der)
    }
}

impl EncryptionKey {
    /// From PEM: `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not such a key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_public(&public_key(pem)?)
    }

    fn from_public(key: &PKey<Public>) -> Result<Self, KeyError> {
        let der = public_der(key)?;
        let encrypter: Box<dyn JweEncrypter> = match Kind::of(key)? {
            Kind::Rsa => Box::new(RSA_OAEP.encrypter_from_der(&der).map_err(library)?),
            Kind::P256 => Box::new(ecdh::Encrypter(key.ec_key().map_err(library)?)),
            Kind::Ed25519 => return Err(KeyError::Kind),
        };
        Ok(Self { encrypter, der })
    }

    /// SHA-256 of the public key (`SubjectPublicKeyInfo`), by which people compare keys.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.der)
    }
}

impl DecryptionKey {
    /// A new P-256 key.
    ///
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL cannot make one.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_private(&generate_p256()?)
    }

    /// From PEM: PKCS #8, or the traditional form of an RSA or EC private key.
    ///
    /// # Errors
    /// [`KeyError`] says why it is not such a key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_private(&private_key(pem)?)
    }

    fn from_private(key: &PKey<Private>) -> Result<Self, KeyError> {
        let decrypter: Box<dyn JweDecrypter> = match Kind::of(key)? {
            Kind::Rsa => Box::new(RSA_OAEP.decrypter_from_der(private_der(key)?).map_err(library)?),
            Kind::P256 => Box::new(ecdh::Decrypter(key.ec_key().map_err(library)?)),
            Kind::Ed25519 => return Err(KeyError::Kind),
        };
        let public = PKey::public_key_from_der(&public_der(key)?).map_err(library)?;
        Ok(Self { decrypter, id: None, public: EncryptionKey::from_public(&public)? })
    }

    /// The same key under a name, for messages.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..self }
    }

    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The public half.
    pub fn encryption_key(&self) -> &EncryptionKey {
        &self.public
    }
}

// Two private keys are the same when their public halves are.
impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.public == other.public
    }
}

impl PartialEq for VerificationKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl PartialEq for EncryptionKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl PartialEq for DecryptionKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.public == other.public
    }
}

macro_rules! redacted {
    ($($key:ident),*) => {$(
        impl fmt::Debug for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($key), "(redacted)"))
            }
        }
    )*};
}

redacted!(SigningKey, VerificationKey, EncryptionKey, DecryptionKey);

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Rsa,
    P256,
    /// Verifies, and nothing else.
    Ed25519,
}

impl Kind {
    /// josekit does not look at the curve or the size in all of its constructors.
    pub(super) fn of<T: HasPublic>(key: &PKey<T>) -> Result<Self, KeyError> {
        match key.id() {
            Id::RSA if key.bits() >= MIN_RSA_BITS => Ok(Self::Rsa),
            Id::RSA => Err(KeyError::RsaTooShort),
            Id::EC => match key.ec_key().map_err(library)?.group().curve_name() {
                Some(Nid::X9_62_PRIME256V1) => Ok(Self::P256),
                _ => Err(KeyError::Curve),
            },
            Id::ED25519 => Ok(Self::Ed25519),
            _ => Err(KeyError::Kind),
        }
    }
}

pub(super) fn generate_p256() -> Result<PKey<Private>, KeyError> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).map_err(library)?;
    EcKey::generate(&group).and_then(PKey::from_ec_key).map_err(library)
}

pub(super) fn private_key(pem: &[u8]) -> Result<PKey<Private>, KeyError> {
    // Without a callback of ours, OpenSSL asks the terminal for the pass phrase of an encrypted key.
    PKey::private_key_from_pem_callback(pem, |_| Ok(0)).map_err(|_| KeyError::NotAPrivateKey)
}

fn public_key(pem: &[u8]) -> Result<PKey<Public>, KeyError> {
    PKey::public_key_from_pem(pem).map_err(|_| KeyError::NotAPublicKey)
}

fn private_der(key: &PKey<Private>) -> Result<Vec<u8>, KeyError> {
    key.private_key_to_pkcs8().map_err(library)
}

fn public_der<T: HasPublic>(key: &PKey<T>) -> Result<Vec<u8>, KeyError> {
    key.public_key_to_der().map_err(library)
}

/// Drops what the library says: it may quote the key.
pub(super) fn library<E>(_: E) -> KeyError {
    KeyError::Library
}

#[cfg(test)]
mod tests {
    use openssl::{rsa::Rsa, symm::Cipher};

    use super::*;

    fn ec(curve: Nid) -> PKey<Private> {
        let group = EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
    }

    fn private_pem(key: &PKey<Private>) -> Vec<u8> {
        key.private_key_to_pem_pkcs8().unwrap()
    }

    #[test]
    fn the_algorithm_follows_from_the_key() {
        for (key, signs, encrypts) in
            [(ec(Nid::X9_62_PRIME256V1), "ES256", "ECDH-ES"), (rsa(2048), "RS256", "RSA-OAEP")]
        {
            let (private, public) = (private_pem(&key), key.public_key_to_pem().unwrap());
            assert_eq!(SigningKey::from_pem(&private).unwrap().signer.algorithm().name(), signs);
            assert_eq!(VerificationKey::from_pem(&public).unwrap().verifier.algorithm().name(), signs);
            assert_eq!(EncryptionKey::from_pem(&public).unwrap().encrypter.algorithm().name(), encrypts);
            assert_eq!(DecryptionKey::from_pem(&private).unwrap().decrypter.algorithm().name(), encrypts);
        }
    }

    #[test]
    fn traditional_pem_is_taken_too() {
        let ec = ec(Nid::X9_62_PRIME256V1).ec_key().unwrap().private_key_to_pem().unwrap();
        assert!(SigningKey::from_pem(&ec).is_ok());
        let rsa = rsa(2048).rsa().unwrap().private_key_to_pem().unwrap();
        assert!(DecryptionKey::from_pem(&rsa).is_ok());
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        for (key, why) in [
            (ec(Nid::SECP384R1), KeyError::Curve),
            (ec(Nid::SECP256K1), KeyError::Curve),
            (rsa(1024), KeyError::RsaTooShort),
            (PKey::generate_ed448().unwrap(), KeyError::Kind),
        ] {
            let (private, public) = (private_pem(&key), key.public_key_to_pem().unwrap());
            assert_eq!(SigningKey::from_pem(&private).unwrap_err(), why);
            assert_eq!(DecryptionKey::from_pem(&private).unwrap_err(), why);
            let verifying = if why == KeyError::Kind { KeyError::VerifyingKind } else { why };
            assert_eq!(VerificationKey::from_pem(&public).unwrap_err(), verifying);
            assert_eq!(EncryptionKey::from_pem(&public).unwrap_err(), why);
        }
    }

    #[test]
    fn ed25519_verifies_and_does_nothing_else() {
        let key = PKey::generate_ed25519().unwrap();
        let (private, public) = (private_pem(&key), key.public_key_to_pem().unwrap());
        assert_eq!(VerificationKey::from_pem(&public).unwrap().verifier.algorithm().name(), "EdDSA");
        assert_eq!(SigningKey::from_pem(&private).unwrap_err(), KeyError::Kind);
        assert_eq!(DecryptionKey::from_pem(&private).unwrap_err(), KeyError::Kind);
        assert_eq!(EncryptionKey::from_pem(&public).unwrap_err(), KeyError::Kind);
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let key = ec(Nid::X9_62_PRIME256V1);
        let encrypted = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret").unwrap();
        for pem in [b"".as_slice(), b"-----BEGIN", &encrypted, &key.public_key_to_pem().unwrap()] {
            assert_eq!(SigningKey::from_pem(pem).unwrap_err(), KeyError::NotAPrivateKey);
        }
        assert_eq!(VerificationKey::from_pem(&private_pem(&key)).unwrap_err(), KeyError::NotAPublicKey);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", SigningKey::generate().unwrap()), "SigningKey(redacted)");
        assert_eq!(format!("{:?}", DecryptionKey::generate().unwrap()), "DecryptionKey(redacted)");
    }
}
