//! Where an adapter's pages stand, what they have in common, and the state that their URLs carry.
//! May import: what `plugins` may.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Environment;
use crate::{
    config::Purpose,
    model::{
        BaseUrl, Language, LocalizedText, MethodTag, OwnAnswer, PluginUrl, SessionReference,
        cookie::{self, Cookie},
        path_segment,
    },
    pages::{self, BackLink, ErrorPage},
    tokens::{SealedState, StateError, StateKeys},
};

/// Who an adapter is, and where browsers reach it.
#[derive(Debug, Clone)]
pub struct Place {
    pub tag: MethodTag,
    pub public_url: BaseUrl,
}

impl Place {
    /// The path of a session of this method below the base of the URL: `/auth/{tag}/{rest}`.
    pub(super) fn path(&self, side: &str, rest: &str) -> String {
        format!("/{side}/{}/{rest}", path_segment(self.tag.as_str()))
    }

    /// The URL of that path, for browsers.
    pub(super) fn url(&self, side: &str, rest: &str) -> PluginUrl {
        PluginUrl::own(&self.public_url, &self.path(side, rest))
    }

    pub(super) fn base(&self) -> &str {
        self.public_url.path()
    }

    /// `Set-Cookie` for the pages of this method alone; no seconds remove it.
    pub(super) fn cookie(&self, side: &str, name: &str, value: &str, max_age: u64) -> HeaderValue {
        let path = format!("{}/{side}/{}", self.base(), path_segment(self.tag.as_str()));
        Cookie { name, value, path: &path, max_age, secure: self.public_url.is_https() }.header()
    }

    /// The way back to the choice of methods for a purpose, by its tag.
    pub(super) fn start_again(&self, purpose: &str, language: Language) -> BackLink {
        BackLink::start_again(self.base(), purpose, language)
    }

    /// The name of a cookie that tells one browser from another.
    pub(super) fn browser_cookie_name(&self, name: &str) -> String {
        cookie::host_name(name, &self.public_url)
    }

    /// `Set-Cookie` for that name, as [`Self::browser_cookie_name`] makes it; no seconds remove it.
    pub(super) fn browser_cookie(&self, side: &str, name: &str, value: &str, max_age: u64) -> HeaderValue {
        if !self.public_url.is_https() {
            return self.cookie(side, name, value, max_age);
        }
        Cookie { name, value, path: "/", max_age, secure: true }.header()
    }

    pub(super) fn unknown_session(&self, language: Language) -> OwnAnswer {
        self.error(
            StatusCode::NOT_FOUND,
            language.pick(
                ["Deze sessie is er niet", "Zij is verlopen, of de link klopt niet.", "Begin opnieuw."],
                ["There is no such session", "It has expired, or the link is not right.", "Start again."],
            ),
            language,
        )
    }

    /// For a form that somebody else sends here.
    pub(super) fn method_not_allowed(&self, allowed: &'static str, language: Language) -> OwnAnswer {
        let texts = language.pick(
            [
                "Deze pagina kan zo niet worden geopend",
                "Er is iets heen gestuurd, en dat kan hier niet.",
                "Ga terug naar de vorige pagina, of begin opnieuw.",
            ],
            [
                "This page cannot be opened like this",
                "Something was sent to it, which is not possible here.",
                "Go back to the page before, or start again.",
            ],
        );
        let allowed = HeaderValue::from_static(allowed);
        self.error(StatusCode::METHOD_NOT_ALLOWED, texts, language).with_header(header::ALLOW, allowed)
    }

    /// Title, what happened, and what to do, with a link to the choice of a purpose.
    pub(super) fn error(&self, status: StatusCode, texts: [&str; 3], language: Language) -> OwnAnswer {
        self.error_with(status, texts, &[], None, language)
    }

    /// As [`Self::error`], with other ways on and the reference that finds the log lines.
    pub(super) fn error_with(
        &self,
        status: StatusCode,
        [title, what_happened, what_to_do]: [&str; 3],
        links: &[BackLink],
        session: Option<SessionReference>,
        language: Language,
    ) -> OwnAnswer {
        let session = session.map(|session| session.to_string());
        let base = self.base();
        let session = session.as_deref();
        pages::error(&ErrorPage { base, status, title, what_happened, what_to_do, links, session }, language)
    }
}

/// A place whose URLs carry sealed state, so that any instance of the gateway goes on. What one method has
/// sealed no other one opens: another may ask for less, or be of a provider that nobody should know of.
#[derive(Clone)]
pub struct SealedPlace {
    pub place: Place,
    pub keys: Arc<StateKeys>,
}

#[derive(Serialize, Deserialize)]
struct OfMethod<'m, S> {
    /// The tag.
    method: Cow<'m, str>,
    state: S,
}

impl<S: SealedState> SealedState for OfMethod<'_, S> {
    const KIND: u8 = S::KIND;
    const LIFETIME: u64 = S::LIFETIME;
}

impl SealedPlace {
    /// `None` when OpenSSL fails.
    pub(super) fn seal<S: SealedState>(&self, state: &S, environment: Environment<'_>) -> Option<String> {
        let method = Cow::Borrowed(self.place.tag.as_str());
        seal(&self.keys, &OfMethod { method, state }, environment)
    }

    /// Opens what [`Self::seal`] made for this method; `None` for everything else, which the caller answers
    /// alike.
    pub(super) fn open<S: SealedState + DeserializeOwned>(
        &self,
        text: &str,
        environment: Environment<'_>,
    ) -> Option<S> {
        let OfMethod { method, state } = open(&self.keys, text, environment).ok()?;
        (method == self.place.tag.as_str()).then_some(state)
    }
}

/// Seals a state and counts it; `None` when OpenSSL fails.
pub fn seal<S: SealedState>(keys: &StateKeys, state: &S, environment: Environment<'_>) -> Option<String> {
    let sealed = keys.seal(state, environment.clock.now());
    environment.metrics.token_operation("seal_state", if sealed.is_ok() { "ok" } else { "failed" });
    sealed.ok()
}

/// Opens a state that a stranger sent, and counts it. The caller answers every refusal alike.
pub fn open<S: SealedState + DeserializeOwned>(
    keys: &StateKeys,
    text: &str,
    environment: Environment<'_>,
) -> Result<S, StateError<S>> {
    let opened = keys.open(text, environment.clock.now());
    let outcome = match &opened {
        Ok(_) => "ok",
        Err(StateError::Expired(_)) => "expired",
        Err(StateError::Refused) => "refused",
    };
    environment.metrics.token_operation("open_state", outcome);
    opened
}

pub(super) fn purpose_name(purpose: &Purpose) -> LocalizedText {
    purpose.name.clone().unwrap_or_else(|| LocalizedText::Plain(purpose.tag.to_string()))
}

/// Whether a `Content-Type` names this media type, whatever its parameters.
pub(super) fn is_media_type(content_type: Option<&str>, expected: &str) -> bool {
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plugins::testing::World, tokens::StateKey};

    #[test]
    fn no_method_opens_what_another_one_sealed() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Step(u8);
        impl SealedState for Step {
            const KIND: u8 = 255;
            const LIFETIME: u64 = 60;
        }
        let world = World::answering(Ok(StatusCode::OK));
        let keys = Arc::new(StateKeys::new(StateKey::generate("s1").unwrap(), Vec::new()));
        let [one, other] = ["digid", "irma"].map(|tag| SealedPlace {
            place: Place {
                tag: MethodTag::parse(tag).unwrap(),
                public_url: BaseUrl::parse("https://contact.example.nl").unwrap(),
            },
            keys: keys.clone(),
        });
        let sealed = one.seal(&Step(7), world.environment()).unwrap();
        assert_eq!(one.open(&sealed, world.environment()), Some(Step(7)));
        assert_eq!(other.open::<Step>(&sealed, world.environment()), None);
    }

    #[test]
    fn media_types_are_compared_without_case_and_parameters() {
        for good in ["application/jwt", "Application/JWT", "application/jwt; charset=utf-8"] {
            assert!(is_media_type(Some(good), "application/jwt"), "{good}");
        }
        for bad in [None, Some(""), Some("application/json"), Some("application/jwt2")] {
            assert!(!is_media_type(bad, "application/jwt"), "{bad:?}");
        }
    }
}
