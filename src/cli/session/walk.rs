//! One session from its start to where a person or another program takes over.

use std::{
    fmt,
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{
    browser::{Answer, Body, Browser, Gateway, Request, resolved, shown},
    page::{Form, Kind, Page, Refresh},
};
use crate::{
    model::{BaseUrl, PluginUrl, UrlError},
    plugins::{HttpClient, TransportError},
};

/// Redirects and pages that go on by themselves, at the most.
const MAX_HOPS: usize = 20;
const NEEDS_A_PERSON: &str = "a page that needs a person";

/// What the citizen does at the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Confirm,
    Cancel,
    Fail,
}

impl Action {
    /// The value of the button.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Fail => "fail",
        }
    }
}

/// Which session.
pub(super) struct Plan {
    pub(super) purpose: String,
    pub(super) auth: String,
    pub(super) comm: String,
    pub(super) action: Action,
    /// What a front proxy would add to each request, for the gateway alone.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) public: BaseUrl,
    /// Where the gateway may be, the likeliest first.
    pub(super) places: Vec<BaseUrl>,
    pub(super) deadline: Instant,
}

/// One exchange, as it is shown: sizes in bytes, no content.
pub(super) struct Step {
    pub(super) took: Duration,
    pub(super) what: String,
    pub(super) status: u16,
    pub(super) location: Option<usize>,
    pub(super) body: usize,
    pub(super) verdict: String,
}

/// Where a session ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At a page of the communication side.
    Arrived,
    /// The same, and the result was delivered, as far as the gateway knows.
    Delivered,
    /// At a telephone number.
    Call,
    /// At `inspect`, with attributes.
    Received,
    /// At the page for who could not sign in, or at `inspect`, with a result that says so.
    Failed,
    /// At `inspect`, with a result of which it has no key.
    Unreadable,
    /// At `inspect`, and no result came.
    Nothing,
    /// At the page for who cancelled.
    Cancelled,
    /// At a page where only a person knows the way on. With the URL where the sign-in begins: what the
    /// pages since then gave this program in cookies, the person's own browser has to get there too.
    Person(PluginUrl),
}

/// Why a session did not go on. Holds nothing of what was answered but what the gateway says of errors.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("the gateway is not there; tried {}", .0.join(" and "))]
    NoGateway(Vec<String>),
    #[error("{0}: {1}")]
    Transport(String, TransportError),
    #[error("the gateway refused the start: {0}")]
    Refused(Refusal),
    #[error("what answered POST /start is not the gateway")]
    NotTheGateway,
    #[error("the citizen would see \"{title}\"{}", Reference(.reference.as_deref()))]
    ErrorPage { title: String, reference: Option<String> },
    #[error("{0} answered with status {1}")]
    Status(String, u16),
    #[error("a redirect of {0} cannot be followed: {1}")]
    Redirect(String, UrlError),
    #[error("the sign-in page offers no `{0}`")]
    NoButton(&'static str),
    #[error("the session ended at the choice of a topic")]
    Choice,
    #[error("more than {MAX_HOPS} redirects")]
    TooManyHops,
    #[error("the time is up (--timeout)")]
    TimeIsUp,
}

/// A problem as the gateway told it (RFC 9457).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) reference: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}){}", self.detail, self.code, Reference(self.reference.as_deref()))
    }
}

struct Reference<'a>(Option<&'a str>);

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reference| write!(f, ", reference {reference}"))
    }
}

/// What an answer means for the next request.
struct Judgement {
    verdict: String,
    next: Result<Next, Broken>,
}

enum Next {
    Send(Request),
    /// After so long, which is no redirect.
    Later(Duration, Request),
    End(End),
    /// Only a person knows the way on.
    Person,
}

fn judged(verdict: impl Into<String>, next: Result<Next, Broken>) -> Judgement {
    Judgement { verdict: verdict.into(), next }
}

pub(super) struct Walk<'a> {
    plan: &'a Plan,
    gateway: Gateway,
    browser: Browser<'a>,
    tell: &'a mut dyn FnMut(Step),
    /// A button of the sign-in page was pressed.
    pressed: bool,
    /// The citizen was sent on to the communication side.
    handed_over: bool,
}

impl<'a> Walk<'a> {
    /// `tell` is given each exchange when it is over.
    pub(super) fn new(plan: &'a Plan, http: &'a dyn HttpClient, tell: &'a mut dyn FnMut(Step)) -> Self {
        let gateway = Gateway::new(plan.public.clone(), plan.public.clone());
        let browser = Browser::new(http, &plan.headers, plan.deadline);
        Self { plan, gateway, browser, tell, pressed: false, handed_over: false }
    }

    /// Whether something was done at a sign-in page.
    pub(super) fn pressed(&self) -> bool {
        self.pressed
    }

    /// # Errors
    /// [`Broken`] when a step did not lead on.
    pub(super) async fn run(&mut self) -> Result<End, Broken> {
        let sign_in = self.start().await?;
        let mut request = Request::get(sign_in.clone());
        let mut hops = 0;
        loop {
            if request.url.is_telephone() {
                return Ok(End::Call);
            }
            let answer = self.send(&request).await?;
            let Judgement { verdict, next } = self.judge(&request, &answer);
            self.told(&request, &answer, verdict);
            match next? {
                Next::End(end) => return Ok(end),
                Next::Person => return Ok(End::Person(sign_in)),
                Next::Later(after, next) => {
                    tokio::time::sleep(after.min(self.browser.left())).await;
                    request = next;
                }
                Next::Send(next) => {
                    hops += 1;
                    if hops > MAX_HOPS {
                        return Err(Broken::TooManyHops);
                    }
                    request = next;
                }
            }
        }
    }

    /// Asks for the session where the gateway first answers. A start that was not connected to was not
    /// sent.
    async fn start(&mut self) -> Result<PluginUrl, Broken> {
        let Plan { purpose, auth, comm, places, .. } = self.plan;
        let body = json!({ "purpose": purpose, "auth_method": auth, "comm_method": comm }).to_string();
        let request = Request { url: self.gateway.url("/start"), body: Body::Json(body) };
        let mut tried = Vec::new();
        for place in places {
            self.gateway = Gateway::new(self.plan.public.clone(), place.clone());
            match self.browser.send(&self.gateway, &request).await {
                Err(TransportError::Connect | TransportError::Resolve) => tried.push(place.to_string()),
                Err(error) => return Err(self.transport(&request, error)),
                Ok(answer) => {
                    let (verdict, started) = match client_url(&answer) {
                        Ok(url) => {
                            (format!("started; the sign-in is at a URL of {} B", url.as_str().len()), Ok(url))
                        }
                        Err(broken) => ("not started".to_owned(), Err(broken)),
                    };
                    self.told(&request, &answer, verdict);
                    return started;
                }
            }
        }
        Err(Broken::NoGateway(tried))
    }

    async fn send(&mut self, request: &Request) -> Result<Answer, Broken> {
        let answer = self.browser.send(&self.gateway, request).await;
        answer.map_err(|error| self.transport(request, error))
    }

    fn transport(&self, request: &Request, error: TransportError) -> Broken {
        if self.browser.left().is_zero() {
            return Broken::TimeIsUp;
        }
        let whom = match self.gateway.own_path(&request.url) {
            Some(_) => format!("the gateway at {}", self.gateway.place()),
            None => shown(&request.url),
        };
        Broken::Transport(whom, error)
    }

    fn told(&mut self, request: &Request, answer: &Answer, verdict: String) {
        (self.tell)(Step {
            took: answer.took,
            what: format!("{:<4} {}", request.method().as_str(), shown(&request.url)),
            status: answer.status.as_u16(),
            location: answer.location.as_ref().map(String::len),
            body: answer.body.len(),
            verdict,
        });
    }

    fn judge(&mut self, request: &Request, answer: &Answer) -> Judgement {
        let own = self.gateway.own_path(&request.url);
        if let Some(location) = answer.redirect() {
            return self.go(request, location, "sent on");
        }
        let page = own.and_then(|_| Page::read(answer.text()));
        match page {
            Some(page) => self.judge_page(request, answer, page),
            None => self.judge_foreign(&request.url, answer),
        }
    }

    /// Follows a redirect or a page that goes on by itself.
    fn go(&mut self, from: &Request, reference: &str, verdict: &str) -> Judgement {
        let url = match resolved(&from.url, reference) {
            Ok(url) => url,
            Err(reason) => {
                return judged("no way on", Err(Broken::Redirect(shown(&from.url), reason)));
            }
        };
        let own = self.gateway.own_path(&from.url).unwrap_or_default();
        let leaves = self.gateway.own_path(&url).is_none();
        let is_form = matches!(from.body, Body::Form(_));
        // An adapter that gets the plugins' own URLs sends the citizen straight there.
        if own.starts_with("/session/continue/") || (is_form && leaves) {
            self.handed_over = true;
        }
        let verdict = if url.is_telephone() { "a telephone number" } else { verdict };
        judged(verdict, Ok(Next::Send(Request::get(url))))
    }

    fn judge_page(&mut self, request: &Request, answer: &Answer, page: Page) -> Judgement {
        if page.kind == Kind::Error || !answer.is_page() {
            let Page { title, reference, .. } = page;
            return judged("an error page", Err(Broken::ErrorPage { title, reference }));
        }
        let wanted = self.plan.action.as_str();
        match (page.form, page.cancel, page.refresh) {
            (Some(form), ..) if form.has(wanted) => self.press(request, form),
            (_, Some(cancel), _) if self.plan.action == Action::Cancel => {
                self.pressed = true;
                self.go(request, &cancel, "a page that waits; follows `cancel`")
            }
            (Some(form), ..) if form.has(Action::Confirm.as_str()) => {
                judged("the sign-in page", Err(Broken::NoButton(wanted)))
            }
            (.., Some(refresh)) => self.refresh(request, &refresh),
            _ => at_its_end(page.kind),
        }
    }

    fn refresh(&mut self, request: &Request, Refresh { after, url }: &Refresh) -> Judgement {
        let verdict = if after.is_zero() { "a page that goes on" } else { "a page that waits" };
        let judgement = self.go(request, url.as_deref().unwrap_or(request.url.as_str()), verdict);
        match judgement.next {
            Ok(Next::Send(next)) if !after.is_zero() => judged(verdict, Ok(Next::Later(*after, next))),
            _ => judgement,
        }
    }

    fn press(&mut self, request: &Request, form: Form) -> Judgement {
        let wanted = self.plan.action.as_str();
        let url = match form.action.map_or(Ok(request.url.clone()), |action| resolved(&request.url, &action))
        {
            Ok(url) => url,
            Err(reason) => return judged("no way on", Err(Broken::Redirect(shown(&request.url), reason))),
        };
        self.pressed = true;
        let mut fields = form.hidden;
        fields.push(("action".to_owned(), wanted.to_owned()));
        let verdict = format!("the sign-in page; presses `{wanted}`");
        judged(verdict, Ok(Next::Send(Request { url, body: Body::Form(fields) })))
    }

    fn judge_foreign(&self, url: &PluginUrl, answer: &Answer) -> Judgement {
        if !answer.is_page() {
            return judged("refused", Err(Broken::Status(shown(url), answer.status.as_u16())));
        }
        if self.handed_over || carries_result(url) {
            judged("the communication side", Ok(Next::End(End::Arrived)))
        } else {
            judged(NEEDS_A_PERSON, Ok(Next::Person))
        }
    }
}

fn at_its_end(kind: Kind) -> Judgement {
    let (verdict, end) = match kind {
        Kind::Other => return judged(NEEDS_A_PERSON, Ok(Next::Person)),
        Kind::Choose | Kind::Error => return judged("the choice of a topic", Err(Broken::Choice)),
        Kind::Cancelled => ("the page for who cancelled", End::Cancelled),
        Kind::NotSignedIn => ("the page for who could not sign in", End::Failed),
        Kind::Call => ("the page with the telephone number", End::Call),
        Kind::Received => ("a result with attributes arrived, and was verified", End::Received),
        Kind::Failed => ("a result arrived that says that the citizen did not sign in", End::Failed),
        Kind::Unreadable => ("a result arrived that is encrypted to somebody else", End::Unreadable),
        Kind::Nothing => ("no result arrived", End::Nothing),
    };
    judged(verdict, Ok(Next::End(end)))
}

/// In-band, and past the gateway: the citizen brings the result.
fn carries_result(url: &PluginUrl) -> bool {
    let parsed = url::Url::parse(url.as_str());
    parsed.is_ok_and(|url| url.query_pairs().any(|(name, _)| name == "result"))
}

fn client_url(answer: &Answer) -> Result<PluginUrl, Broken> {
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return Err(Broken::NotTheGateway) };
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if let Some(url) = text("client_url").filter(|_| answer.is_page()) {
        return PluginUrl::parse_client_url(url.to_owned()).map_err(|_| Broken::NotTheGateway);
    }
    let (Some(code), Some(detail)) = (text("code"), text("detail")) else {
        return Err(Broken::NotTheGateway);
    };
    Err(Broken::Refused(Refusal {
        code: code.to_owned(),
        detail: detail.to_owned(),
        reference: text("session").map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests;
