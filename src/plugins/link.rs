//! The communication adapter `link`: a video room, a telephone number, any URL made of a template.
//!
//! The citizen comes to a page of the gateway's with the result that is addressed to it, and is sent on
//! to the URL that the templates make of it. Nothing is kept: whoever reloads is sent to the same room.
//! May import: what `plugins` may.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{CommunicationRequest, CommunicationStarted, Delivery, Environment, PluginError, SealedPlace};
use crate::{
    config::{Jwt, Link},
    model::{Language, Nonce, OwnAnswer, OwnRequest, SessionReference, Stuck, UnixSeconds},
    pages::{self, Call},
    templates::{Name, RenderError, Value, Values},
    tokens::{Attributes, CLOCK_SKEW, SealedState, StateError},
};

/// Seconds that the page is there: as long as a sign-in may take, and the result lasts.
const CONVERSATION_LIFETIME: u64 = 2 * 60 * 60;

/// A communication method of kind `link`, built for one generation of the configuration.
pub struct LinkAdapter {
    at: SealedPlace,
    config: Link,
}

/// What the URL of the page carries.
#[derive(Clone, Serialize, Deserialize)]
struct Conversation {
    session: SessionReference,
    /// The tag of the purpose.
    purpose: String,
    random: Nonce,
    /// Whether a result comes with the citizen.
    authenticated: bool,
}

impl SealedState for Conversation {
    const KIND: u8 = 20;
    const LIFETIME: u64 = CONVERSATION_LIFETIME;
}

/// Why the citizen is sent nowhere. Says nothing of what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("no result came, or several")]
    NoResult,
    #[error("the result is none for this session")]
    Foreign,
    #[error("the result has expired")]
    Expired,
    #[error("a template of plugins.yaml cannot be filled in: {0}")]
    Template(#[from] RenderError),
    #[error("the cryptographic library failed")]
    Library,
}

impl LinkAdapter {
    pub fn new(at: SealedPlace, config: Link) -> Self {
        Self { at, config }
    }

    /// `{public_url}/comm/{tag}/{state}`, to which the result comes with the citizen.
    ///
    /// # Errors
    /// [`PluginError::Library`] when no state can be sealed.
    pub fn start(
        &self,
        request: &CommunicationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let state = Conversation {
            session: request.session,
            purpose: request.purpose.tag.to_string(),
            random: request.random.unwrap_or_else(|| Nonce::new(environment.random)),
            authenticated: request.authenticated,
        };
        let sealed = self.at.seal(&state, environment).ok_or(PluginError::Library)?;
        Ok(CommunicationStarted { client_url: self.at.place.url("comm", &sealed), attr_url: None })
    }

    /// Sends the citizen on, or shows the number to call.
    pub fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        if request.method != Method::GET {
            return self.at.place.method_not_allowed("GET, HEAD", request.language);
        }
        let Some(conversation) = self.at.open::<Conversation>(rest, environment) else {
            return self.at.place.unknown_session(request.language);
        };
        let delivery = match self.delivery(&conversation, request, environment) {
            Ok(delivery) => delivery,
            Err(refusal) => return self.refused(&refusal, &conversation, request.language, environment),
        };
        let base = self.at.place.base();
        match self.link(&conversation, delivery.as_ref(), environment.clock.now()) {
            Ok(url) if self.config.url.is_telephone() => {
                pages::call(&Call { base, url: &url }, request.language)
            }
            Ok(url) => pages::go_on(base, &url, request.language),
            Err(refusal) => {
                let answer = self.refused(&refusal, &conversation, request.language, environment);
                let stuck = Stuck::Conversation {
                    session: conversation.session,
                    purpose: conversation.purpose,
                    auth_method: delivery.map(|delivery| delivery.auth_method).unwrap_or_default(),
                    comm_method: self.at.place.tag.to_string(),
                };
                OwnAnswer { stuck: Some(stuck), ..answer }
            }
        }
    }

    fn link(
        &self,
        conversation: &Conversation,
        delivery: Option<&Delivery>,
        now: UnixSeconds,
    ) -> Result<String, Refusal> {
        let mut values = Known {
            purpose: &conversation.purpose,
            random: conversation.random.to_string(),
            attributes: delivery.map(|delivery| &delivery.attributes),
            room: None,
            jwt: None,
        };
        values.room = self.config.room.as_ref().map(|room| room.text(&values)).transpose()?;
        values.jwt = self.config.jwt.as_ref().map(|jwt| sign(jwt, &values, now)).transpose()?;
        Ok(self.config.url.text(&values)?)
    }

    /// The result that the session handed over to this page; `None` for somebody who did not have to sign in.
    fn delivery(
        &self,
        conversation: &Conversation,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Result<Option<Delivery>, Refusal> {
        if !conversation.authenticated {
            return Ok(None);
        }
        let mut results = request.parameters("result");
        let (Some(result), None) = (results.next(), results.next()) else { return Err(Refusal::NoResult) };
        match Delivery::open(&result, conversation.session, &self.at, environment) {
            Ok(delivery) => Ok(Some(delivery)),
            Err(StateError::Refused) => Err(Refusal::Foreign),
            Err(StateError::Expired(_)) => Err(Refusal::Expired),
        }
    }

    fn refused(
        &self,
        refusal: &Refusal,
        conversation: &Conversation,
        language: Language,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let (session, method) = (conversation.session, self.at.place.tag.as_str());
        tracing::warn!(%session, method, reason = %refusal, request_id = environment.request_id,
            "link refused");
        let over = [self.at.place.start_again(&conversation.purpose, language)];
        let (status, texts) = (refusal.status(), refusal.texts(language));
        self.at.place.error_with(status, texts, &over, Some(session), language)
    }
}

/// What the templates may name.
struct Known<'c> {
    purpose: &'c str,
    random: String,
    /// `None` for somebody who did not have to sign in.
    attributes: Option<&'c Attributes>,
    room: Option<String>,
    jwt: Option<String>,
}

impl Values for Known<'_> {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        match (name.root.as_str(), name.member.as_deref()) {
            ("purpose", None) => Some(Value::text(self.purpose)),
            ("random", None) => Some(Value::text(self.random.as_str())),
            ("room", None) => self.room.as_deref().map(Value::text),
            ("jwt", None) => self.jwt.as_deref().map(Value::text),
            ("attributes", None) => {
                Some(Value::Map(self.attributes.into_iter().flat_map(Attributes::iter).collect()))
            }
            ("attributes", Some(tag)) => self.attributes?.get(tag).map(Value::text),
            _ => None,
        }
    }
}

/// The token, good from now on for its time (RFC 7519, section 4.1).
fn sign(jwt: &Jwt, values: &Known<'_>, now: UnixSeconds) -> Result<String, Refusal> {
    let Json::Object(mut claims) = jwt.claims.render(values)? else { return Err(Refusal::Library) };
    for (name, time) in [
        ("iat", now),
        // Clocks of others may be late.
        ("nbf", now.saturating_sub(CLOCK_SKEW)),
        ("exp", now.saturating_add(jwt.ttl.as_secs())),
    ] {
        claims.insert(name.to_owned(), time.into());
    }
    jwt.key.sign(&claims).map_err(|_| Refusal::Library)
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoResult | Self::Foreign | Self::Expired => StatusCode::BAD_REQUEST,
            Self::Template(_) => StatusCode::BAD_GATEWAY,
            Self::Library => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn texts(&self, language: Language) -> [&'static str; 3] {
        match self {
            Self::NoResult | Self::Foreign => language.pick(
                ["U bent niet ingelogd", "Deze pagina hoort bij een andere sessie.", "Begin opnieuw."],
                ["You are not signed in", "This page belongs to another session.", "Start again."],
            ),
            Self::Expired => language.pick(
                ["Uw sessie is verlopen", "U bent te lang geleden ingelogd.", "Begin opnieuw."],
                ["Your session has expired", "You signed in too long ago.", "Start again."],
            ),
            Self::Template(_) | Self::Library => language.pick(
                [
                    "U kunt zo geen contact opnemen",
                    "Uw gegevens passen niet bij deze manier van contact.",
                    "Begin opnieuw, en kies een andere manier.",
                ],
                [
                    "You cannot get in touch this way",
                    "Your data do not fit this way of communicating.",
                    "Start again, and choose another way.",
                ],
            ),
        }
    }
}

#[cfg(test)]
mod tests;
