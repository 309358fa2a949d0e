//! The authentication adapter `test`: a sign-in page for development, where the citizen confirms,
//! cancels or fails. It issues real results with the keys of the development pair.
//! May import: what `plugins` may.

use std::sync::Arc;

use http::{Method, StatusCode};
use url::form_urlencoded;

use super::{
    AuthenticationRequest, Environment,
    delivery::deliver,
    development::{DevelopmentPair, SessionId},
    place::{Place, is_media_type, purpose_name},
};
use crate::{
    config::DEFAULT_PLUGIN_TIMEOUT,
    model::{
        AttributeTag, BaseUrl, Dialect, Language, LocalizedText, MethodTag, OwnAnswer, OwnRequest, PluginUrl,
        Random, ResultToken, UnixSeconds,
    },
    pages::{self, BackLink, ErrorPage, RequestedAttribute, SignIn},
    tokens::{AuthenticationOutcome, NewResult},
};

/// An authentication method of kind `test`, built for one generation of the configuration.
#[derive(Debug, Clone)]
pub struct TestAdapter {
    place: Place,
    attributes: Vec<(AttributeTag, String)>,
    dialect: Dialect,
    pair: Arc<DevelopmentPair>,
}

/// One sign-in, from its start until it is forgotten.
#[derive(Clone)]
pub(super) struct SignInSession {
    method: MethodTag,
    purpose: LocalizedText,
    attributes: Vec<AttributeTag>,
    continuation: PluginUrl,
    attr_url: Option<PluginUrl>,
    used: bool,
}

/// What the citizen can do, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Confirm,
    Cancel,
    Fail,
}

impl TestAdapter {
    /// `attributes` are the values that it hands out when they are asked for.
    pub fn new(
        tag: MethodTag,
        public_url: BaseUrl,
        attributes: Vec<(AttributeTag, String)>,
        dialect: Dialect,
        pair: Arc<DevelopmentPair>,
    ) -> Self {
        Self { place: Place { tag, public_url }, attributes, dialect, pair }
    }

    /// Starts a sign-in: `{public_url}/auth/{tag}/{session}`.
    pub fn start(
        &self,
        request: &AuthenticationRequest<'_>,
        now: UnixSeconds,
        random: &dyn Random,
    ) -> PluginUrl {
        let session = SignInSession {
            method: self.place.tag.clone(),
            purpose: purpose_name(request.purpose),
            attributes: request.attributes.to_vec(),
            continuation: request.continuation.clone(),
            attr_url: request.attr_url.cloned(),
            used: false,
        };
        let id = self.pair.sign_ins.insert(session, now, random);
        PluginUrl::own(&self.place.public_url, &self.place.path("auth", &id.to_string()))
    }

    /// Answers a request below `/auth/{tag}/`; `rest` is what follows that. GET and HEAD show the
    /// page and change nothing; POST with the form field `action` acts, once.
    pub async fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let Some(id) = SessionId::parse(rest) else {
            return self.place.unknown_session(request.language);
        };
        match request.method {
            Method::GET | Method::HEAD => self.show(id, request.language, environment.clock.now()),
            Method::POST => match Action::of(request) {
                Ok(action) => self.act(id, action, request.language, environment).await,
                Err(status) => self.wrong_form(status, request.language),
            },
            _ => self.place.method_not_allowed("GET, HEAD, POST", request.language),
        }
    }

    fn show(&self, id: SessionId, language: Language, now: UnixSeconds) -> OwnAnswer {
        match self.session(id, now, |session| session.clone()) {
            None => self.place.unknown_session(language),
            Some(session) if session.used => self.already_used(&session, language),
            Some(session) => self.sign_in(&session, language),
        }
    }

    async fn act(
        &self,
        id: SessionId,
        action: Action,
        language: Language,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let now = environment.clock.now();
        let session = self.session(id, now, |session| {
            let before = session.clone();
            session.used = true;
            before
        });
        let outcome = match (&session, action) {
            (None, _) => return self.place.unknown_session(language),
            (Some(session), _) if session.used => return self.already_used(session, language),
            (Some(session), Action::Cancel) => return OwnAnswer::see_other(session.continuation.as_str()),
            (Some(session), Action::Confirm) => self.success(session),
            (Some(_), Action::Fail) => AuthenticationOutcome::Failed,
        };
        let result =
            NewResult { dialect: self.dialect, outcome: &outcome, session_url: None, not_after: None };
        match (session, self.pair.issue(&result, now)) {
            (Some(session), Ok(token)) => self.hand_over(&session, &token, language, environment).await,
            _ => OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// By POST to `attr_url` when there is one, else with the citizen (protocol.md, "Core -> auth
    /// plugin").
    async fn hand_over(
        &self,
        session: &SignInSession,
        token: &ResultToken,
        language: Language,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let Some(attr_url) = &session.attr_url else {
            return OwnAnswer::see_other(&with_result(&session.continuation, token));
        };
        match deliver(attr_url, token, DEFAULT_PLUGIN_TIMEOUT, environment).await {
            Ok(_) => OwnAnswer::see_other(session.continuation.as_str()),
            Err(_) => self.not_delivered(session, language),
        }
    }

    /// A session of this method: names of another method's sessions are unknown here.
    fn session<R>(
        &self,
        id: SessionId,
        now: UnixSeconds,
        look: impl FnOnce(&mut SignInSession) -> R,
    ) -> Option<R> {
        let look = |session: &mut SignInSession| (session.method == self.place.tag).then(|| look(session));
        self.pair.sign_ins.with(id, now, look).flatten()
    }

    fn value(&self, attribute: &AttributeTag) -> Option<&str> {
        self.attributes.iter().find(|(tag, _)| tag == attribute).map(|(_, value)| value.as_str())
    }

    /// Releases what was asked for, as far as it is there.
    fn success(&self, session: &SignInSession) -> AuthenticationOutcome {
        let released = session
            .attributes
            .iter()
            .filter_map(|attribute| Some((attribute.to_string(), self.value(attribute)?.to_owned())));
        AuthenticationOutcome::Success { attributes: released.collect() }
    }

    fn sign_in(&self, session: &SignInSession, language: Language) -> OwnAnswer {
        let attributes = session
            .attributes
            .iter()
            .map(|attribute| RequestedAttribute { tag: attribute.as_str(), value: self.value(attribute) });
        let view = SignIn {
            base: self.place.base(),
            purpose: session.purpose.text(language),
            attributes: attributes.collect(),
        };
        pages::sign_in(&view, language)
    }

    fn already_used(&self, session: &SignInSession, language: Language) -> OwnAnswer {
        let texts = language.pick(
            ["U bent hier al geweest", "Deze inlogpagina werkt één keer.", "Ga verder met uw gesprek."],
            ["You have been here before", "This sign-in page works once.", "Go on to your conversation."],
        );
        self.way_on(StatusCode::CONFLICT, texts, session, language)
    }

    /// Plugins in the field ignore this; whoever develops one wants to see it.
    fn not_delivered(&self, session: &SignInSession, language: Language) -> OwnAnswer {
        let texts = language.pick(
            [
                "Uw gegevens zijn niet aangekomen",
                "De andere kant heeft het resultaat niet aangenomen.",
                "U kunt verdergaan, maar uw gegevens zijn daar niet bekend.",
            ],
            [
                "Your data did not arrive",
                "The other side did not accept the result.",
                "You can go on, but your data are not known there.",
            ],
        );
        self.way_on(StatusCode::BAD_GATEWAY, texts, session, language)
    }

    fn way_on(
        &self,
        status: StatusCode,
        [title, what_happened, what_to_do]: [&str; 3],
        session: &SignInSession,
        language: Language,
    ) -> OwnAnswer {
        let link = BackLink {
            url: session.continuation.as_str().to_owned(),
            label: language.pick("Verder", "Go on"),
        };
        let base = self.place.base();
        pages::error(
            &ErrorPage { base, status, title, what_happened, what_to_do, links: &[link], session: None },
            language,
        )
    }

    fn wrong_form(&self, status: StatusCode, language: Language) -> OwnAnswer {
        let texts = language.pick(
            ["Dit is niet begrepen", "Het formulier kwam niet goed aan.", "Ga terug en probeer het opnieuw."],
            ["This was not understood", "The form did not arrive properly.", "Go back and try again."],
        );
        self.place.error(status, texts, language)
    }
}

impl Action {
    /// From the form field `action`.
    ///
    /// # Errors
    /// The status to answer with: 415 when it is no form, 400 when it has no such action.
    fn of(request: &OwnRequest) -> Result<Self, StatusCode> {
        if !is_media_type(request.content_type.as_deref(), "application/x-www-form-urlencoded") {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let action = form_urlencoded::parse(&request.body).find(|(name, _)| name == "action");
        match action.as_ref().map(|(_, value)| value.as_ref()) {
            Some("confirm") => Ok(Self::Confirm),
            Some("cancel") => Ok(Self::Cancel),
            Some("fail") => Ok(Self::Fail),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }
}

/// On `tel:`, at the very end of the string, as plugins in the field do: it has no query to add to.
fn with_result(continuation: &PluginUrl, token: &ResultToken) -> String {
    if !continuation.is_telephone() {
        return continuation.with_result(token.expose());
    }
    let separator = if continuation.as_str().contains('?') { '&' } else { '?' };
    format!("{}{separator}result={}", continuation.as_str(), token.expose())
}

#[cfg(test)]
mod tests;
