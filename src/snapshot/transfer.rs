//! How results get from an authentication method to a communication method: unread, or opened,
//! checked and sealed anew, as the two trust the gateway (design.md, "Trust, and brokering").

use std::slice;

use super::SessionKeys;
use crate::{
    config::{AuthKind, AuthMethod, AuthTrust, CommKind, CommMethod, CommTrust},
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
pub struct Opening<'s> {
    /// They are encrypted to one of these.
    pub decryption: &'s [DecryptionKey],
    /// They are signed with the other half of this.
    pub verification: &'s VerificationKey,
}

/// Everything that re-sealing for one pair of methods needs.
#[derive(Clone, Copy)]
pub struct Resealing<'s> {
    pub opening: Opening<'s>,
    pub signing: &'s SigningKey,
    pub encryption: &'s EncryptionKey,
    /// The spelling that the receiver reads.
    pub dialect: Dialect,
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
            Some(Opening { decryption: &keys.decryption, verification: verify })
        }
        (AuthKind::Test { .. }, _) => Some(Opening {
            decryption: slice::from_ref(development.decryption_key()),
            verification: development.signing_key().verification_key(),
        }),
    }
}

/// `None` where one side wants results that pass unread and the other does not.
pub(super) fn transfer<'s>(
    auth: &'s AuthMethod,
    comm: Option<&'s CommMethod>,
    keys: &'s SessionKeys,
    development: &'s DevelopmentPair,
) -> Option<Transfer<'s>> {
    let opening = opening(auth, keys, development);
    let plays_auth = matches!(auth.kind, AuthKind::Test { .. });
    let plays_comm = comm.is_some_and(|comm| matches!(comm.kind, CommKind::Inspect { .. }));
    let sealing = match comm.map(|comm| (&comm.kind, &comm.trust)) {
        Some((CommKind::Inspect { .. }, _)) => {
            Some((development.signing_key(), development.decryption_key().encryption_key()))
        }
        Some((CommKind::Remote { .. }, CommTrust::Reseal { encrypt })) => Some((&keys.signing, encrypt)),
        Some((CommKind::Remote { .. }, CommTrust::Opaque)) | None => None,
    };
    match (opening, sealing) {
        // The development pair reads its own; of any other, `inspect` shows that it cannot be read.
        (Some(_), Some(_)) if plays_auth && plays_comm => Some(Transfer::Unread),
        (None, Some(_)) if plays_comm => Some(Transfer::Unread),
        (Some(opening), Some((signing, encryption))) => {
            let dialect = comm.and_then(|comm| comm.dialect).unwrap_or_default();
            Some(Transfer::Reseal(Resealing { opening, signing, encryption, dialect }))
        }
        (None, None) => Some(Transfer::Unread),
        (Some(_), None) => plays_auth.then_some(Transfer::Unread),
        (None, Some(_)) => None,
    }
}
