//! One sign-in at an authentication adapter: what it has to remember from its start to its end, and
//! how it ends.
//! May import: what `plugins` may.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AuthenticationRequest, Environment,
    handover::{Authenticated, Ticket},
    place::{SealedPlace, seal},
};
use crate::{
    model::{Language, OwnAnswer, PluginUrl, SessionReference, Stuck, UnixSeconds, url},
    pages::{self, BackLink},
    templates::scalar_text,
    tokens::{Attributes, AuthenticationOutcome},
};

/// Seconds that a citizen has to sign in.
pub(super) const SIGN_IN_LIFETIME: u64 = 60 * 60;

/// Why an attribute that was asked for cannot be had: in names of plugins.yaml, and without any value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("`{attribute}` from `{from}` is missing")]
    Missing { attribute: String, from: String },
    /// Of a selection.
    #[error("`{attribute}` is missing: `{from}` selects nothing, or more than one value")]
    Unselected { attribute: String, from: String },
    #[error("`{attribute}` from `{from}` is a list, an object or a number that is too large")]
    NoText { attribute: String, from: String },
    #[error("`{attribute}` from `{from}` is longer than {most} bytes")]
    TooLong { attribute: String, from: String, most: usize },
    /// The method has changed since the sign-in began.
    #[error("`{attribute}` is not among the attributes of the method any more")]
    Unknown { attribute: String },
}

impl Unusable {
    pub(super) fn unknown(attribute: &str) -> Self {
        Self::Unknown { attribute: attribute.to_owned() }
    }
}

/// An attribute as text, from what stands where plugins.yaml says; `null` is missing.
pub(super) fn attribute_text(
    attribute: &str,
    from: impl fmt::Display,
    found: Option<&Value>,
) -> Result<String, Unusable> {
    let names = || (attribute.to_owned(), from.to_string());
    let Some(found) = found.filter(|found| !found.is_null()) else {
        let (attribute, from) = names();
        return Err(Unusable::Missing { attribute, from });
    };
    scalar_text(found).map(Into::into).ok_or_else(|| {
        let (attribute, from) = names();
        Unusable::NoText { attribute, from }
    })
}

/// Part of an adapter's sealed state. Its binary form has no names: whoever changes the fields gives
/// every state that holds it another kind.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SignIn {
    pub(super) session: SessionReference,
    /// The tag of the purpose.
    pub(super) purpose: String,
    /// Tags of what is asked for.
    pub(super) attributes: Vec<String>,
    #[serde(with = "url::as_client_url")]
    continuation: PluginUrl,
    pub(super) started: UnixSeconds,
}

impl SignIn {
    pub(super) fn of(request: &AuthenticationRequest<'_>, now: UnixSeconds) -> Self {
        Self {
            session: request.session,
            purpose: request.purpose.tag.to_string(),
            attributes: request.attributes.iter().map(ToString::to_string).collect(),
            continuation: request.continuation.clone(),
            started: now,
        }
    }

    /// All that was asked for, from what the source knows.
    ///
    /// # Errors
    /// The first of what `value` says of an attribute.
    pub(super) fn outcome<E>(
        &self,
        value: impl Fn(&str) -> Result<String, E>,
    ) -> Result<AuthenticationOutcome, E> {
        let attributes = self.attributes.iter().map(|tag| Ok((tag.clone(), value(tag)?)));
        Ok(AuthenticationOutcome::Success { attributes: attributes.collect::<Result<Attributes, E>>()? })
    }

    /// Sends the citizen on with the result.
    pub(super) fn finish(
        &self,
        at: &SealedPlace,
        outcome: &AuthenticationOutcome,
        updates: Option<Ticket>,
        language: Language,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let method = at.place.tag.as_str();
        let now = environment.clock.now();
        let result = Authenticated::new(self.session, method, outcome.clone(), updates, now);
        // What is too large to travel never arrives: the citizen is told so, and not left with nothing.
        let token = seal(&at.keys, &result, environment).or_else(|| {
            let failed = AuthenticationOutcome::Failed;
            let result = Authenticated::new(self.session, method, failed, None, now);
            seal(&at.keys, &result, environment)
        });
        match token {
            Some(token) => pages::go_on(at.place.base(), &self.continuation.with_result(&token), language),
            None => OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// Where the citizen goes who chooses to stop: back, without a result.
    pub(super) fn way_back(&self) -> &str {
        self.continuation.as_str()
    }

    /// Sends the citizen back without a result: they chose to stop.
    pub(super) fn cancel(&self, at: &SealedPlace, language: Language) -> OwnAnswer {
        pages::go_on(at.place.base(), self.continuation.as_str(), language)
    }

    /// The source of identity cannot be reached, or the browser is not the one that began: a page with
    /// a way to try again, when there is one, and one to start over.
    pub(super) fn stuck(
        &self,
        at: &SealedPlace,
        status: StatusCode,
        texts: [&str; 3],
        again: Option<String>,
        language: Language,
    ) -> OwnAnswer {
        let again = again.map(|url| BackLink { url, label: language.pick("Probeer opnieuw", "Try again") });
        let over = at.place.start_again(&self.purpose, language);
        let links: Vec<_> = again.into_iter().chain([over]).collect();
        let answer = at.place.error_with(status, texts, &links, Some(self.session), language);
        OwnAnswer { stuck: Some(Stuck::SignIn { continuation: self.continuation.clone() }), ..answer }
    }
}
