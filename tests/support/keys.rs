//! Keys of the test's own, made once per process: an RSA key takes a noticeable part of a second.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use id_contact_gateway::tokens::{DecryptionKey, EncryptionKey, SigningKey, VerificationKey};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
};

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 2048 bits: `RS256` and `RSA-OAEP`.
    Rsa,
    /// `ES256` and `ECDH-ES`.
    P256,
    /// `EdDSA`; for signatures only.
    Ed25519,
}

/// A private key in the forms that configurations and plugins want.
pub struct Key {
    pub private: PKey<Private>,
    pub private_pem: String,
    pub public_pem: String,
}

type Keys = HashMap<(&'static str, Kind), Arc<Key>>;

/// The key of this kind that this party has throughout the process.
pub fn key(party: &'static str, kind: Kind) -> Arc<Key> {
    static KEYS: LazyLock<Mutex<Keys>> = LazyLock::new(Mutex::default);
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(keys.entry((party, kind)).or_insert_with(|| Arc::new(Key::generate(kind))))
}

impl Key {
    fn generate(kind: Kind) -> Self {
        let private = match kind {
            Kind::Rsa => Rsa::generate(2048).and_then(PKey::from_rsa),
            Kind::P256 => EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
                .and_then(|group| EcKey::generate(&group))
                .and_then(PKey::from_ec_key),
            Kind::Ed25519 => PKey::generate_ed25519(),
        };
        let private = private.expect("OpenSSL makes keys");
        let text = |pem: Vec<u8>| String::from_utf8(pem).expect("PEM is ASCII");
        let private_pem = text(private.private_key_to_pem_pkcs8().expect("a key has a PEM form"));
        let public_pem = text(private.public_key_to_pem().expect("a key has a PEM form"));
        Self { private, private_pem, public_pem }
    }

    pub fn signing(&self) -> SigningKey {
        SigningKey::from_pem(self.private_pem.as_bytes()).expect("the key signs")
    }

    pub fn verification(&self) -> VerificationKey {
        VerificationKey::from_pem(self.public_pem.as_bytes()).expect("the key verifies")
    }

    pub fn encryption(&self) -> EncryptionKey {
        EncryptionKey::from_pem(self.public_pem.as_bytes()).expect("the key encrypts")
    }

    pub fn decryption(&self) -> DecryptionKey {
        DecryptionKey::from_pem(self.private_pem.as_bytes()).expect("the key decrypts")
    }
}
