//! `http` of an authentication method: a REST identity service.
//! May import: `check`, `expressions`, `service`, `node`, `scalar`, `secrets`, `templates`, `model`.

use std::{collections::HashSet, time::Duration};

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{
    super::{
        check::{Checker, all},
        node::{Entries, Span, Spanned},
        scalar::{Field, Problem, Scalar},
        secrets::{RawSecret, Secrets},
    },
    Call, Finish, HttpAuth, OutcomeRule, Poll, UpdateCalls,
    expressions::RawExpression,
    service::{RawCall, RawExpect, RawRequest, RawStartCall, parse_service, warn_of_unused, with_secrets},
};
use crate::{
    model::{AttributeTag, BaseUrl},
    templates::{Name, Scope, Selection, UrlTemplate},
};

/// A REST identity service, called as declared here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHttpAuth {
    /// Where the service is: paths of requests are appended to it.
    base: Field<BaseUrl>,
    /// Secrets that requests show to the service, as `secrets.NAME`.
    #[serde(default)]
    secrets: Entries<Spanned<RawSecret>>,
    /// Begins a sign-in.
    start: RawStartCall,
    /// Where the citizen goes to sign in; they come back to `return_url`. Needed unless there is `poll`.
    redirect: Option<RawExpression>,
    /// Asks how the sign-in ended.
    finish: RawFinish,
    /// For a service that sends nobody back: asks again and again, while the citizen waits on a page.
    poll: Option<RawPoll>,
    /// What the service is told while the citizen communicates.
    #[serde(default)]
    update: RawUpdate,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawFinish {
    request: RawRequest,
    /// Which answers are right. By default any status of success.
    expect: Option<RawExpect>,
    outcome: RawOutcome,
    /// Attributes, and where in the answer they stand.
    attributes: Entries<RawExpression>,
}

/// What a value of the answer means. Any other value means that the sign-in failed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawOutcome {
    /// Where in the answer it stands: a `JSONPath` query (RFC 9535).
    #[schemars(extend("examples" = ["$.state"]))]
    from: RawExpression,
    /// The citizen signed in.
    #[schemars(length(min = 1), extend("examples" = [["done"]]))]
    ok: Vec<Field<OutcomeValue>>,
    /// The citizen chose to stop.
    #[serde(default)]
    cancelled: Vec<Field<OutcomeValue>>,
    /// The sign-in failed.
    #[serde(default)]
    failed: Vec<Field<OutcomeValue>>,
    /// With `poll`: it is not known yet.
    #[serde(default)]
    pending: Vec<Field<OutcomeValue>>,
}

/// A text, a number or a boolean, compared as text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OutcomeValue;

impl Scalar for OutcomeValue {
    const CODE: &'static str = "outcome";

    fn parse(_: &str) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer", "boolean"] })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPoll {
    every: Field<Duration>,
    /// From the start of the sign-in; after it, the sign-in has failed.
    #[serde(rename = "for")]
    timeout: Field<Duration>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawUpdate {
    /// The citizen is still there.
    user_active: Option<RawCall>,
    /// The conversation is over.
    logout: Option<RawCall>,
}

impl RawHttpAuth {
    /// `tag` is where the method's tag stands.
    pub fn parse(&self, tag: &Span, secrets: Secrets, checker: &mut Checker) -> Option<HttpAuth> {
        let quoted = checker.quote(tag);
        let service = parse_service(&self.base, &self.secrets, &quoted, secrets, checker);
        let common = || Scope::new().value("purpose").value("random");
        let asked = |scope: Scope| scope.list("attributes").value("return_url");
        let kept = |scope: Scope| scope.members("start", self.start.kept());
        let start = self.start.parse(&with_secrets(asked(common()), &self.secrets), checker);
        // A citizen sees where they are sent, so no secret goes there.
        let redirect_scope = kept(asked(common()));
        let redirect = self.redirect.as_ref().map(|raw| checker.url_template(raw, &redirect_scope));
        let later = kept(with_secrets(common(), &self.secrets));
        let finish = self.finish.parse(&asked(later.clone()), self.poll.is_some(), checker);
        let poll = self.poll.as_ref().map(|poll| poll.parse(checker));
        let updates = self.update.parse(&later, checker);
        if self.redirect.is_none() && self.poll.is_none() {
            checker
                .error(
                    "redirect",
                    tag,
                    format!("the method {quoted} says neither where the citizen signs in nor to wait"),
                )
                .with_help(
                    "add `redirect: \"{{ start.login }}\"`, or `poll: { every: 1s, for: 60s }` for a service \
                     that reaches the citizen itself",
                );
            return None;
        }
        let http = HttpAuth {
            service: service?,
            start: start?,
            redirect: match redirect {
                Some(redirect) => Some(redirect?),
                None => None,
            },
            finish: finish?,
            poll: match poll {
                Some(poll) => Some(poll?),
                None => None,
            },
            updates: updates?,
        };
        self.check_use(&http, checker)?;
        Some(http)
    }

    /// Whether what is there is used, and the citizen can come back.
    fn check_use(&self, http: &HttpAuth, checker: &mut Checker) -> Option<()> {
        let used: HashSet<Name> = http.names().cloned().collect();
        warn_of_unused(&self.secrets, Some(&self.start), &used, checker);
        let (Some(raw), Some(redirect)) = (&self.redirect, &http.redirect) else { return Some(()) };
        if redirect.is_telephone() {
            checker
                .error("redirect", &raw.span, "nobody comes back from a telephone number")
                .with_help("leave `redirect` out and add `poll: { every: 1s, for: 60s }`");
            return None;
        }
        if http.poll.is_none() && !used.iter().any(|name| name.root == "return_url") {
            checker
                .warning("return-url", &raw.span, "the citizen cannot come back: nothing names `return_url`")
                .with_help("tell the service: write `{{ return_url }}` in the start request or here");
        }
        Some(())
    }
}

impl HttpAuth {
    fn names(&self) -> impl Iterator<Item = &Name> {
        let redirect = self.redirect.iter().flat_map(UrlTemplate::names);
        let updates = self.updates.calls().flat_map(Call::names);
        self.start.call.names().chain(redirect).chain(self.finish.call.names()).chain(updates)
    }
}

impl RawFinish {
    fn parse(&self, scope: &Scope, polls: bool, checker: &mut Checker) -> Option<Finish> {
        let call = self.request.parse(self.expect.as_ref(), scope, checker);
        let outcome = self.outcome.parse(polls, checker);
        let attributes = parse_attributes(&self.attributes, checker, Checker::selection);
        Some(Finish { call: call?, outcome: outcome?, attributes: attributes? })
    }
}

/// Attributes by their tags, and where each of them comes from.
pub fn parse_attributes<'r, T>(
    raw: &Entries<RawExpression>,
    checker: &mut Checker<'r>,
    parse: impl Fn(&mut Checker<'r>, &RawExpression) -> Option<T>,
) -> Option<Vec<(AttributeTag, T)>> {
    all(raw.0.iter().map(|(tag, from)| {
        let tag = checker.parse(&Field::<AttributeTag>::new(tag));
        let from = parse(checker, from);
        tag.zip(from)
    }))
}

impl RawOutcome {
    fn parse(&self, polls: bool, checker: &mut Checker) -> Option<OutcomeRule> {
        let from: Option<Selection> = checker.selection(&self.from);
        let words =
            |words: &[Field<OutcomeValue>]| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
        let mut seen = HashSet::new();
        let every = [&self.ok, &self.cancelled, &self.failed, &self.pending].into_iter().flatten();
        let mut sound = !self.ok.is_empty();
        if !sound {
            checker
                .error("outcome", &self.from.span, "nobody could sign in: `ok` is empty")
                .with_help("name the values that mean success: `ok: [done]`");
        }
        for word in every {
            if !seen.insert(word.text.as_str()) {
                let message = format!("{} means two things", checker.quote(&word.span));
                checker.error("outcome", &word.span, message).with_help("each value stands in one list");
                sound = false;
            }
        }
        if polls == self.pending.is_empty() {
            let (message, help) = if polls {
                (
                    "with `poll`, `outcome` says which values mean that nothing is known yet",
                    "add `pending: [VALUE]`",
                )
            } else {
                ("`pending` is for `poll`", "remove it, or add `poll: { every: 1s, for: 60s }`")
            };
            let place = self.pending.first().map_or(&self.from.span, |word| &word.span);
            checker.error("outcome", place, message).with_help(help);
            sound = false;
        }
        let (from, true) = (from?, sound) else { return None };
        Some(OutcomeRule {
            from,
            ok: words(&self.ok),
            cancelled: words(&self.cancelled),
            failed: words(&self.failed),
            pending: words(&self.pending),
        })
    }
}

impl RawPoll {
    fn parse(&self, checker: &mut Checker) -> Option<Poll> {
        let every = checker.parse(&self.every);
        let timeout = checker.parse(&self.timeout);
        let poll = Poll { every: every?, timeout: timeout? };
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(30 * 60));
        if poll.every < least || poll.every > poll.timeout || poll.timeout > most {
            checker
                .error("poll", &self.every.span, "nobody can wait like this")
                .with_help("`every` is at least `1s` and not more than `for`, which is at most `30m`");
            return None;
        }
        Some(poll)
    }
}

impl RawUpdate {
    fn parse(&self, scope: &Scope, checker: &mut Checker) -> Option<UpdateCalls> {
        let mut call = |raw: &Option<RawCall>| match raw {
            Some(raw) => raw.parse(scope, checker).map(Some),
            None => Some(None),
        };
        let (user_active, logout) = (call(&self.user_active), call(&self.logout));
        Some(UpdateCalls { user_active: user_active?, logout: logout? })
    }
}
