//! The authentication adapter `headers`: a front proxy has authenticated already, and says so.
//!
//! Headers are believed only from the networks named, and nothing is released before the citizen has
//! seen it and confirmed. They are read anew when the citizen confirms: what counts is who they are then.
//! May import: what `plugins` may.

use std::net::IpAddr;

use http::{HeaderName, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    AuthenticationRequest, Environment, Place, PluginError, SealedPlace,
    place::{is_media_type, purpose_name},
    sign_in::{SIGN_IN_LIFETIME, SignIn, Unusable},
};
use crate::{
    config::AssertedHeaders,
    model::{Language, LocalizedText, Nonce, OwnAnswer, OwnRequest, PluginUrl, cookie},
    pages::{self, Confirm, ConfirmedAttribute},
    tokens::{SealedState, constant_time_eq},
};

/// An authentication method of kind `headers`, built for one generation of the configuration.
pub struct HeadersAdapter {
    at: SealedPlace,
    config: AssertedHeaders,
}

/// What the URL of the page carries.
#[derive(Clone, Serialize, Deserialize)]
struct Confirmation {
    sign_in: SignIn,
    /// The name of the purpose, as the page shows it.
    purpose: LocalizedText,
}

impl SealedState for Confirmation {
    const KIND: u8 = 19;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

/// Why nothing is released: in names of plugins.yaml, and without anything that came. That is the reason
/// to leave out the address of a stranger as well, who may be a citizen; no other line has addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("the request does not come from the front proxy: it connects from an address not in `from`")]
    Stranger,
    #[error("the header `{header}`, for `{attribute}`, {flaw}")]
    Header { attribute: String, header: HeaderName, flaw: Flaw },
    #[error(transparent)]
    Unknown(#[from] Unusable),
    #[error("none of the headers of the method came once and as text")]
    Nobody,
    #[error("the form was not posted by the page that this browser was shown")]
    Form,
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("did not come")]
    Missing,
    #[error("came twice")]
    Twice,
    #[error("is empty")]
    Empty,
    #[error("is not UTF-8, or has control characters")]
    NoText,
}

/// What the citizen chose.
#[derive(Clone, Copy)]
enum Action {
    Confirm,
    Cancel,
}

impl HeadersAdapter {
    pub fn new(at: SealedPlace, config: AssertedHeaders) -> Self {
        Self { at, config }
    }

    /// `{public_url}/auth/{tag}/{state}`.
    ///
    /// # Errors
    /// [`PluginError::Library`] when no state can be sealed.
    pub fn start(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let state = Confirmation {
            sign_in: SignIn::of(request, environment.clock.now()),
            purpose: purpose_name(request.purpose),
        };
        let sealed = self.at.seal(&state, environment).ok_or(PluginError::Library)?;
        Ok(self.at.place.url("auth", &sealed))
    }

    /// GET shows what would be released; POST with the form field `action` acts.
    pub fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let Some(state) = self.at.open::<Confirmation>(rest, environment) else {
            return self.at.place.unknown_session(request.language);
        };
        let answer = match request.method {
            Method::GET => self.show(&state, request, environment),
            Method::POST => self.act(&state, request, environment),
            _ => return self.at.place.method_not_allowed("GET, HEAD, POST", request.language),
        };
        answer.unwrap_or_else(|refusal| self.refused(&refusal, &state.sign_in, rest, request, environment))
    }

    fn show(
        &self,
        state: &Confirmation,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Result<OwnAnswer, Refusal> {
        let known = self.known(&state.sign_in, request)?;
        let attributes = state
            .sign_in
            .attributes
            .iter()
            .filter_map(|tag| Some(ConfirmedAttribute { tag, value: value(&known, tag)? }));
        let token = Nonce::new(environment.random).to_string();
        let view = Confirm {
            base: self.at.place.base(),
            purpose: state.purpose.text(request.language),
            attributes: attributes.collect(),
            token: &token,
        };
        let name = cookie_name(&self.at.place, &state.sign_in);
        let cookie = self.at.place.browser_cookie("auth", &name, &token, SIGN_IN_LIFETIME);
        Ok(pages::confirm(&view, request.language).with_header(header::SET_COOKIE, cookie))
    }

    fn act(
        &self,
        state: &Confirmation,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Result<OwnAnswer, Refusal> {
        self.check_peer(request.peer)?;
        let action = action(&self.at.place, &state.sign_in, request)?;
        let sign_in = &state.sign_in;
        match action {
            Action::Cancel => Ok(sign_in.cancel(&self.at, request.language)),
            Action::Confirm => {
                let known = self.known(sign_in, request)?;
                let outcome = sign_in.outcome(|tag| {
                    value(&known, tag).map(str::to_owned).ok_or_else(|| Refusal::from(Unusable::unknown(tag)))
                })?;
                Ok(sign_in.finish(&self.at, &outcome, None, request.language, environment))
            }
        }
    }

    fn check_peer(&self, peer: Option<IpAddr>) -> Result<(), Refusal> {
        let peer = peer.ok_or(Refusal::Stranger)?.to_canonical();
        let is_believed = self.config.from.iter().any(|network| network.contains(&peer));
        if is_believed { Ok(()) } else { Err(Refusal::Stranger) }
    }

    /// What the front proxy says, by attribute, when it says all that is asked for. Where nothing is
    /// asked for it has to say something all the same: else it let somebody pass whom it does not know.
    fn known<'r>(&'r self, sign_in: &SignIn, request: &'r OwnRequest) -> Result<Known<'r>, Refusal> {
        self.check_peer(request.peer)?;
        let mut known = Known::new();
        for (tag, header) in &self.config.attributes {
            let tag = tag.as_str();
            match asserted(header, request) {
                Ok(value) => known.push((tag, value)),
                Err(flaw) if sign_in.attributes.iter().any(|asked| asked == tag) => {
                    let (attribute, header) = (tag.to_owned(), header.clone());
                    return Err(Refusal::Header { attribute, header, flaw });
                }
                Err(_) => {}
            }
        }
        match sign_in.attributes.iter().find(|tag| value(&known, tag).is_none()) {
            Some(tag) => Err(Unusable::unknown(tag).into()),
            None if known.is_empty() => Err(Refusal::Nobody),
            None => Ok(known),
        }
    }

    fn refused(
        &self,
        refusal: &Refusal,
        sign_in: &SignIn,
        rest: &str,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let method = self.at.place.tag.as_str();
        tracing::warn!(session = %sign_in.session, method, reason = %refusal,
            request_id = environment.request_id, "sign-in refused");
        let again = match refusal {
            Refusal::Stranger => None,
            Refusal::Header { .. } | Refusal::Unknown(_) | Refusal::Nobody | Refusal::Form => {
                Some(self.at.place.url("auth", rest).as_str().to_owned())
            }
        };
        sign_in.stuck(&self.at, refusal.status(), refusal.texts(request.language), again, request.language)
    }
}

/// Attributes and their values.
type Known<'r> = Vec<(&'r str, &'r str)>;

fn value<'r>(known: &Known<'r>, tag: &str) -> Option<&'r str> {
    known.iter().find(|(name, _)| *name == tag).map(|(_, value)| *value)
}

/// What a header says that came once.
fn asserted<'r>(header: &HeaderName, request: &'r OwnRequest) -> Result<&'r str, Flaw> {
    let mut values = request.asserted.iter().filter(|(other, _)| other == header);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => readable(value.as_bytes()),
        (Some(_), Some(_)) => Err(Flaw::Twice),
        (None, _) => Err(Flaw::Missing),
    }
}

/// A value that people can read.
fn readable(value: &[u8]) -> Result<&str, Flaw> {
    let text = std::str::from_utf8(value).map_err(|_| Flaw::NoText)?.trim();
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    if text.chars().any(char::is_control) { Err(Flaw::NoText) } else { Ok(text) }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Stranger | Self::Form => StatusCode::FORBIDDEN,
            Self::Header { .. } | Self::Unknown(_) | Self::Nobody => StatusCode::BAD_GATEWAY,
        }
    }

    fn texts(&self, language: Language) -> [&'static str; 3] {
        match self {
            Self::Stranger => language.pick(
                [
                    "U bent hier niet aangemeld",
                    "Deze manier van inloggen werkt alleen via het netwerk van uw organisatie.",
                    "Gebruik dat netwerk, of log op een andere manier in.",
                ],
                [
                    "You are not signed in here",
                    "This way to sign in works only by way of your organisation's network.",
                    "Use that network, or sign in another way.",
                ],
            ),
            Self::Header { .. } | Self::Unknown(_) | Self::Nobody => language.pick(
                [
                    "Wij weten niet wie u bent",
                    "Uw organisatie heeft niet alle gegevens doorgegeven die gevraagd worden.",
                    "Probeer het opnieuw, of log op een andere manier in.",
                ],
                [
                    "We do not know who you are",
                    "Your organisation did not pass on all the data that are asked for.",
                    "Try again, or sign in another way.",
                ],
            ),
            Self::Form => language.pick(
                [
                    "Uw keuze is niet begrepen",
                    "De pagina was verouderd, of uw browser bewaart geen cookies.",
                    "Probeer het opnieuw.",
                ],
                [
                    "Your choice was not understood",
                    "The page was out of date, or your browser keeps no cookies.",
                    "Try again.",
                ],
            ),
        }
    }
}

/// Of a [`Nonce`] in text.
const TOKEN_LENGTH: usize = 32;

/// Another site can send a form, and cannot read the page that has the token.
fn action(place: &Place, sign_in: &SignIn, request: &OwnRequest) -> Result<Action, Refusal> {
    if !is_media_type(request.content_type.as_deref(), "application/x-www-form-urlencoded") {
        return Err(Refusal::Form);
    }
    let field = |wanted| {
        form_urlencoded::parse(&request.body).find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    let name = cookie_name(place, sign_in);
    let held = cookie::find(request.cookie.as_deref(), &name).filter(|held| held.len() == TOKEN_LENGTH);
    let (held, sent) = held.zip(field("token")).ok_or(Refusal::Form)?;
    if !constant_time_eq(held.as_bytes(), sent.as_bytes()) {
        return Err(Refusal::Form);
    }
    match field("action").as_deref() {
        Some("confirm") => Ok(Action::Confirm),
        Some("cancel") => Ok(Action::Cancel),
        _ => Err(Refusal::Form),
    }
}

/// Each session has its own, so that tabs do not disturb each other.
fn cookie_name(place: &Place, sign_in: &SignIn) -> String {
    place.browser_cookie_name(&format!("idc-confirm-{}", sign_in.session))
}

#[cfg(test)]
mod tests;
