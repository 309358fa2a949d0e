//! The keys with which results get from an authentication method to a communication method. Whether
//! they pass unread or are sealed anew says `config::Way`.

use std::slice;

use super::SessionKeys;
use crate::{
    config::{AuthKind, AuthMethod, AuthTrust, CommKind, CommMethod, CommTrust, Way},
    model::Dialect,
    plugins::development::DevelopmentPair,
    tokens::{DecryptionKey, EncryptionKey, SigningKey, VerificationKey},
};

/// What happens to a result on its way.
pub enum Transfer<'s> {
    /// It is encrypted to its receiver already.
    Unread,
    Reseal(Resealing<'s>),
}

/// What opens the results of a method that trusts the gateway with them.
#[derive(Clone, Copy)]
pub enum Opening<'s> {
    Keys(OpeningKeys<'s>),
    /// An adapter hands them over within the gateway.
    Adapter,
}

/// The keys of results that come from outside.
#[derive(Clone, Copy)]
pub struct OpeningKeys<'s> {
    /// They are encrypted to one of these.
    pub decryption: &'s [DecryptionKey],
    /// They are signed with the other half of this.
    pub verification: &'s VerificationKey,
}

/// What results become for their receiver.
#[derive(Clone, Copy)]
pub enum Sealing<'s> {
    Keys {
        signing: &'s SigningKey,
        encryption: &'s EncryptionKey,
        /// The spelling that the receiver reads.
        dialect: Dialect,
    },
    /// The receiver is an adapter, to which they are handed over within the gateway.
    Adapter,
}

/// Everything that re-sealing for one pair of methods needs.
#[derive(Clone, Copy)]
pub struct Resealing<'s> {
    pub opening: Opening<'s>,
    pub sealing: Sealing<'s>,
}

/// `None` for a method whose results pass unread.
pub(super) fn opening<'s>(
    auth: &'s AuthMethod,
    keys: &'s SessionKeys,
    development: &'s DevelopmentPair,
) -> Option<Opening<'s>> {
    match (&auth.kind, &auth.trust) {
        (AuthKind::Remote { .. }, AuthTrust::Opaque) => None,
        (AuthKind::Remote { .. }, AuthTrust::Reseal { verify }) => {
            Some(Opening::Keys(OpeningKeys { decryption: &keys.decryption, verification: verify }))
        }
        (AuthKind::Test { .. }, _) => Some(Opening::Keys(OpeningKeys {
            decryption: slice::from_ref(development.decryption_key()),
            verification: development.signing_key().verification_key(),
        })),
        (AuthKind::Oidc(_) | AuthKind::Http(_) | AuthKind::Headers(_), _) => Some(Opening::Adapter),
    }
}

/// `None` where one side wants results that pass unread and the other does not.
pub(super) fn transfer<'s>(
    auth: &'s AuthMethod,
    comm: Option<&'s CommMethod>,
    keys: &'s SessionKeys,
    development: &'s DevelopmentPair,
) -> Option<Transfer<'s>> {
    match auth.way_to(comm)? {
        Way::Unread => Some(Transfer::Unread),
        Way::Resealed => {
            let opening = opening(auth, keys, development)?;
            let sealing = sealing(comm?, keys, development)?;
            Some(Transfer::Reseal(Resealing { opening, sealing }))
        }
    }
}

/// `None` for a method that takes results as they are.
fn sealing<'s>(
    comm: &'s CommMethod,
    keys: &'s SessionKeys,
    development: &'s DevelopmentPair,
) -> Option<Sealing<'s>> {
    let dialect = comm.dialect.unwrap_or_default();
    match (&comm.kind, &comm.trust) {
        (CommKind::Inspect { .. }, _) => Some(Sealing::Keys {
            signing: development.signing_key(),
            encryption: development.decryption_key().encryption_key(),
            dialect,
        }),
        (CommKind::Remote { .. }, CommTrust::Reseal { encrypt }) => {
            Some(Sealing::Keys { signing: &keys.signing, encryption: encrypt, dialect })
        }
        (CommKind::Link(_) | CommKind::Http(_), _) => Some(Sealing::Adapter),
        (CommKind::Remote { .. }, CommTrust::Opaque) => None,
    }
}
