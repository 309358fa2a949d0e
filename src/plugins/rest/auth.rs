//! The authentication adapter `http`: a REST identity service.
//!
//! A sign-in goes `start` (a request) -> `go` (the citizen leaves; a cookie keeps what the service said)
//! -> the service's own pages -> `return` (a request asks how it ended, once or until it is known).
//! May import: what `plugins` may.

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{
    saved::Saved,
    service::RestService,
    trouble::Trouble,
    values::{Known, KnownAttributes},
};
use crate::{
    config::{Call as Request, Finish, HttpAuth},
    model::{Nonce, OwnAnswer, OwnRequest, PluginUrl, SessionReference, cookie, url},
    pages::{self, Waiting},
    plugins::{
        AuthenticationRequest, Call, Environment, PluginError, SealedPlace, SessionUpdate, Ticket,
        TransportError,
        sign_in::{SIGN_IN_LIFETIME, SignIn, Unusable, attribute_text},
    },
    templates::scalar_text,
    tokens::{AuthenticationOutcome, SealedState},
};

/// Seconds that a sign-in that has ended can be asked for again by the browser that made it.
const AFTERWARDS: u64 = 60;

/// The query of the waiting page for who does not want it to look by itself.
const BY_HAND: &str = "refresh=off";

/// Longest value of an attribute, in bytes: a result travels in a URL.
const MAX_ATTRIBUTE: usize = 4 * 1024;

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

/// How a sign-in ended, as the service says.
enum Verdict {
    SignedIn(AuthenticationOutcome),
    /// They signed in, and not all that was asked for is there.
    Lacking(Unusable),
    Cancelled,
    Pending,
    /// It failed, and whether as plugins.yaml foresees.
    Failed {
        foreseen: bool,
    },
}

/// A citizen who is back, in the browser that left.
struct Visit<'a> {
    adapter: &'a HttpAuthAdapter,
    state: &'a str,
    returned: &'a Return,
    request: &'a OwnRequest,
    environment: Environment<'a>,
}

impl Visit<'_> {
    /// Asks the service how it ended. Asking again does no harm: a page can be loaded again.
    async fn ask(&self, saved: &Saved) -> OwnAnswer {
        let Self { adapter, environment, .. } = *self;
        let call = Call::begin(adapter.at.place.tag.as_str(), "finish_authentication", environment.metrics);
        let session = Some(self.returned.sign_in.session);
        let verdict = self.verdict(saved).await;
        match call.end(verdict.map_err(|trouble| adapter.told(&trouble, session, environment))) {
            Ok(Verdict::SignedIn(outcome)) => self.finish(&outcome, saved),
            Ok(Verdict::Lacking(unusable)) => {
                self.warn(&format!("an attribute of its answer cannot be used: {unusable}"));
                self.finish(&AuthenticationOutcome::Failed, saved)
            }
            Ok(Verdict::Cancelled) => {
                self.ended(self.returned.sign_in.cancel(&adapter.at, self.request.language))
            }
            Ok(Verdict::Pending) => self.wait(),
            Ok(Verdict::Failed { foreseen }) => {
                if !foreseen {
                    self.warn("its outcome is none that plugins.yaml names");
                }
                self.finish(&AuthenticationOutcome::Failed, saved)
            }
            Err(error) => match is_away(error) {
                true if self.may_wait() => self.waiting(),
                true if adapter.config.poll.is_none() => self.away(),
                _ => self.finish(&AuthenticationOutcome::Failed, saved),
            },
        }
    }

    async fn verdict(&self, saved: &Saved) -> Result<Verdict, Trouble> {
        let HttpAuthAdapter { service, config, at, .. } = self.adapter;
        let Return { sign_in, nonce } = self.returned;
        let random = nonce.to_string();
        let return_url = at.place.url("auth", &format!("return/{}", self.state));
        let known = Known {
            attributes: KnownAttributes::Tags(&sign_in.attributes),
            return_url: Some(return_url.as_str()),
            ..Known::new(&sign_in.purpose, &random, saved)
        };
        let finish = &config.finish;
        let answer = service.perform(&finish.call, known, self.environment).await?.json()?;
        let said = finish.outcome.from.select(&answer).and_then(scalar_text);
        let is_among = |words: &[String]| said.as_ref().is_some_and(|said| words.iter().any(|w| w == said));
        Ok(if is_among(&finish.outcome.ok) {
            let outcome = sign_in.outcome(|tag| attribute(finish, tag, &answer));
            outcome.map_or_else(Verdict::Lacking, Verdict::SignedIn)
        } else if is_among(&finish.outcome.cancelled) {
            Verdict::Cancelled
        } else if is_among(&finish.outcome.pending) {
            Verdict::Pending
        } else {
            Verdict::Failed { foreseen: is_among(&finish.outcome.failed) }
        })
    }

    fn finish(&self, outcome: &AuthenticationOutcome, saved: &Saved) -> OwnAnswer {
        let Return { sign_in, nonce } = self.returned;
        let HttpAuthAdapter { at, config, used_by_updates, .. } = self.adapter;
        let wants_updates =
            *outcome != AuthenticationOutcome::Failed && config.updates.calls().next().is_some();
        let ticket = wants_updates.then(|| {
            let (purpose, saved) = (sign_in.purpose.clone(), saved.only(used_by_updates));
            postcard::to_allocvec(&UpdateTicket { purpose, nonce: *nonce, saved }).ok().map(Ticket)
        });
        let language = self.request.language;
        self.ended(sign_in.finish(at, outcome, ticket.flatten(), language, self.environment))
    }

    /// Other tabs and a reload find the cookie for a moment yet; whoever has this browser next does not.
    fn ended(&self, answer: OwnAnswer) -> OwnAnswer {
        let name = cookie_name(self.returned.sign_in.session);
        let kept = cookie::find(self.request.cookie.as_deref(), &name).unwrap_or_default();
        let cookie = self.adapter.at.place.cookie("auth", &name, kept, AFTERWARDS);
        answer.with_header(header::SET_COOKIE, cookie)
    }

    fn may_wait(&self) -> bool {
        let waited = self.environment.clock.now().saturating_sub(self.returned.sign_in.started);
        self.adapter.config.poll.is_some_and(|poll| Duration::from_secs(waited) < poll.timeout)
    }

    /// Nothing is known yet; when the time is up, the sign-in has failed.
    fn wait(&self) -> OwnAnswer {
        if self.may_wait() {
            return self.waiting();
        }
        self.finish(&AuthenticationOutcome::Failed, &Saved::default())
    }

    fn waiting(&self) -> OwnAnswer {
        let by_itself = self.own_path();
        let by_hand = format!("{by_itself}?{BY_HAND}");
        let every = self.adapter.config.poll.map_or(Duration::ZERO, |poll| poll.every);
        let every = every.as_secs() + u64::from(every.subsec_nanos() > 0);
        let is_by_hand = self.request.query.as_deref() == Some(BY_HAND);
        let (again, otherwise) = if is_by_hand { (&by_hand, &by_itself) } else { (&by_itself, &by_hand) };
        let view = Waiting {
            base: self.adapter.at.place.base(),
            again,
            otherwise,
            every: (!is_by_hand).then_some(every),
            cancel: self.returned.sign_in.way_back(),
        };
        pages::waiting(&view, self.request.language)
    }

    fn own_path(&self) -> String {
        let place = &self.adapter.at.place;
        format!("{}{}", place.base(), place.path("auth", &format!("return/{}", self.state)))
    }

    /// The page can be loaded again: the service still knows how it ended.
    fn away(&self) -> OwnAnswer {
        let language = self.request.language;
        let texts = language.pick(
            [
                "De inlogdienst geeft geen antwoord",
                "Wij kunnen nu niet nagaan of u bent ingelogd. Er zijn geen gegevens gedeeld.",
                "Probeer het over een ogenblik opnieuw.",
            ],
            [
                "The sign-in service does not answer",
                "We cannot find out at the moment whether you signed in. No data has been shared.",
                "Try again in a moment.",
            ],
        );
        let (at, again) = (&self.adapter.at, Some(self.own_path()));
        self.returned.sign_in.stuck(at, StatusCode::BAD_GATEWAY, texts, again, language)
    }

    fn other_browser(&self) -> OwnAnswer {
        self.warn("another browser than the one that left for it");
        let language = self.request.language;
        let texts = language.pick(
            [
                "U bent in een andere browser begonnen",
                "Voor uw veiligheid kan het inloggen alleen verder in de browser waarin het begon. Er zijn geen gegevens gedeeld.",
                "Ga verder in die browser, of begin hier opnieuw.",
            ],
            [
                "You started in another browser",
                "For your safety signing in can only go on in the browser in which it began. No data has been shared.",
                "Go on in that browser, or start again here.",
            ],
        );
        self.returned.sign_in.stuck(&self.adapter.at, StatusCode::FORBIDDEN, texts, None, language)
    }

    fn warn(&self, reason: &str) {
        self.adapter.warn(Some(self.returned.sign_in.session), reason, self.environment);
    }
}

/// An attribute by its tag, as the answer has it.
fn attribute(finish: &Finish, tag: &str, answer: &serde_json::Value) -> Result<String, Unusable> {
    let (_, from) = finish
        .attributes
        .iter()
        .find(|(known, _)| known.as_str() == tag)
        .ok_or_else(|| Unusable::unknown(tag))?;
    let names = || (tag.to_owned(), from.as_str().to_owned());
    let Some(found) = from.select(answer) else {
        let (attribute, from) = names();
        return Err(Unusable::Unselected { attribute, from });
    };
    let text = attribute_text(tag, from.as_str(), Some(found))?;
    if text.len() > MAX_ATTRIBUTE {
        let (attribute, from) = names();
        return Err(Unusable::TooLong { attribute, from, most: MAX_ATTRIBUTE });
    }
    Ok(text)
}

/// Whether the service may well know later what it does not say now.
fn is_away(error: PluginError) -> bool {
    match error {
        PluginError::Transport(error) => error != TransportError::TooLarge,
        PluginError::Status(status) => matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        _ => false,
    }
}
