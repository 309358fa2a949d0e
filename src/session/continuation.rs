//! `GET /session/continue/{state}`: the citizen is back from the authentication plugin.
//!
//! It can be asked for again, by a reload or the back button: what has an effect outside has it once.

use std::{borrow::Cow, time::Duration};

use http::header;

use super::{
    Problem, ProblemCode,
    browser::{self, Mark},
    choose,
    citizen::WayOn,
    delivery::{Undelivered, deliver, turn},
    events::{Event, Outcome, record, record_refused},
    onward,
    resealing::{Ready, Unready, ready, signed_in},
    state::{Continuation, Held, Kind, Next, SessionInfo, open, seal},
};
use crate::{
    config::{CommMethod, OnFailure},
    model::{Nonce, OwnAnswer, OwnRequest, PluginUrl, ResultToken},
    pages::Why,
    plugins::{
        Environment,
        deliveries::{Progress, Turn},
    },
    snapshot::Snapshot,
    tokens::TokenError,
};

pub(super) const NO_RESULT_BY_TELEPHONE: &str = "`tel:` carries no result";

/// Answers the browser: mostly with a redirect to the communication plugin.
pub async fn resume(
    snapshot: &Snapshot,
    state: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> OwnAnswer {
    if let Some(answer) = request.without_effect() {
        return answer;
    }
    let continuation = match open::<Continuation>(state, snapshot, environment) {
        Ok(continuation) => continuation,
        Err(refused) => {
            record_refused(&refused, Event::AuthReturned, environment);
            return Problem::unknown_session().answer(request, snapshot.base_path());
        }
    };
    let session = &continuation.session;
    let visit = Visit { snapshot, request, environment, session, way_on: way_on(&continuation) };
    visit.resume(&continuation).await.unwrap_or_else(|problem| visit.told(problem))
}

/// Back to the conversation that there is already, else to the start.
fn way_on(Continuation { session, next, .. }: &Continuation) -> WayOn {
    match next {
        Next::WithResult { client_url }
        | Next::Deliver { client_url, .. }
        | Next::Delivered { client_url, .. }
            if session.kind == Kind::Authentication =>
        {
            WayOn::Conversation(client_url.as_str().to_owned())
        }
        _ => WayOn::Again(session.purpose.clone()),
    }
}

/// One visit of a citizen.
struct Visit<'a> {
    snapshot: &'a Snapshot,
    request: &'a OwnRequest,
    environment: Environment<'a>,
    session: &'a SessionInfo,
    /// Where a citizen goes whose session cannot go on.
    way_on: WayOn,
}

impl Visit<'_> {
    async fn resume(&self, continuation: &Continuation) -> Result<OwnAnswer, Problem> {
        if let Some(secret) = continuation.browser {
            self.check_browser(secret)?;
        }
        let waited = self.environment.clock.now().saturating_sub(self.session.started);
        self.environment.metrics.session_stage("authentication", Duration::from_secs(waited));
        let result = self.result();
        match (&continuation.next, result) {
            (Next::Delivered { client_url, .. }, None) => {
                self.record(Event::AuthReturned, Outcome::Ok, None);
                self.go_on_unless_lost(client_url).await
            }
            (_, None) => {
                self.record(Event::AuthReturned, Outcome::Cancelled, None);
                Ok(self.not_signed_in(Why::Cancelled))
            }
            (Next::Choose, Some(result)) => self.let_choose(&result, continuation.browser),
            (Next::WithResult { client_url }, Some(result)) => self.go_on_with(client_url, &result),
            // A plugin that ignores `attr_url` and sends the result along is served all the same.
            (
                Next::Deliver { client_url, attr_url } | Next::Delivered { client_url, attr_url },
                Some(result),
            ) => self.deliver(client_url, attr_url, &result).await,
        }
    }

    /// Somebody else's browser must not end up in this session.
    fn check_browser(&self, secret: Nonce) -> Result<(), Problem> {
        let cookies = self.request.cookie.as_deref();
        if browser::is_bound(cookies, self.session.reference, secret, self.snapshot.public_url()) {
            return Ok(());
        }
        self.record(
            Event::AuthReturned,
            Outcome::Rejected,
            Some("another browser than the one that started"),
        );
        Err(Problem::other_browser().with_way_on(self.way_on.clone()))
    }

    /// The parameter that authentication plugins add to the continuation.
    fn result(&self) -> Option<ResultToken> {
        self.request.parameters("result").find(|result| !result.is_empty()).map(ResultToken::new)
    }

    /// The plugin has posted the result, or will: the two are not ordered.
    async fn go_on_unless_lost(&self, client_url: &PluginUrl) -> Result<OwnAnswer, Problem> {
        match self.turn().await.progress() {
            Progress::Unknown | Progress::Delivered => Ok(self.go_on(client_url)),
            Progress::Rejected => {
                self.record(Event::HandedOver, Outcome::Rejected, None);
                Err(self.problem(ProblemCode::ResultRejected, "the result that was posted was refused"))
            }
            Progress::Failed | Progress::Unreached => {
                self.record(Event::HandedOver, Outcome::DeliveryFailed, None);
                Err(self.lost(client_url, "its receiver failed"))
            }
        }
    }

    async fn turn(&self) -> Turn {
        turn(self.snapshot, self.session, None, self.environment).await
    }

    fn comm(&self) -> Option<&CommMethod> {
        self.snapshot.comm(&self.session.comm_method).map(|(_, comm, _)| comm)
    }

    /// Whether a conversation goes on whose attributes did not arrive, as the method has it.
    fn goes_on_without(&self) -> bool {
        self.comm().is_some_and(|comm| comm.on_failure() == OnFailure::Continue)
    }

    fn go_on(&self, client_url: &PluginUrl) -> OwnAnswer {
        self.record(Event::HandedOver, Outcome::Ok, None);
        if client_url.is_telephone() {
            onward::call(self.snapshot, client_url, self.request.language)
        } else {
            onward::go(self.snapshot, client_url.as_str(), self.request.language)
        }
    }

    /// In-band: the result goes with the citizen.
    fn go_on_with(&self, client_url: &PluginUrl, result: &ResultToken) -> Result<OwnAnswer, Problem> {
        let Some(ready) = self.ready(result)? else { return Ok(self.not_signed_in(Why::Failed)) };
        if client_url.is_telephone() {
            // A telephone takes no result, and the plugin named no other way.
            let outcome = Outcome::DeliveryFailed;
            self.record(Event::AttributesDelivered, outcome, Some(NO_RESULT_BY_TELEPHONE));
            return Ok(self.go_on(client_url));
        }
        self.record(Event::AttributesDelivered, outcome_of(ready.failed), None);
        self.record(Event::HandedOver, Outcome::Ok, None);
        let location = onward::with_result(client_url, &ready.token);
        Ok(onward::go(self.snapshot, &location, self.request.language))
    }

    /// The citizen brings the result, and the gateway delivers it, once.
    async fn deliver(
        &self,
        to: &PluginUrl,
        attr_url: &PluginUrl,
        result: &ResultToken,
    ) -> Result<OwnAnswer, Problem> {
        let reference = self.session.reference;
        let turn = self.turn().await;
        let marked = browser::marked(self.request.cookie.as_deref(), reference);
        if turn.progress() == Progress::Delivered || marked == Some(Mark::Delivered) {
            self.record(Event::AuthReturned, Outcome::Ok, Some("again"));
            return Ok(self.marked(Mark::Delivered, self.go_on(to)));
        }
        if turn.progress() == Progress::Failed || marked == Some(Mark::Failed) {
            if self.goes_on_without() {
                return Ok(self.marked(Mark::Failed, self.go_on(to)));
            }
            self.record(Event::HandedOver, Outcome::DeliveryFailed, Some("again"));
            return Ok(self.marked(Mark::Failed, self.told(self.lost(to, "its receiver failed before"))));
        }
        let Some(ready) = self.ready(result)? else { return Ok(self.not_signed_in(Why::Failed)) };
        match deliver(self.snapshot, self.session, attr_url, &ready, turn, self.environment).await {
            Ok(_) => Ok(self.marked(Mark::Delivered, self.go_on(to))),
            Err(Undelivered { error, progress }) => {
                let problem = self.lost(to, format!("its receiver failed: {error}"));
                if self.goes_on_without() {
                    let onward = self.go_on(to);
                    let is_final = progress == Progress::Failed;
                    return Ok(if is_final { self.marked(Mark::Failed, onward) } else { onward });
                }
                match progress {
                    Progress::Failed => Ok(self.marked(Mark::Failed, self.told(problem))),
                    _ => Err(problem),
                }
            }
        }
    }

    /// With each answer, since a browser may not have got the first one.
    fn marked(&self, mark: Mark, answer: OwnAnswer) -> OwnAnswer {
        let mark = browser::mark(mark, self.session.reference, self.snapshot.public_url());
        answer.with_header(header::SET_COOKIE, mark)
    }

    fn told(&self, problem: Problem) -> OwnAnswer {
        problem.of_session(self.session.reference).answer(self.request, self.snapshot.base_path())
    }

    /// Opened and sealed anew where the methods trust the gateway; recorded as the citizen's return.
    /// `None` when they did not sign in, and nobody wants to know.
    fn ready(&self, result: &ResultToken) -> Result<Option<Ready>, Problem> {
        let ready = ready(self.snapshot, self.session, result, self.environment)
            .map_err(|unready| self.rejected(unready))?;
        self.record(Event::AuthReturned, outcome_of(ready.as_ref().is_none_or(|ready| ready.failed)), None);
        Ok(ready)
    }

    fn rejected(&self, unready: Unready) -> Problem {
        let detail = unready.to_string();
        self.record(Event::AuthReturned, rejection(unready), Some(&detail));
        self.problem(ProblemCode::ResultRejected, detail)
    }

    /// The result waits, sealed, until the citizen has chosen a channel.
    fn let_choose(&self, result: &ResultToken, browser: Option<Nonce>) -> Result<OwnAnswer, Problem> {
        let signed_in = signed_in(self.snapshot, self.session, result, self.environment)
            .map_err(|unready| self.rejected(unready))?;
        self.record(Event::AuthReturned, outcome_of(!signed_in), None);
        if !signed_in {
            return Ok(self.not_signed_in(Why::Failed));
        }
        let internal = || self.problem(ProblemCode::InternalError, "no state can be sealed");
        let random = self.name_of(result).ok_or_else(internal)?;
        let held = Held::new(self.session.clone(), result, random, browser);
        let sealed = seal(&held, self.snapshot, self.environment).ok_or_else(internal)?;
        let purpose = self.snapshot.purpose(&self.session.purpose).ok_or_else(|| {
            self.problem(ProblemCode::UnknownPurpose, "the purpose is not in purposes.yaml any more")
        })?;
        Ok(choose::channel(self.snapshot, purpose, &sealed, self.request.language))
    }

    /// What is this result's own in this session.
    fn name_of(&self, result: &ResultToken) -> Option<Nonce> {
        let session = self.session.reference.id().to_be_bytes();
        let data = [&session, result.expose().as_bytes()].concat();
        self.snapshot.keys().state.name(&data).ok().map(Nonce::of)
    }

    /// The session ends here.
    fn not_signed_in(&self, why: Why) -> OwnAnswer {
        let reference = self.session.reference;
        onward::not_signed_in(self.snapshot, why, &self.way_on, reference, self.request.language)
    }

    fn lost(&self, client_url: &PluginUrl, detail: impl Into<Cow<'static, str>>) -> Problem {
        let problem = self.problem(ProblemCode::DeliveryFailed, detail);
        match self.session.kind {
            Kind::Authentication => problem,
            _ => problem.with_way_on(WayOn::Without(client_url.as_str().to_owned())),
        }
    }

    fn problem(&self, code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(code, detail).with_way_on(self.way_on.clone())
    }

    fn record(&self, event: Event, outcome: Outcome, detail: Option<&str>) {
        record(self.session, event, outcome, detail, self.environment);
    }
}

/// A result that says that the citizen did not sign in goes its way like any other.
pub(super) fn outcome_of(failed: bool) -> Outcome {
    if failed { Outcome::Failed } else { Outcome::Ok }
}

pub(super) fn rejection(unready: Unready) -> Outcome {
    if unready == Unready::Refused(TokenError::Expired) { Outcome::Expired } else { Outcome::Rejected }
}
