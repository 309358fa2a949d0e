//! A result on its way between an adapter and the session: inside the gateway it travels sealed, and
//! for its one session (docs/decisions/018-results-inside-the-gateway.md).
//!
//! What leaves the gateway is signed and encrypted to its receiver, as every result is; what comes
//! in is opened and checked. Between the two a sealed state says the same in two microseconds, and no
//! other session and no other method can make use of it.
//! May import: what `plugins` may.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    model::{SessionReference, UnixSeconds},
    tokens::{Attributes, AuthenticationOutcome, SealedState, results::RESULT_LIFETIME},
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
    outcome: Outcome,
    /// What session updates are about; `None` where the method takes none.
    pub updates: Option<Ticket>,
    pub expires_at: UnixSeconds,
}

/// From the session to a communication adapter.
#[derive(Clone, Serialize, Deserialize)]
pub struct Delivery {
    pub session: SessionReference,
    outcome: Outcome,
    /// Where activity and logout can be reported.
    pub session_url: Option<String>,
    pub expires_at: UnixSeconds,
}

#[derive(Clone, Serialize, Deserialize)]
enum Outcome {
    Success(Vec<(String, String)>),
    Failed,
}

impl SealedState for Authenticated {
    const KIND: u8 = 5;
    const LIFETIME: u64 = RESULT_LIFETIME;
}

impl SealedState for Delivery {
    const KIND: u8 = 6;
    const LIFETIME: u64 = RESULT_LIFETIME;
}

impl Authenticated {
    /// Valid for five minutes from `now`, as every result.
    pub fn new(
        session: SessionReference,
        method: &str,
        outcome: &AuthenticationOutcome,
        updates: Option<Ticket>,
        now: UnixSeconds,
    ) -> Self {
        Self {
            session,
            method: method.to_owned(),
            outcome: outcome.into(),
            updates,
            expires_at: now.saturating_add(RESULT_LIFETIME),
        }
    }

    pub fn outcome(&self) -> AuthenticationOutcome {
        self.outcome.clone().into()
    }
}

impl Delivery {
    pub fn new(
        session: SessionReference,
        outcome: &AuthenticationOutcome,
        session_url: Option<String>,
        expires_at: UnixSeconds,
    ) -> Self {
        Self { session, outcome: outcome.into(), session_url, expires_at }
    }

    /// `None` when the citizen did not sign in.
    pub fn attributes(self) -> Option<Attributes> {
        match self.outcome {
            Outcome::Success(attributes) => Some(attributes.into_iter().collect()),
            Outcome::Failed => None,
        }
    }
}

impl From<&AuthenticationOutcome> for Outcome {
    fn from(outcome: &AuthenticationOutcome) -> Self {
        match outcome {
            AuthenticationOutcome::Success { attributes } => Self::Success(
                attributes.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            ),
            AuthenticationOutcome::Failed => Self::Failed,
        }
    }
}

impl From<Outcome> for AuthenticationOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success(attributes) => Self::Success { attributes: attributes.into_iter().collect() },
            Outcome::Failed => Self::Failed,
        }
    }
}
