//! A result on its way between an adapter and the session: inside the gateway it travels sealed, and
//! for its one session (docs/decisions/018-results-inside-the-gateway.md).
//!
//! What leaves the gateway is signed and encrypted to its receiver, as every result is; what comes
//! in is opened and checked. Between the two a sealed state says the same in two microseconds, and no
//! other session and no other method can make use of it.
//! May import: what `plugins` may.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Environment, SealedPlace, open};
use crate::{
    model::{SessionReference, UnixSeconds},
    tokens::{Attributes, AuthenticationOutcome, SealedState, StateError, results::RESULT_LIFETIME},
};

/// What an adapter wants to be given back with a session update; its own form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket(pub(super) Vec<u8>);

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(redacted)")
    }
}

/// From an authentication adapter to the session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Authenticated {
    pub session: SessionReference,
    /// The tag of the method.
    pub method: String,
    pub outcome: AuthenticationOutcome,
    /// What session updates are about; `None` where the method takes none.
    pub updates: Option<Ticket>,
    pub expires_at: UnixSeconds,
}

/// From the session to a communication adapter: of somebody who signed in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Delivery {
    pub session: SessionReference,
    /// The tag of the method.
    pub method: String,
    /// By which method the citizen signed in, for who counts.
    pub auth_method: String,
    pub attributes: Attributes,
    /// Where activity and logout can be reported.
    pub session_url: Option<String>,
    pub expires_at: UnixSeconds,
}

impl SealedState for Authenticated {
    const KIND: u8 = 5;
    const LIFETIME: u64 = RESULT_LIFETIME;
}

impl SealedState for Delivery {
    const KIND: u8 = 29;
    const LIFETIME: u64 = RESULT_LIFETIME;
}

impl Authenticated {
    /// Valid for five minutes from `now`, as every result.
    pub fn new(
        session: SessionReference,
        method: &str,
        outcome: AuthenticationOutcome,
        updates: Option<Ticket>,
        now: UnixSeconds,
    ) -> Self {
        Self {
            session,
            method: method.to_owned(),
            outcome,
            updates,
            expires_at: now.saturating_add(RESULT_LIFETIME),
        }
    }
}

impl Delivery {
    /// Opens what came to an adapter as the result of a session: it is for this session and this method,
    /// and in its time.
    ///
    /// # Errors
    /// [`StateError`], of which the citizen may be told whether it has expired.
    pub(super) fn open(
        text: &str,
        session: SessionReference,
        at: &SealedPlace,
        environment: Environment<'_>,
    ) -> Result<Self, StateError<Self>> {
        let delivery: Self = open(&at.keys, text, environment)?;
        if delivery.session != session || delivery.method != at.place.tag.as_str() {
            return Err(StateError::Refused);
        }
        if delivery.expires_at <= environment.clock.now() {
            return Err(StateError::Expired(delivery));
        }
        Ok(delivery)
    }
}
