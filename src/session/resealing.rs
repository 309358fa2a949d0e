//! Making a result ready for its receiver: it passes unread, or it is opened, checked and sealed anew
//! (design.md, "Trust, and brokering"). What cannot be verified goes no further.

use std::ptr;

use super::state::{SessionInfo, Updates, seal};
use crate::{
    config::{CommKind, CommMethod, CommTrust, Purpose},
    model::{PluginUrl, ResultToken},
    plugins::Environment,
    snapshot::{Opening, Resealing, Snapshot, Transfer},
    tokens::{self, Attributes, AuthenticationOutcome, AuthenticationResult, NewResult, TokenError},
};

/// A result that its receiver can use.
pub(super) struct Ready {
    pub(super) token: ResultToken,
    /// The citizen did not sign in. Never known of a result that passes unread.
    pub(super) failed: bool,
}

/// Why a result goes no further. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unready {
    #[error("the result was refused: {0}")]
    Refused(#[from] TokenError),
    #[error("its `session_url` is none that the method may name (`hosts` in plugins.yaml)")]
    SessionUrl,
    #[error("the configuration has no way for results of the one method to reach the other")]
    NoWay,
    #[error("the purpose is not in purposes.yaml any more")]
    NoPurpose,
}

/// Makes the result of a brokered session ready.
pub(super) fn ready(
    snapshot: &Snapshot,
    session: &SessionInfo,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<Ready, Unready> {
    let comm = snapshot.comm(&session.comm_method).map(|(_, comm, _)| comm);
    let Some((_, auth, _)) = snapshot.auth(&session.auth_method) else {
        // The method was taken out of the configuration in the meantime.
        return if comm.is_some_and(is_resealed_for) {
            Err(Unready::NoWay)
        } else {
            Ok(Ready::unread(token))
        };
    };
    match snapshot.transfer(auth, comm).ok_or(Unready::NoWay)? {
        Transfer::Unread => Ok(Ready::unread(token)),
        Transfer::Reseal(resealing) => {
            let purpose = snapshot.purpose(&session.purpose).ok_or(Unready::NoPurpose)?;
            Step { snapshot, purpose, session, environment }.reseal(resealing, token)
        }
    }
}

/// Whether the citizen signed in, before anybody is chosen to receive the result; a result that
/// passes unread is taken to say so.
pub(super) fn signed_in(
    snapshot: &Snapshot,
    session: &SessionInfo,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<bool, Unready> {
    let auth = snapshot.auth(&session.auth_method).map(|(_, auth, _)| auth);
    match auth.and_then(|auth| snapshot.opening(auth)) {
        Some(opening) => {
            let opened = open(opening, token, environment)?;
            Ok(opened.outcome != AuthenticationOutcome::Failed)
        }
        None => Ok(true),
    }
}

/// Makes an earlier result ready, of which nobody says which method it is of: one that the gateway
/// can open is re-sealed.
pub(super) fn ready_earlier(
    snapshot: &Snapshot,
    purpose: &Purpose,
    session: &SessionInfo,
    comm: &CommMethod,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<Ready, Unready> {
    let methods = purpose.allowed_auth.iter().filter_map(|id| snapshot.config().auth.get(id.0));
    let candidates: Vec<_> = methods
        .filter_map(|auth| match snapshot.transfer(auth, Some(comm)) {
            Some(Transfer::Reseal(resealing)) => Some((auth, resealing)),
            _ => None,
        })
        .collect();
    let mut refusal = Unready::NoWay;
    // Anybody may send an earlier result: it is decrypted once for all methods with the same keys.
    for group in candidates.chunk_by(|(_, a), (_, b)| ptr::eq(a.opening.decryption, b.opening.decryption)) {
        let Some((_, Resealing { opening, .. })) = group.first() else { continue };
        let signers: Vec<_> = group.iter().map(|(_, resealing)| resealing.opening.verification).collect();
        let now = environment.clock.now();
        let opened = tokens::open_by_any(token, opening.decryption, &signers, now);
        count("open_result", opened.as_ref().err(), environment);
        match opened.map(|(index, opened)| (group.get(index), opened)) {
            Ok((Some((auth, resealing)), opened)) => {
                let session = SessionInfo { auth_method: auth.tag.to_string(), ..session.clone() };
                return Step { snapshot, purpose, session: &session, environment }.issue(*resealing, opened);
            }
            Ok((None, _)) => {}
            Err(refused) => refusal = refused.into(),
        }
    }
    if is_resealed_for(comm) { Err(refusal) } else { Ok(Ready::unread(token)) }
}

fn is_resealed_for(comm: &CommMethod) -> bool {
    matches!((&comm.kind, &comm.trust), (CommKind::Remote { .. }, CommTrust::Reseal { .. }))
}

impl Ready {
    fn unread(token: &ResultToken) -> Self {
        Self { token: token.clone(), failed: false }
    }
}

struct Step<'a> {
    snapshot: &'a Snapshot,
    purpose: &'a Purpose,
    session: &'a SessionInfo,
    environment: Environment<'a>,
}

impl Step<'_> {
    fn reseal(&self, resealing: Resealing<'_>, token: &ResultToken) -> Result<Ready, Unready> {
        self.issue(resealing, open(resealing.opening, token, self.environment)?)
    }

    fn issue(&self, resealing: Resealing<'_>, opened: AuthenticationResult) -> Result<Ready, Unready> {
        let Resealing { signing, encryption, dialect, .. } = resealing;
        let outcome = match opened.outcome {
            AuthenticationOutcome::Success { attributes } => {
                AuthenticationOutcome::Success { attributes: self.asked_for(&attributes) }
            }
            AuthenticationOutcome::Failed => AuthenticationOutcome::Failed,
        };
        let session_url = opened.session_url.as_deref().map(|url| self.own_session_url(url)).transpose()?;
        let result = NewResult {
            dialect,
            outcome: &outcome,
            session_url: session_url.as_ref().map(PluginUrl::as_str),
            not_after: Some(opened.expires_at),
        };
        let issued = tokens::issue(&result, signing, encryption, self.environment.clock.now());
        count("issue_result", issued.as_ref().err(), self.environment);
        Ok(Ready { token: issued?, failed: outcome == AuthenticationOutcome::Failed })
    }

    /// The receiver learns nothing that the purpose does not ask for.
    fn asked_for(&self, attributes: &Attributes) -> Attributes {
        let asked = |name: &str| self.purpose.attributes.iter().any(|tag| tag.as_str() == name);
        attributes
            .iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Updates go by way of the gateway. A URL that cannot be called makes the result a wrong one:
    /// without it a logout would be lost.
    fn own_session_url(&self, session_url: &str) -> Result<PluginUrl, Unready> {
        let session_url =
            PluginUrl::parse_attr_url(session_url.to_owned()).map_err(|_| Unready::SessionUrl)?;
        let auth = self.snapshot.auth(&self.session.auth_method).map(|(_, auth, _)| auth);
        if auth.is_some_and(|auth| !self.snapshot.may_be_updated_at(auth, &session_url)) {
            return Err(Unready::SessionUrl);
        }
        let state = Updates { session: self.session.clone(), session_url };
        let sealed = seal(&state, self.snapshot, self.environment).ok_or(TokenError::Issue)?;
        Ok(PluginUrl::own(self.snapshot.internal_url(), &format!("/session/update/{sealed}")))
    }
}

fn open(
    opening: Opening<'_>,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<AuthenticationResult, TokenError> {
    let opened = tokens::open(token, opening.decryption, opening.verification, environment.clock.now());
    count("open_result", opened.as_ref().err(), environment);
    opened
}

/// Counts an operation on a token that others send or get.
pub(super) fn count(operation: &'static str, error: Option<&TokenError>, environment: Environment<'_>) {
    let outcome = match error {
        None => "ok",
        Some(TokenError::Expired) => "expired",
        Some(TokenError::Issue) => "failed",
        Some(_) => "refused",
    };
    environment.metrics.token_operation(operation, outcome);
}
