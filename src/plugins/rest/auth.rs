//! The authentication adapter `http`: a REST identity service.
//!
//! A sign-in goes `start` (a request) -> `go` (the citizen leaves; a cookie keeps what the service said)
//! -> the service's own pages -> `return` (a request asks how it ended, once or until it is known).
//! May import: what `plugins` may.

mod visit;

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use self::visit::Visit;
use super::{
    saved::Saved,
    service::RestService,
    trouble::Trouble,
    values::{Known, KnownAttributes},
};
use crate::{
    config::{Call as Request, HttpAuth},
    model::{Nonce, OwnAnswer, OwnRequest, PluginUrl, SessionReference, cookie, url},
    pages,
    plugins::{
        AuthenticationRequest, Environment, PluginError, SealedPlace, SessionUpdate, Ticket,
        sign_in::{SIGN_IN_LIFETIME, SignIn},
    },
    tokens::SealedState,
};

/// An authentication method of kind `http`, built for one generation of the configuration.
pub struct HttpAuthAdapter {
    at: SealedPlace,
    config: HttpAuth,
    service: RestService,
    /// Which saved values are used after the citizen has left, and which of them by updates.
    used_later: Vec<String>,
    used_by_updates: Vec<String>,
}

/// `go/{state}`: the citizen leaves for the service.
#[derive(Serialize, Deserialize)]
struct Departure {
    session: SessionReference,
    #[serde(with = "url::as_client_url")]
    to: PluginUrl,
    saved: Saved,
}

/// The cookie that they get on leaving: what the service said, which is for this browser alone.
#[derive(Serialize, Deserialize)]
struct Kept {
    session: SessionReference,
    saved: Saved,
}

/// `return/{state}`: the citizen is back. The service knows this URL before it has said anything.
#[derive(Serialize, Deserialize)]
struct Return {
    sign_in: SignIn,
    nonce: Nonce,
}

/// What a session update needs.
#[derive(Serialize, Deserialize)]
struct UpdateTicket {
    purpose: String,
    nonce: Nonce,
    saved: Saved,
}

impl SealedState for Departure {
    const KIND: u8 = 26;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl SealedState for Kept {
    const KIND: u8 = 27;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl SealedState for Return {
    const KIND: u8 = 23;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl HttpAuthAdapter {
    /// `timeout` is for one call to the service.
    pub fn new(at: SealedPlace, config: HttpAuth, timeout: Duration) -> Self {
        let service = RestService::new(&config.service, timeout);
        let used_by_updates = config.updates.calls().flat_map(Request::saved_names).collect::<Vec<_>>();
        let mut used_later: Vec<_> = config.finish.call.saved_names().collect();
        used_later.extend_from_slice(&used_by_updates);
        Self { at, config, service, used_later, used_by_updates }
    }

    /// Tells the service, and answers where the citizen goes: to a page of the gateway's, which lets them
    /// leave. All that can go wrong with the service's answer goes wrong here.
    pub async fn start(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let started = self.try_start(request, environment).await;
        started.map_err(|trouble| self.told(&trouble, Some(request.session), environment))
    }

    async fn try_start(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, Trouble> {
        let nonce = Nonce::new(environment.random);
        let state = Return { sign_in: SignIn::of(request, environment.clock.now()), nonce };
        let return_url = self.page_url("return", &state, environment)?;
        let (random, nothing) = (nonce.to_string(), Saved::default());
        let known = Known {
            attributes: KnownAttributes::Tags(&state.sign_in.attributes),
            return_url: Some(return_url.as_str()),
            ..Known::new(&state.sign_in.purpose, &random, &nothing)
        };
        let saved = self.service.start(&self.config.start, known, environment).await?;
        // What cannot be asked for later has failed now, and not after the citizen has signed in.
        self.service.render(&self.config.finish.call, Known { saved: &saved, ..known })?;
        let to = match &self.config.redirect {
            Some(redirect) => redirect.render(&Known { saved: &saved, ..known })?,
            // The service reaches them itself; they wait where they would come back.
            None => return_url.clone(),
        };
        let departure = Departure { session: request.session, to, saved: saved.only(&self.used_later) };
        Ok(self.page_url("go", &departure, environment)?)
    }

    fn page_url<S: SealedState>(
        &self,
        page: &str,
        state: &S,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let sealed = self.at.seal(state, environment).ok_or(PluginError::Library)?;
        Ok(self.at.place.url("auth", &format!("{page}/{sealed}")))
    }

    /// Answers a request below `/auth/{tag}/`; `rest` is what follows that.
    pub async fn page(&self, rest: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        if request.method != Method::GET {
            return self.at.place.method_not_allowed("GET, HEAD", request.language);
        }
        match rest.split_once('/') {
            Some(("go", state)) => self.leave(state, request, environment),
            Some(("return", state)) => self.come_back(state, request, environment).await,
            _ => self.at.place.unknown_session(request.language),
        }
    }

    fn leave(&self, state: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let place = &self.at.place;
        let Some(Departure { session, to, saved }) = self.at.open(state, environment) else {
            return place.unknown_session(request.language);
        };
        let Some(kept) = self.at.seal(&Kept { session, saved }, environment) else {
            return OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let cookie = place.cookie("auth", &cookie_name(session), &kept, SIGN_IN_LIFETIME);
        pages::go_on(place.base(), to.as_str(), request.language).with_header(header::SET_COOKIE, cookie)
    }

    /// The service may have added parameters to the URL: they are strangers', and nobody looks at them.
    async fn come_back(&self, state: &str, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let Some(returned) = self.at.open::<Return>(state, environment) else {
            return self.at.place.unknown_session(request.language);
        };
        let visit = Visit { adapter: self, state, returned: &returned, request, environment };
        let session = returned.sign_in.session;
        let kept = cookie::find(request.cookie.as_deref(), &cookie_name(session));
        let kept = kept.and_then(|kept| self.at.open::<Kept>(kept, environment));
        match kept.filter(|kept| kept.session == session) {
            Some(kept) => visit.ask(&kept.saved).await,
            None => visit.other_browser(),
        }
    }

    /// Tells the service of a session update; one that it does not want to know of is as good as told.
    pub async fn update(
        &self,
        ticket: &Ticket,
        update: SessionUpdate,
        environment: Environment<'_>,
    ) -> Result<(), PluginError> {
        let call = match update {
            SessionUpdate::UserActive => &self.config.updates.user_active,
            SessionUpdate::Logout => &self.config.updates.logout,
        };
        let Some(call) = call else { return Ok(()) };
        let UpdateTicket { purpose, nonce, saved } =
            postcard::from_bytes(&ticket.0).map_err(|_| PluginError::Gone)?;
        let random = nonce.to_string();
        let known = Known::new(&purpose, &random, &saved);
        let performed = self.service.perform(call, known, environment).await;
        // A ticket has no session; the line of the session's event has the same `request_id`.
        performed.map(drop).map_err(|trouble| self.told(&trouble, None, environment))
    }

    /// Logs what is wrong by its names, and answers what the caller may tell a browser.
    fn told(
        &self,
        trouble: &Trouble,
        session: Option<SessionReference>,
        environment: Environment<'_>,
    ) -> PluginError {
        self.warn(session, &trouble.to_string(), environment);
        trouble.as_plugin_error()
    }

    /// One line for whoever operates the gateway; `reason` holds nothing that the service sent.
    fn warn(&self, session: Option<SessionReference>, reason: &str, environment: Environment<'_>) {
        let (session, method) = (session.map(tracing::field::display), self.at.place.tag.as_str());
        tracing::warn!(session, method, reason, request_id = environment.request_id, "sign-in at a service");
    }
}

/// Each session has its own, so that tabs do not disturb each other.
fn cookie_name(session: SessionReference) -> String {
    format!("idc-http-{session}")
}
