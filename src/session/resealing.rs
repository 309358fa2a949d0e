//! Making a result ready for its receiver: it passes unread, or it is opened, checked and sealed anew
//! (design.md, "Trust, and brokering"). What cannot be verified goes no further.

use std::ptr;

use super::state::{self, SessionInfo, UpdateTarget, Updates, seal};
use crate::{
    config::{CommMethod, Purpose, Receiver},
    model::{PluginUrl, ResultToken, UnixSeconds},
    plugins::{Authenticated, Delivery, Environment},
    snapshot::{Opening, OpeningKeys, Resealing, Sealing, Snapshot, Transfer},
    tokens::{
        self, Attributes, AuthenticationOutcome, AuthenticationResult, NewResult, StateError, TokenError,
    },
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

/// Makes the result of a brokered session ready; `None` for a citizen who did not sign in on the way to an
/// adapter: behind it is nobody who would talk to them.
pub(super) fn ready(
    snapshot: &Snapshot,
    session: &SessionInfo,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<Option<Ready>, Unready> {
    let comm = snapshot.comm(&session.comm_method).map(|(_, comm, _)| comm);
    let Some((_, auth, _)) = snapshot.auth(&session.auth_method) else {
        // The method was taken out of the configuration in the meantime.
        return if comm.is_some_and(is_resealed_for) {
            Err(Unready::NoWay)
        } else {
            Ok(Some(Ready::unread(token)))
        };
    };
    match snapshot.transfer(auth, comm).ok_or(Unready::NoWay)? {
        Transfer::Unread => Ok(Some(Ready::unread(token))),
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
            let opened = open(snapshot, session, opening, token, environment)?;
            Ok(opened.outcome != AuthenticationOutcome::Failed)
        }
        None => Ok(true),
    }
}

/// Makes an earlier result ready, of which nobody says which method it is of: one that the gateway
/// can open is re-sealed. `None` as for [`ready`].
pub(super) fn ready_earlier(
    snapshot: &Snapshot,
    purpose: &Purpose,
    session: &SessionInfo,
    comm: &CommMethod,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<Option<Ready>, Unready> {
    let methods = purpose.allowed_auth.iter().filter_map(|id| snapshot.config().auth.get(id.0));
    let candidates: Vec<_> = methods
        .filter_map(|auth| match snapshot.transfer(auth, Some(comm)) {
            // What an adapter issues is of no use in another session.
            Some(Transfer::Reseal(Resealing { opening: Opening::Keys(keys), sealing })) => {
                Some((auth, keys, sealing))
            }
            _ => None,
        })
        .collect();
    let mut refusal = Unready::NoWay;
    // Anybody may send an earlier result: it is decrypted once for all methods with the same keys.
    for group in candidates.chunk_by(|(_, a, _), (_, b, _)| ptr::eq(a.decryption, b.decryption)) {
        let Some((_, OpeningKeys { decryption, .. }, _)) = group.first() else { continue };
        let signers: Vec<_> = group.iter().map(|(_, keys, _)| keys.verification).collect();
        let now = environment.clock.now();
        let opened = tokens::open_by_any(token, decryption, &signers, now);
        count("open_result", opened.as_ref().err(), environment);
        match opened.map(|(index, opened)| (group.get(index), opened)) {
            Ok((Some((auth, _, sealing)), opened)) => {
                let session = SessionInfo { auth_method: auth.tag.to_string(), ..session.clone() };
                let opened = Opened::from_outside(opened)?;
                return Step { snapshot, purpose, session: &session, environment }.issue(*sealing, opened);
            }
            Ok((None, _)) => {}
            Err(refused) => refusal = refused.into(),
        }
    }
    if is_resealed_for(comm) { Err(refusal) } else { Ok(Some(Ready::unread(token))) }
}

fn is_resealed_for(comm: &CommMethod) -> bool {
    comm.receiver() == Receiver::Resealed
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
    fn reseal(&self, resealing: Resealing<'_>, token: &ResultToken) -> Result<Option<Ready>, Unready> {
        let Self { snapshot, session, environment, .. } = *self;
        self.issue(resealing.sealing, open(snapshot, session, resealing.opening, token, environment)?)
    }

    fn issue(&self, sealing: Sealing<'_>, opened: Opened) -> Result<Option<Ready>, Unready> {
        let attributes = match opened.outcome {
            AuthenticationOutcome::Success { attributes } => Some(self.asked_for(&attributes)),
            AuthenticationOutcome::Failed => None,
        };
        let failed = attributes.is_none();
        let session_url = opened.updates.map(|target| self.own_session_url(target)).transpose()?;
        let token = match sealing {
            Sealing::Keys { signing, encryption, dialect } => {
                let outcome = attributes.map_or(AuthenticationOutcome::Failed, |attributes| {
                    AuthenticationOutcome::Success { attributes }
                });
                let session_url = session_url.as_ref().map(PluginUrl::as_str);
                let not_after = Some(opened.expires_at);
                let result = NewResult { dialect, outcome: &outcome, session_url, not_after };
                let issued = tokens::issue(&result, signing, encryption, self.environment.clock.now());
                count("issue_result", issued.as_ref().err(), self.environment);
                issued?
            }
            Sealing::Adapter => {
                let Some(attributes) = attributes else { return Ok(None) };
                let delivery = Delivery {
                    session: self.session.reference,
                    method: self.session.comm_method.clone(),
                    auth_method: self.session.auth_method.clone(),
                    attributes,
                    session_url: session_url.map(|url| url.as_str().to_owned()),
                    expires_at: opened.expires_at,
                };
                let sealed = seal(&delivery, self.snapshot, self.environment);
                ResultToken::new(sealed.ok_or(TokenError::Issue)?)
            }
        };
        Ok(Some(Ready { token, failed }))
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
    fn own_session_url(&self, target: UpdateTarget) -> Result<PluginUrl, Unready> {
        let auth = self.snapshot.auth(&self.session.auth_method).map(|(_, auth, _)| auth);
        if let (Some(auth), UpdateTarget::Plugin { session_url }) = (auth, &target)
            && !self.snapshot.may_be_updated_at(auth, session_url)
        {
            return Err(Unready::SessionUrl);
        }
        let state = Updates { session: self.session.clone(), target };
        let sealed = seal(&state, self.snapshot, self.environment).ok_or(TokenError::Issue)?;
        Ok(PluginUrl::own(self.snapshot.internal_url(), &format!("/session/update/{sealed}")))
    }
}

/// What a result says, wherever it is from.
struct Opened {
    outcome: AuthenticationOutcome,
    updates: Option<UpdateTarget>,
    expires_at: UnixSeconds,
}

impl Opened {
    fn from_outside(result: AuthenticationResult) -> Result<Self, Unready> {
        let target = |url| {
            PluginUrl::parse_attr_url(url)
                .map(|session_url| UpdateTarget::Plugin { session_url })
                .map_err(|_| Unready::SessionUrl)
        };
        let AuthenticationResult { outcome, session_url, expires_at, .. } = result;
        Ok(Self { outcome, updates: session_url.map(target).transpose()?, expires_at })
    }

    fn from_adapter(result: Authenticated) -> Self {
        let Authenticated { outcome, updates, expires_at, .. } = result;
        Self { outcome, updates: updates.map(UpdateTarget::Adapter), expires_at }
    }
}

fn open(
    snapshot: &Snapshot,
    session: &SessionInfo,
    opening: Opening<'_>,
    token: &ResultToken,
    environment: Environment<'_>,
) -> Result<Opened, Unready> {
    match opening {
        Opening::Keys(OpeningKeys { decryption, verification }) => {
            let opened = tokens::open(token, decryption, verification, environment.clock.now());
            count("open_result", opened.as_ref().err(), environment);
            Opened::from_outside(opened?)
        }
        Opening::Adapter => match state::open::<Authenticated>(token.expose(), snapshot, environment) {
            Ok(result) if result.session == session.reference && result.method == session.auth_method => {
                Ok(Opened::from_adapter(result))
            }
            Err(StateError::Expired(_)) => Err(TokenError::Expired.into()),
            Ok(_) | Err(StateError::Refused) => Err(TokenError::Undecryptable.into()),
        },
    }
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
