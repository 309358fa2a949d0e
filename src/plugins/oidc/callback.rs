//! `{public}/auth/{tag}/callback`: the citizen is back from the provider.
//! May import: what `plugins` may.

use http::{StatusCode, header};

use super::{
    super::{
        Environment, Ticket,
        sign_in::{Unusable, attribute_text},
    },
    Flow, OidcAdapter, SignInPage, hex, logout,
    tokens::{Asked, Exchange},
    trouble::Trouble,
};
use crate::{
    model::{OwnAnswer, OwnRequest, cookie},
    tokens::{AuthenticationOutcome, constant_time_eq},
};

/// Errors by which a provider says that the citizen stopped, or would have had to do something and did not
/// (RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6).
const CANCELLED: [&str; 5] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
];

/// How a sign-in ended.
enum Ending {
    Cancelled,
    Done(AuthenticationOutcome, Option<Ticket>),
}

impl OidcAdapter {
    pub(super) async fn callback(&self, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let state = only(request, "state");
        let flow = state.and_then(|state| self.at.open::<Flow>(&state, environment));
        let Some(flow) = flow.filter(|flow| flow.issuer == self.config.issuer) else {
            return self.at.place.unknown_session(request.language);
        };
        let name = flow.cookie_name(&self.at.place);
        let held = cookie::find(request.cookie.as_deref(), &name);
        if !held.is_some_and(|held| constant_time_eq(held.as_bytes(), flow.browser.to_string().as_bytes())) {
            return self.lost_browser(flow, request, environment);
        }
        let answer = match self.ending(&flow, request, environment).await {
            Ok(Ending::Cancelled) => flow.sign_in.cancel(&self.at, request.language),
            Ok(Ending::Done(outcome, updates)) => {
                flow.sign_in.finish(&self.at, &outcome, updates, request.language, environment)
            }
            Err(trouble) => {
                self.warn(&flow.sign_in, &trouble, environment);
                let failed = AuthenticationOutcome::Failed;
                flow.sign_in.finish(&self.at, &failed, None, request.language, environment)
            }
        };
        // The code has had its chance: a reload finds no cookie.
        answer.with_header(header::SET_COOKIE, self.at.place.browser_cookie("auth", &name, "", 0))
    }

    async fn ending(
        &self,
        flow: &Flow,
        request: &OwnRequest,
        environment: Environment<'_>,
    ) -> Result<Ending, Trouble> {
        let calls = self.calls(environment);
        let provider = self.providers.provider(&self.config.issuer);
        let metadata = provider.metadata(calls).await?;
        self.check_issuer(request, metadata.names_itself)?;
        if let Some(error) = request.parameters("error").next() {
            let is_cancelled = CANCELLED.contains(&error.as_str());
            return if is_cancelled { Ok(Ending::Cancelled) } else { Err(Trouble::Failed) };
        }
        let code = only(request, "code").ok_or(Trouble::Response)?;
        let asked = Asked {
            nonce: flow.nonce.to_string(),
            verifier: hex(&flow.verifier),
            freshness: self.freshness(flow.asked_at),
        };
        let exchange = Exchange { adapter: self, provider: &provider, metadata: &metadata, calls };
        let tokens = exchange.redeem(code, &asked).await?;
        let wanted: Vec<_> = flow.sign_in.attributes.iter().filter_map(|tag| self.claim(tag)).collect();
        let claims = exchange.claims(&tokens, &asked, &wanted).await?;
        let outcome = flow.sign_in.outcome(|tag| {
            let claim = self.claim(tag).ok_or_else(|| Unusable::unknown(tag))?;
            attribute_text(tag, claim, claims.find(claim))
        })?;
        Ok(Ending::Done(outcome, logout::ticket(&tokens, &flow.issuer, &metadata)))
    }

    /// Against answers of another provider that a browser was made to ask (RFC 9207, section 2.4).
    fn check_issuer(&self, request: &OwnRequest, names_itself: bool) -> Result<(), Trouble> {
        let mut named = request.parameters("iss");
        let is_right = match (named.next(), named.next()) {
            (Some(issuer), None) => issuer == self.config.issuer,
            (None, _) => !names_itself,
            (Some(_), Some(_)) => false,
        };
        if is_right { Ok(()) } else { Err(Trouble::Issuer) }
    }

    /// Another browser, a second visit, or one that keeps no cookies: nothing of it is believed.
    fn lost_browser(&self, flow: Flow, request: &OwnRequest, environment: Environment<'_>) -> OwnAnswer {
        let page = SignInPage(flow.sign_in);
        let again = self.at.seal(&page, environment);
        let again = again.map(|state| self.at.place.url("auth", &state).as_str().to_owned());
        let texts = request.language.pick(
            [
                "Dit inloggen kan niet doorgaan",
                "Het is al afgerond, of het begon in een andere browser.",
                "Ga terug naar uw gesprek, of log opnieuw in.",
            ],
            [
                "This sign-in cannot go on",
                "It has ended already, or it began in another browser.",
                "Go back to your conversation, or sign in again.",
            ],
        );
        page.0.stuck(&self.at, StatusCode::FORBIDDEN, texts, again, request.language)
    }
}

/// A parameter that is there once.
fn only(request: &OwnRequest, name: &str) -> Option<String> {
    let mut values = request.parameters(name);
    values.next().filter(|_| values.next().is_none())
}
