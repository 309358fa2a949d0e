//! A start under way: the plugins are called, in their order.

use std::time::Instant;

use super::{
    super::{
        Problem, ProblemCode,
        auth_only::Urls,
        brokering::{Broker, Handed, Target},
        citizen::WayOn,
        continuation::{NO_RESULT_BY_TELEPHONE, outcome_of},
        delivery::{deliver, turn},
        endpoints::Listener,
        events::{Event, Outcome, record, record_problem},
        methods::{Auth, Comm},
        onward::with_result,
        resealing::{Ready, Unready, ready, ready_earlier},
        state::Kind,
    },
    Start, Started, Step,
};
use crate::{
    config::OnFailure,
    model::{Nonce, PluginUrl, ResultToken},
    pages::MAX_LOCATION,
    plugins::{
        AuthenticationRequest, CommunicationRequest, CommunicationStarted, Environment, PluginError,
        deliveries::{Progress, Turn},
    },
    snapshot::Snapshot,
};

impl Start<'_> {
    /// Calls the plugins, and records how that went.
    pub(super) async fn run(
        &self,
        snapshot: &Snapshot,
        environment: Environment<'_>,
    ) -> Result<Started, Problem> {
        let begun = Instant::now();
        let outcome = Run { snapshot, environment, start: self }.call().await;
        environment.metrics.session_stage("start", begun.elapsed());
        let session = &self.session;
        match outcome {
            Ok(started) => {
                environment.metrics.session_started(session.labels(), session.kind.as_str());
                record(session, Event::Start, Outcome::Ok, None, environment);
                Ok(started)
            }
            Err(problem) => {
                let outcome = match problem.code {
                    ProblemCode::DeliveryFailed => Outcome::DeliveryFailed,
                    ProblemCode::ResultRejected => Outcome::Rejected,
                    _ => Outcome::PluginError,
                };
                record_problem(session, Event::Start, outcome, &problem, environment);
                Err(problem.of_session(session.reference))
            }
        }
    }
}

/// One start under way.
struct Run<'a> {
    snapshot: &'a Snapshot,
    environment: Environment<'a>,
    start: &'a Start<'a>,
}

impl Run<'_> {
    async fn call(&self) -> Result<Started, Problem> {
        match &self.start.step {
            Step::Full { auth, comm, reseals } => self.full(*auth, *comm, *reseals).await,
            Step::WithResult { comm, result, held } => self.with_result(*comm, result, *held).await,
            Step::Unauthenticated { comm } => {
                let started = self.communicate(*comm, None).await?;
                Ok(Started { client_url: started.client_url.as_str().to_owned(), cookie: None })
            }
            Step::AuthenticationOnly { auth, urls, reseals } => {
                let Urls { comm_url, attr_url } = urls;
                let target =
                    Target::Communication { client_url: comm_url.clone(), attr_url: attr_url.clone() };
                self.authenticate(*auth, *reseals, target).await
            }
            Step::Choice { auth } => self.authenticate(*auth, true, Target::Choice).await,
        }
    }

    /// Communication first, then authentication with its URLs (protocol.md, "Core -> auth plugin").
    async fn full(&self, auth: Auth<'_>, comm: Comm<'_>, reseals: bool) -> Result<Started, Problem> {
        let CommunicationStarted { client_url, attr_url } = self.communicate(comm, None).await?;
        let target = Target::Communication { client_url, attr_url };
        self.authenticate(auth, reseals, target).await
    }

    async fn communicate(
        &self,
        comm: Comm<'_>,
        auth_result: Option<&ResultToken>,
    ) -> Result<CommunicationStarted, Problem> {
        let started = self.start_communication(comm, auth_result).await.map_err(|e| comm.problem(e))?;
        check_length(&started.client_url)?;
        started.attr_url.as_ref().map_or(Ok(()), check_length)?;
        Ok(started)
    }

    async fn start_communication(
        &self,
        comm: Comm<'_>,
        auth_result: Option<&ResultToken>,
    ) -> Result<CommunicationStarted, PluginError> {
        let Start { session, purpose, step, .. } = self.start;
        let request = CommunicationRequest {
            session: session.reference,
            purpose,
            auth_result,
            random: if let Step::WithResult { held, .. } = step { *held } else { None },
            authenticated: !matches!(step, Step::Unauthenticated { .. }),
        };
        comm.plugin.start(&request, self.environment).await
    }

    async fn authenticate(&self, auth: Auth<'_>, reseals: bool, target: Target) -> Result<Started, Problem> {
        let Self { snapshot, environment, start } = *self;
        // Authentication during communication is asked for by the communication plugin's server.
        let by_browser = start.listener == Listener::Public && start.session.kind != Kind::Authentication;
        let broker =
            Broker { snapshot, session: &start.session, auth: auth.config, reseals, by_browser, environment };
        let Handed { continuation, attr_url, cookie } = broker.hand(target)?;
        let request = AuthenticationRequest {
            session: start.session.reference,
            purpose: start.purpose,
            attributes: &start.purpose.attributes,
            continuation: &continuation,
            attr_url: attr_url.as_ref(),
        };
        let client_url = auth.plugin.start(&request, environment).await.map_err(|e| auth.problem(e))?;
        check_length(&client_url)?;
        Ok(Started { client_url: client_url.as_str().to_owned(), cookie })
    }

    /// Communication with a result that exists (protocol.md, "Core -> comm plugin"). Whoever chooses the same
    /// channel twice comes to the same conversation, which gets the result once.
    async fn with_result(
        &self,
        comm: Comm<'_>,
        result: &ResultToken,
        held: Option<Nonce>,
    ) -> Result<Started, Problem> {
        let mut turn = self.turn(held).await;
        if let (Progress::Delivered, Some(conversation)) = (turn.progress(), turn.conversation()) {
            return Ok(Started { client_url: conversation.client_url.as_str().to_owned(), cookie: None });
        }
        let ready = self
            .ready(comm, result, held.is_some())
            .map_err(|unready| Problem::new(ProblemCode::ResultRejected, unready.to_string()))?
            .ok_or_else(|| Problem::new(ProblemCode::ResultRejected, "the citizen did not sign in"))?;
        let CommunicationStarted { client_url, attr_url } = match turn.conversation() {
            Some(conversation) => conversation,
            None => self.begin(comm, &ready, &mut turn).await?,
        };
        let mut location = client_url.as_str().to_owned();
        match attr_url {
            _ if turn.progress() == Progress::Delivered => {}
            Some(attr_url) => self.deliver(comm, &client_url, &attr_url, &ready, turn).await?,
            None if client_url.is_telephone() => {
                self.record_delivered(Outcome::DeliveryFailed, Some(NO_RESULT_BY_TELEPHONE));
            }
            None => {
                self.record_delivered(outcome_of(ready.failed), None);
                location = with_result(&client_url, &ready.token);
            }
        }
        Ok(Started { client_url: location, cookie: None })
    }

    /// Another result that waited in the same session is another choice: it may be of somebody else.
    async fn turn(&self, held: Option<Nonce>) -> Turn {
        match held {
            Some(_) => turn(self.snapshot, &self.start.session, held, self.environment).await,
            None => Turn::alone().await,
        }
    }

    /// Begins the conversation. A plugin that takes the result with the start is told once, like every other
    /// receiver.
    async fn begin(
        &self,
        comm: Comm<'_>,
        ready: &Ready,
        turn: &mut Turn,
    ) -> Result<CommunicationStarted, Problem> {
        if comm.config.disable_attributes_at_start || comm.config.is_adapter() {
            let conversation = self.communicate(comm, None).await?;
            turn.remember(conversation.clone());
            return Ok(conversation);
        }
        // Delivered to a plugin whose answer was of no use, or it would be remembered.
        if matches!(turn.progress(), Progress::Failed | Progress::Delivered) {
            return Err(self.undelivered(comm, "before"));
        }
        turn.begin(false);
        match self.start_communication(comm, Some(&ready.token)).await {
            Ok(conversation) => {
                turn.finish(Progress::Delivered);
                self.record_delivered(outcome_of(ready.failed), None);
                check_length(&conversation.client_url)?;
                turn.remember(conversation.clone());
                Ok(conversation)
            }
            Err(error) => {
                turn.finish(Progress::after(error, false));
                Err(comm.problem(error))
            }
        }
    }

    fn record_delivered(&self, outcome: Outcome, detail: Option<&str>) {
        record(&self.start.session, Event::AttributesDelivered, outcome, detail, self.environment);
    }

    fn ready(&self, comm: Comm<'_>, result: &ResultToken, held: bool) -> Result<Option<Ready>, Unready> {
        let Self { snapshot, environment, start: Start { session, purpose, .. } } = *self;
        if held {
            ready(snapshot, session, result, environment)
        } else {
            ready_earlier(snapshot, purpose, session, comm.config, result, environment)
        }
    }

    async fn deliver(
        &self,
        comm: Comm<'_>,
        client_url: &PluginUrl,
        attr_url: &PluginUrl,
        ready: &Ready,
        turn: Turn,
    ) -> Result<(), Problem> {
        let Self { snapshot, environment, start: Start { session, .. } } = *self;
        let failure = match turn.progress() {
            Progress::Delivered => return Ok(()),
            Progress::Failed => "before".to_owned(),
            Progress::Unknown | Progress::Unreached | Progress::Rejected => {
                match deliver(snapshot, session, attr_url, ready, turn, environment).await {
                    Ok(_) => return Ok(()),
                    Err(undelivered) => undelivered.error.to_string(),
                }
            }
        };
        if comm.config.on_failure() == OnFailure::Continue {
            return Ok(());
        }
        let way_on = WayOn::Without(client_url.as_str().to_owned());
        Err(self.undelivered(comm, &failure).with_way_on(way_on))
    }

    fn undelivered(&self, comm: Comm<'_>, failure: &str) -> Problem {
        let detail = format!("`{}` did not take the result: {failure}", comm.config.tag);
        Problem::new(ProblemCode::DeliveryFailed, detail)
            .with_way_on(WayOn::Again(self.start.session.purpose.clone()))
    }
}

/// Refuses a plugin's URL that the citizen's browser cannot be sent to.
fn check_length(url: &PluginUrl) -> Result<(), Problem> {
    if url.as_str().len() <= MAX_LOCATION {
        return Ok(());
    }
    let detail = format!("the plugin's URL has more than {MAX_LOCATION} characters");
    Err(Problem::new(ProblemCode::UrlTooLong, detail))
}
