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

/// Everything that re-sealing for one pair of methods needs.
#[derive(Clone, Copy)]
pub struct Resealing<'s> {
    /// Results come encrypted to one of these, ...
    pub decryption: &'s [DecryptionKey],
    /// ... signed with the other half of this,
    pub verification: &'s VerificationKey,
    /// and go signed with this, ...
    pub signing: &'s SigningKey,
    /// ... encrypted to this, ...
    pub encryption: &'s EncryptionKey,
    /// ... in this spelling.
    pub dialect: Dialect,
}

/// `None` where one side wants results that pass unread and the other does not.
pub(super) fn transfer<'s>(
    auth: &'s AuthMethod,
    comm: Option<&'s CommMethod>,
    keys: &'s SessionKeys,
    development: &'s DevelopmentPair,
) -> Option<Transfer<'s>> {
    let own_verification = development.signing_key().verification_key();
    let (decryption, verification) = match (&auth.kind, &auth.trust) {
        (AuthKind::Remote { .. }, AuthTrust::Opaque) => (None, own_verification),
        (AuthKind::Remote { .. }, AuthTrust::Reseal { verify }) => (Some(&*keys.decryption), verify),
        (AuthKind::Test { .. }, _) => (Some(slice::from_ref(development.decryption_key())), own_verification),
    };
    let is_adapter = matches!(auth.kind, AuthKind::Test { .. });
    let (signing, encryption) = match comm.map(|comm| (&comm.kind, &comm.trust)) {
        Some((CommKind::Inspect { .. }, _)) if is_adapter => return Some(Transfer::Unread),
        Some((CommKind::Inspect { .. }, _)) => {
            (development.signing_key(), development.decryption_key().encryption_key())
        }
        Some((CommKind::Remote { .. }, CommTrust::Reseal { encrypt })) => (keys.signing(), encrypt),
        Some((CommKind::Remote { .. }, CommTrust::Opaque)) | None => {
            return (decryption.is_none() || is_adapter).then_some(Transfer::Unread);
        }
    };
    match (decryption, comm) {
        (Some(decryption), Some(comm)) => {
            let dialect = comm.dialect.unwrap_or_default();
            Some(Transfer::Reseal(Resealing { decryption, verification, signing, encryption, dialect }))
        }
        // What `inspect` shows then is that the result cannot be read.
        (None, Some(CommMethod { kind: CommKind::Inspect { .. }, .. })) => Some(Transfer::Unread),
        _ => None,
    }
}
