//! The citizen is back from the service: how it ended is asked, until it is known.
//! May import: what `plugins` may.

use std::time::Duration;

use http::{StatusCode, header};

use super::{
    super::{
        saved::Saved,
        trouble::Trouble,
        values::{Known, KnownAttributes},
    },
    HttpAuthAdapter, Return, UpdateTicket, cookie_name,
};
use crate::{
    config::Finish,
    model::{OwnAnswer, OwnRequest, cookie},
    pages::{self, Waiting},
    plugins::{
        Call, Environment, PluginError, Ticket, TransportError,
        sign_in::{Unusable, attribute_text},
    },
    templates::scalar_text,
    tokens::AuthenticationOutcome,
};

/// Seconds that a sign-in that has ended can be asked for again by the browser that made it.
const AFTERWARDS: u64 = 60;

/// The query of the waiting page for who does not want it to look by itself.
const BY_HAND: &str = "refresh=off";

/// Longest value of an attribute, in bytes: a result travels in a URL.
const MAX_ATTRIBUTE: usize = 4 * 1024;

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
pub(super) struct Visit<'a> {
    pub(super) adapter: &'a HttpAuthAdapter,
    pub(super) state: &'a str,
    pub(super) returned: &'a Return,
    pub(super) request: &'a OwnRequest,
    pub(super) environment: Environment<'a>,
}

impl Visit<'_> {
    /// Asks the service how it ended. Asking again does no harm: a page can be loaded again.
    pub(super) async fn ask(&self, saved: &Saved) -> OwnAnswer {
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

    pub(super) fn other_browser(&self) -> OwnAnswer {
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
