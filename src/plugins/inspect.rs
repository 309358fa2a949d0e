//! The communication adapter `inspect`: a page for development that shows what was delivered,
//! decrypted and verified with the keys of the development pair.
//! May import: what `plugins` may.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{
    CommunicationRequest, CommunicationStarted,
    development::{DevelopmentPair, SessionId},
    place::{Place, is_media_type, purpose_name},
};
use crate::{
    config::InspectDelivery,
    model::{
        BaseUrl, LocalizedText, MethodTag, OwnAnswer, OwnRequest, PluginUrl, Random, ResultToken, UnixSeconds,
    },
    pages::{self, Delivered, DeliveredResult, Delivery, Route, Unreadable},
    tokens::{AuthenticationOutcome, AuthenticationResult, MAX_TOKEN_BYTES, TokenError},
};

/// Seconds that the page looks for a result, from when the citizen first arrives. The result is
/// sent before the citizen is; later than this it does not come.
const PATIENCE: u64 = 5;

/// A communication method of kind `inspect`, built for one generation of the configuration.
#[derive(Debug, Clone)]
pub struct InspectAdapter {
    place: Place,
    internal_url: BaseUrl,
    delivery: InspectDelivery,
    pair: Arc<DevelopmentPair>,
}

/// One conversation, from its start until it is forgotten.
#[derive(Clone)]
pub(super) struct Conversation {
    method: MethodTag,
    purpose: LocalizedText,
    expects_post: bool,
    received: Option<Received>,
    first_seen: Option<UnixSeconds>,
}

/// A result is opened when it comes: kept as a token, it would expire.
#[derive(Clone)]
struct Received {
    route: Route,
    result: Result<AuthenticationResult, TokenError>,
}

impl InspectAdapter {
    pub fn new(
        tag: MethodTag,
        public_url: BaseUrl,
        internal_url: BaseUrl,
        delivery: InspectDelivery,
        pair: Arc<DevelopmentPair>,
    ) -> Self {
        Self { place: Place { tag, public_url }, internal_url, delivery, pair }
    }

    /// Starts a conversation: `{public_url}/comm/{tag}/{session}`, and for a result that is to come
    /// by POST `{internal_url}/comm/{tag}/attributes/{session}`.
    pub fn start(
        &self,
        request: &CommunicationRequest<'_>,
        now: UnixSeconds,
        random: &dyn Random,
    ) -> CommunicationStarted {
        let received = request.auth_result.map(|token| self.receive(Route::AtStart, token, now));
        let expects_post = self.delivery == InspectDelivery::AttrUrl && received.is_none();
        let conversation = Conversation {
            method: self.place.tag.clone(),
            purpose: purpose_name(request.purpose),
            expects_post,
            received,
            first_seen: None,
        };
        let id = self.pair.conversations.insert(conversation, now, random);
        let attr_path = self.place.path("comm", &format!("attributes/{id}"));
        CommunicationStarted {
            client_url: PluginUrl::own(&self.place.public_url, &self.place.path("comm", &id.to_string())),
            attr_url: expects_post.then(|| PluginUrl::own(&self.internal_url, &attr_path)),
        }
    }

    /// Answers a request for the public `/comm/{tag}/{rest}`. HEAD is answered like GET, and does
    /// not count as the citizen's arrival.
    pub fn page(&self, rest: &str, request: &OwnRequest, now: UnixSeconds) -> OwnAnswer {
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return self.place.method_not_allowed("GET, HEAD", request.language);
        }
        let arrives = request.method == Method::GET;
        let conversation = SessionId::parse(rest).and_then(|id| {
            self.conversation(id, now, |conversation| {
                if arrives {
                    conversation.first_seen.get_or_insert(now);
                }
                conversation.clone()
            })
        });
        let Some(mut conversation) = conversation else {
            return self.place.unknown_session(request.language);
        };
        if conversation.received.is_none() {
            conversation.received = request
                .parameters("result")
                .next()
                .map(|token| self.receive(Route::Result, &ResultToken::new(token), now));
        }
        let view = Delivered {
            base: self.place.base(),
            purpose: conversation.purpose.text(request.language),
            delivery: conversation.delivery(now),
        };
        pages::delivered(&view, request.language)
    }

    /// Takes a result, once: `POST` to the internal `/comm/{tag}/{rest}`, where `rest` is
    /// `attributes/{session}`. Answers 204; 404 for an unknown session and for a second delivery,
    /// as communication plugins in the field do; 405, 413 and 415 for what is no delivery.
    pub fn deliver(&self, rest: &str, request: &OwnRequest, now: UnixSeconds) -> OwnAnswer {
        if request.method != Method::POST {
            return self.place.method_not_allowed("POST", request.language);
        }
        if !is_media_type(request.content_type.as_deref(), "application/jwt") {
            return OwnAnswer::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        if request.body.len() > MAX_TOKEN_BYTES {
            return OwnAnswer::empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let token = ResultToken::new(String::from_utf8_lossy(&request.body).into_owned());
        let received = self.receive(Route::AttrUrl, &token, now);
        let accepted = rest.strip_prefix("attributes/").and_then(SessionId::parse).and_then(|id| {
            self.conversation(id, now, |conversation| {
                let expected = conversation.expects_post && conversation.received.is_none();
                if expected {
                    conversation.received = Some(received);
                }
                expected
            })
        });
        OwnAnswer::empty(if accepted == Some(true) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
    }

    fn receive(&self, route: Route, token: &ResultToken, now: UnixSeconds) -> Received {
        Received { route, result: self.pair.open(token, now) }
    }

    /// A conversation of this method: names of another method's are unknown here.
    fn conversation<R>(
        &self,
        id: SessionId,
        now: UnixSeconds,
        look: impl FnOnce(&mut Conversation) -> R,
    ) -> Option<R> {
        let look = |conversation: &mut Conversation| {
            (conversation.method == self.place.tag).then(|| look(conversation))
        };
        self.pair.conversations.with(id, now, look).flatten()
    }
}

impl Conversation {
    fn delivery(&self, now: UnixSeconds) -> Delivery<'_> {
        let Some(Received { route, result }) = &self.received else {
            let waits = self.expects_post && self.first_seen.is_none_or(|since| now < since + PATIENCE);
            return if waits { Delivery::Waiting } else { Delivery::Nothing };
        };
        match result {
            Ok(result) => Delivery::Received { route: *route, result: view(result) },
            Err(error) => Delivery::Unreadable { route: *route, reason: reason(*error) },
        }
    }
}

fn view(result: &AuthenticationResult) -> DeliveredResult<'_> {
    DeliveredResult {
        dialect: result.dialect,
        attributes: match &result.outcome {
            AuthenticationOutcome::Success { attributes } => Some(attributes.iter().collect()),
            AuthenticationOutcome::Failed => None,
        },
        session_url: result.session_url.as_deref(),
        issued_at: result.issued_at,
        expires_at: result.expires_at,
    }
}

fn reason(error: TokenError) -> Unreadable {
    match error {
        // A header of another algorithm belongs to a key of another kind.
        TokenError::Undecryptable | TokenError::Header(_) => Unreadable::OtherKey,
        TokenError::Signature => Unreadable::Signature,
        TokenError::Expired => Unreadable::Expired,
        TokenError::NotYetValid => Unreadable::NotYetValid,
        TokenError::TooLarge | TokenError::Malformed | TokenError::Claims | TokenError::Issue => {
            Unreadable::Malformed
        }
    }
}

#[cfg(test)]
mod tests;
