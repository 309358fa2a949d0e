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
    let opening = opening(auth, keys, development);
    let plays_auth = matches!(auth.kind, AuthKind::Test { .. });
    let plays_comm = comm.is_some_and(|comm| matches!(comm.kind, CommKind::Inspect { .. }));
    let dialect = comm.and_then(|comm| comm.dialect).unwrap_or_default();
    let sealing = match comm.map(|comm| (&comm.kind, &comm.trust)) {
        Some((CommKind::Inspect { .. }, _)) => Some(Sealing::Keys {
            signing: development.signing_key(),
            encryption: development.decryption_key().encryption_key(),
            dialect,
        }),
        Some((CommKind::Remote { .. }, CommTrust::Reseal { encrypt })) => {
            Some(Sealing::Keys { signing: &keys.signing, encryption: encrypt, dialect })
        }
        Some((CommKind::Link(_) | CommKind::Http(_), _)) => Some(Sealing::Adapter),
        Some((CommKind::Remote { .. }, CommTrust::Opaque)) | None => None,
    };
    match (opening, sealing) {
        // The development pair reads its own; of any other, `inspect` shows that it cannot be read.
        (Some(_), Some(_)) if plays_auth && plays_comm => Some(Transfer::Unread),
        (None, Some(_)) if plays_comm => Some(Transfer::Unread),
        (Some(opening), Some(sealing)) => Some(Transfer::Reseal(Resealing { opening, sealing })),
        (None, None) => Some(Transfer::Unread),
        (Some(_), None) => plays_auth.then_some(Transfer::Unread),
        (None, Some(_)) => None,
    }
}
