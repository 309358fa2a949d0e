//! The authentication adapter `oidc`: any OpenID provider (OpenID Connect Core 1.0, code flow), with the
//! gateway as its client. The only module that names the crate `openidconnect`.
//!
//! A sign-in begins without the provider: its URL leads to a page of the gateway's, which finds out where
//! the provider's pages are, and sends the citizen there. What is to be known when they come back travels
//! in `state`, sealed; a cookie says that it is the same browser.
//! May import: what `plugins` may.

mod cache;
mod callback;
mod calls;
mod client_auth;
pub mod id_token;
mod logout;
mod metadata;
mod provider;
mod tokens;
mod trouble;

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode, header};
use openidconnect::{
    AuthenticationContextClass, AuthenticationFlow, ClientId, CsrfToken, IssuerUrl, LanguageTag,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    core::{CoreAuthPrompt, CoreClient, CoreJsonWebKeySet, CoreResponseType},
};
use serde::{Deserialize, Serialize};

pub use self::provider::Providers;
use self::{calls::Calls, id_token::Freshness, metadata::Metadata, trouble::Trouble};
use super::{
    AuthenticationRequest, Environment, Place, PluginError, SealedPlace, SessionUpdate, Ticket,
    sign_in::{SIGN_IN_LIFETIME, SignIn},
};
use crate::{
    config::{Oidc, Prompt},
    model::{Language, Nonce, OwnAnswer, OwnRequest, PluginUrl, UnixSeconds},
    pages,
    templates::ClaimPath,
    tokens::SealedState,
};

/// What follows `/auth/{tag}/` where providers send citizens back to.
const CALLBACK: &str = "callback";

/// An authentication method of kind `oidc`, built for one generation of the configuration.
pub struct OidcAdapter {
    at: SealedPlace,
    config: Oidc,
    providers: Arc<Providers>,
    /// For each call.
    timeout: Duration,
}

/// The state of the page where a sign-in begins.
#[derive(Serialize, Deserialize)]
struct SignInPage(SignIn);

/// The state that goes to the provider and comes back.
#[derive(Serialize, Deserialize)]
struct Flow {
    sign_in: SignIn,
    /// A code of one provider is not shown to another one, which the method may have after a reload.
    issuer: String,
    /// What the browser has in its cookie.
    browser: Nonce,
    nonce: Nonce,
    /// Of PKCE (RFC 7636).
    verifier: [u8; 32],
    asked_at: UnixSeconds,
}

impl SealedState for Flow {
    const KIND: u8 = 17;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl SealedState for SignInPage {
    const KIND: u8 = 18;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl Flow {
    fn new(sign_in: SignIn, issuer: &str, environment: Environment<'_>) -> Self {
        let (browser, nonce) = (Nonce::new(environment.random), Nonce::new(environment.random));
        let mut verifier = [0; 32];
        environment.random.fill(&mut verifier);
        Self {
            sign_in,
            issuer: issuer.to_owned(),
            browser,
            nonce,
            verifier,
            asked_at: environment.clock.now(),
        }
    }

    /// Each sign-in has its own, so that tabs do not disturb each other.
    fn cookie_name(&self, place: &Place) -> String {
        place.browser_cookie_name(&format!("idc-oidc-{}", self.sign_in.session))
    }
}

impl OidcAdapter {
    pub fn new(at: SealedPlace, config: Oidc, providers: Arc<Providers>, timeout: Duration) -> Self {
        Self { at, config, providers, timeout }
    }

    /// Starts a sign-in, for which nobody is asked: `{public_url}/auth/{tag}/{state}`.
    ///
    /// # Errors
    /// [`PluginError::Library`] when nothing can be sealed.
    pub fn start(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let page = SignInPage(SignIn::of(request, environment.clock.now()));
        let state = self.at.seal(&page, environment).ok_or(PluginError::Library)?;
        Ok(self.at.place.url("auth", &state))
    }

    /// Answers a GET below `/auth/{tag}/`; `rest` is what follows that.
    pub async fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        if request.method != Method::GET {
            return self.at.place.method_not_allowed("GET, HEAD", request.language);
        }
        if rest == CALLBACK {
            return self.callback(request, environment).await;
        }
        match self.at.open::<SignInPage>(rest, environment) {
            Some(SignInPage(sign_in)) => self.begin(rest, sign_in, request.language, environment).await,
            None => self.at.place.unknown_session(request.language),
        }
    }

    /// Takes a session update with the ticket of its sign-in.
    ///
    /// # Errors
    /// [`PluginError`] when a logout did not reach the provider.
    pub async fn update(
        &self,
        ticket: &Ticket,
        update: SessionUpdate,
        environment: Environment<'_>,
    ) -> Result<(), PluginError> {
        match update {
            SessionUpdate::UserActive => Ok(()),
            SessionUpdate::Logout => self.log_out(ticket, self.calls(environment)).await,
        }
    }

    /// Sends the citizen to the provider; `page` is the last part of the path of this page.
    async fn begin(
        &self,
        page: &str,
        sign_in: SignIn,
        language: Language,
        environment: Environment<'_>,
    ) -> OwnAnswer {
        let provider = self.providers.provider(&self.config.issuer);
        let metadata = match provider.metadata(self.calls(environment)).await {
            Ok(metadata) => metadata,
            Err(trouble) => {
                self.warn(&sign_in, &trouble, environment);
                return self.unreachable(page, &sign_in, language);
            }
        };
        let flow = Flow::new(sign_in, &self.config.issuer, environment);
        let Some(url) = self.authorization_url(&flow, &metadata, language, environment) else {
            self.warn(&flow.sign_in, &Trouble::Library, environment);
            return OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let place = &self.at.place;
        let (name, value) = (flow.cookie_name(place), flow.browser.to_string());
        let cookie = place.browser_cookie("auth", &name, &value, SIGN_IN_LIFETIME);
        pages::go_on(self.at.place.base(), &url, language).with_header(header::SET_COOKIE, cookie)
    }

    /// The authentication request (OpenID Connect Core 1.0, section 3.1.2.1).
    fn authorization_url(
        &self,
        flow: &Flow,
        metadata: &Metadata,
        language: Language,
        environment: Environment<'_>,
    ) -> Option<String> {
        let Oidc { issuer, client_id, scopes, acr_values, prompt, max_age, .. } = &self.config;
        let issuer = IssuerUrl::new(issuer.clone()).ok()?;
        let state = self.at.seal(flow, environment)?;
        let client = CoreClient::new(ClientId::new(client_id.clone()), issuer, CoreJsonWebKeySet::default())
            .disable_openid_scope()
            .set_auth_uri(metadata.authorization.clone())
            .set_redirect_uri(RedirectUrl::new(self.callback_url()).ok()?);
        let code = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let nonce = flow.nonce.to_string();
        let verifier = PkceCodeVerifier::new(hex(&flow.verifier));
        let mut request = client
            .authorize_url(code, || CsrfToken::new(state), move || openidconnect::Nonce::new(nonce))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(scopes.iter().cloned().map(Scope::new))
            .add_ui_locale(LanguageTag::new(language.pick("nl", "en").to_owned()));
        for value in acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(value.clone()));
        }
        if let Some(prompt) = prompt {
            request = request.add_prompt(core_prompt(*prompt));
        }
        if let Some(max_age) = max_age {
            request = request.set_max_age(*max_age);
        }
        let (url, ..) = request.url();
        Some(url.into())
    }

    fn unreachable(&self, page: &str, sign_in: &SignIn, language: Language) -> OwnAnswer {
        let texts = language.pick(
            [
                "Inloggen kan nu niet",
                "De inlogdienst is op dit moment niet bereikbaar.",
                "Probeer het over een minuut opnieuw, of kies een andere manier om in te loggen.",
            ],
            [
                "You cannot sign in now",
                "The sign-in service cannot be reached at the moment.",
                "Try again in a minute, or choose another way to sign in.",
            ],
        );
        let again = self.at.place.url("auth", page).as_str().to_owned();
        sign_in.stuck(&self.at, StatusCode::BAD_GATEWAY, texts, Some(again), language)
    }

    /// What `prompt` and `max_age` ask for stands in a URL, which whoever has the browser can change: the
    /// answer has to show that it was done.
    fn freshness(&self, asked_at: UnixSeconds) -> Option<Freshness> {
        let allowed = match (self.config.prompt, self.config.max_age) {
            (Some(Prompt::Login), _) => Duration::ZERO,
            (_, Some(max_age)) => max_age,
            (_, None) => return None,
        };
        let since = asked_at.saturating_sub(allowed.as_secs());
        Some(Freshness { since, required: self.config.max_age.is_some() })
    }

    fn callback_url(&self) -> String {
        self.at.place.url("auth", CALLBACK).as_str().to_owned()
    }

    /// Where an attribute comes from.
    fn claim(&self, attribute: &str) -> Option<&ClaimPath> {
        self.config.attributes.iter().find(|(tag, _)| tag.as_str() == attribute).map(|(_, claim)| claim)
    }

    fn calls<'a>(&'a self, environment: Environment<'a>) -> Calls<'a> {
        Calls { method: self.at.place.tag.as_str(), timeout: self.timeout, environment }
    }

    fn warn(&self, sign_in: &SignIn, trouble: &Trouble, environment: Environment<'_>) {
        tracing::warn!(
            session = %sign_in.session,
            method = self.at.place.tag.as_str(),
            reason = %trouble,
            request_id = environment.request_id,
            "sign-in failed"
        );
    }
}

fn core_prompt(prompt: Prompt) -> CoreAuthPrompt {
    match prompt {
        Prompt::Login => CoreAuthPrompt::Login,
        Prompt::Consent => CoreAuthPrompt::Consent,
        Prompt::SelectAccount => CoreAuthPrompt::SelectAccount,
        Prompt::None => CoreAuthPrompt::None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
