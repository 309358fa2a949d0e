//! What no browser sees, as far as the gateway's metrics tell it: the end of a session that a person goes
//! on with, and what became of the attributes. Nobody keeps sessions, so there is nothing else to ask.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;

use super::walk::End;
use crate::{
    config::DEFAULT_CONNECT_TIMEOUT,
    metrics::SessionLabels,
    model::BaseUrl,
    plugins::{HttpClient, OutgoingRequest, TransportError},
    upstreams::Server,
};

const EVERY: Duration = Duration::from_secs(1);
const METRIC: &str = "idcontact_session_events_total{";
const DELIVERED: &str = "attributes_delivered";

/// Why the end was not seen.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unseen {
    #[error("the admin listener at {0} cannot be asked: {1}")]
    NoAdmin(String, TransportError),
    #[error("the session ended with `{0}`, `{1}`")]
    Broken(String, String),
    #[error("nothing was seen to end in time (--timeout)")]
    TimeIsUp,
}

/// What became of the attributes of a citizen who went on to the communication side.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Done,
    /// With the outcome that was counted.
    Failed(String),
    /// For this reason.
    Unknown(String),
}

/// Event and outcome, and how often.
pub(super) type Counts = HashMap<(String, String), u64>;

/// What is counted of the sessions of one purpose and two methods.
pub(super) struct Watch<'a> {
    pub(super) http: &'a dyn HttpClient,
    pub(super) admin: BaseUrl,
    pub(super) labels: SessionLabels<'a>,
    pub(super) deadline: Instant,
}

impl Watch<'_> {
    /// What is counted by now.
    ///
    /// # Errors
    /// [`Unseen::NoAdmin`] when the admin listener does not answer with metrics.
    pub(super) async fn counts(&self) -> Result<Counts, Unseen> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let request = OutgoingRequest {
            method: Method::GET,
            server: &Server::new(&self.admin),
            path_and_query: "/metrics",
            content_type: None,
            headers: &[],
            body: Bytes::new(),
            request_id: "session-command",
            connect_timeout: left.min(DEFAULT_CONNECT_TIMEOUT),
            total_timeout: left.min(Duration::from_secs(5)),
            repeatable: false,
            fresh_connection: true,
        };
        let unseen = |error| Unseen::NoAdmin(self.admin.to_string(), error);
        let answer = self.http.send(request).await.map_err(unseen)?;
        if !answer.status.is_success() {
            return Err(unseen(TransportError::Broken));
        }
        Ok(counts(std::str::from_utf8(&answer.body).unwrap_or_default(), self.labels))
    }

    /// Waits until more is counted than before that ends a session.
    ///
    /// # Errors
    /// [`Unseen`], also when a session ended as none should.
    pub(super) async fn end(&self, before: &Counts) -> Result<End, Unseen> {
        while Instant::now() < self.deadline {
            if let Some(end) = ended(before, &self.counts().await?) {
                return end;
            }
            tokio::time::sleep(EVERY.min(self.deadline.saturating_duration_since(Instant::now()))).await;
        }
        Err(Unseen::TimeIsUp)
    }

    /// What became of the attributes since `before`.
    pub(super) async fn delivery(&self, before: &Result<Counts, Unseen>) -> Delivery {
        match (before, self.counts().await) {
            (Ok(before), Ok(now)) => delivery(before, &now),
            (Err(unseen), _) => Delivery::Unknown(unseen.to_string()),
            (_, Err(unseen)) => Delivery::Unknown(unseen.to_string()),
        }
    }
}

fn counts(metrics: &str, labels: SessionLabels<'_>) -> Counts {
    let label = |name: &str, value: &str| {
        let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        format!("{name}=\"{value}\"")
    };
    let wanted = [
        label("purpose", labels.purpose),
        label("auth_method", labels.auth_method),
        label("comm_method", labels.comm_method),
    ];
    let of_session = metrics.lines().filter_map(|line| line.strip_prefix(METRIC));
    let of_session = of_session.filter(|line| wanted.iter().all(|label| line.contains(label)));
    of_session
        .filter_map(|line| {
            let value = |name: &str| Some(line.split_once(name)?.1.split('"').next()?.to_owned());
            let key = (value("event=\"")?, value("outcome=\"")?);
            Some((key, line.rsplit(' ').next()?.parse().ok()?))
        })
        .collect()
}

/// What is counted more than before, in order.
fn new<'c>(before: &Counts, now: &'c Counts) -> Vec<(&'c str, &'c str)> {
    let rose = |(key, count): &(&(String, String), &u64)| before.get(*key).unwrap_or(&0) < *count;
    let new = now.iter().filter(rose).map(|((event, outcome), _)| (event.as_str(), outcome.as_str()));
    let mut new: Vec<_> = new.collect();
    new.sort_unstable();
    new
}

/// A delivery that failed may be that of another citizen, who came meanwhile.
fn delivery(before: &Counts, now: &Counts) -> Delivery {
    let new = new(before, now);
    let mut outcomes = new.iter().filter(|(event, _)| *event == DELIVERED).map(|(_, outcome)| *outcome);
    let failed = outcomes.clone().find(|outcome| *outcome != "ok");
    match (failed, outcomes.any(|outcome| outcome == "ok")) {
        (None, true) => Delivery::Done,
        (Some(outcome), false) => Delivery::Failed(outcome.to_owned()),
        (None, false) => Delivery::Unknown("the gateway counted no delivery".to_owned()),
        (Some(_), true) => {
            Delivery::Unknown("the gateway counted several deliveries, not all `ok`".to_owned())
        }
    }
}

/// How a session ended, if one did. What went wrong goes before what went on in spite of it.
fn ended(before: &Counts, now: &Counts) -> Option<Result<End, Unseen>> {
    let mut new = new(before, now);
    new.retain(|(event, _)| !matches!(*event, "start" | "user_active" | "logout"));
    let has = |outcome: &str| new.iter().find(|(_, other)| *other == outcome);
    if has("cancelled").is_some() {
        return Some(Ok(End::Cancelled));
    }
    if has("failed").is_some() {
        return Some(Ok(End::Failed));
    }
    if let Some((event, outcome)) = new.iter().find(|(_, outcome)| *outcome != "ok") {
        return Some(Err(Unseen::Broken((*event).to_owned(), (*outcome).to_owned())));
    }
    let delivered = new.contains(&(DELIVERED, "ok"));
    let handed_over = new.contains(&("handed_over", "ok"));
    handed_over.then_some(Ok(if delivered { End::Delivered } else { End::Arrived }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: SessionLabels<'_> =
        SessionLabels { purpose: "a \"b\"", auth_method: "irma", comm_method: "chat" };

    fn metrics(lines: &[(&str, &str, u64)]) -> String {
        let metrics = crate::metrics::Metrics::new().unwrap();
        metrics.session_event(SessionLabels { purpose: "other", ..LABELS }, "handed_over", "ok");
        for (event, outcome, count) in lines {
            for _ in 0..*count {
                metrics.session_event(LABELS, event_of(event), event_of(outcome));
            }
        }
        String::from_utf8(metrics.render()).unwrap()
    }

    fn event_of(text: &str) -> &'static str {
        let known = [
            "start",
            "auth_returned",
            "attributes_delivered",
            "handed_over",
            "ok",
            "cancelled",
            "failed",
            "rejected",
            "delivery_failed",
        ];
        known.into_iter().find(|name| *name == text).unwrap()
    }

    fn seen(lines: &[(&str, &str, u64)]) -> Counts {
        counts(&metrics(lines), LABELS)
    }

    #[test]
    fn only_this_kind_of_session_is_counted() {
        let counts = seen(&[("start", "ok", 2), ("handed_over", "ok", 1)]);
        let key = |event: &str| (event.to_owned(), "ok".to_owned());
        assert_eq!(counts, HashMap::from([(key("start"), 2), (key("handed_over"), 1)]));
    }

    #[test]
    fn an_end_is_what_is_counted_more() {
        let before = seen(&[("start", "ok", 1), ("handed_over", "ok", 1), ("auth_returned", "cancelled", 1)]);
        let broken = Unseen::Broken("auth_returned".to_owned(), "rejected".to_owned());
        for (more, end) in [
            (vec![("start", "ok", 5)], None),
            (vec![("auth_returned", "ok", 1)], None),
            (vec![("auth_returned", "ok", 1), ("handed_over", "ok", 2)], Some(Ok(End::Arrived))),
            (vec![("attributes_delivered", "ok", 1), ("handed_over", "ok", 2)], Some(Ok(End::Delivered))),
            (vec![("auth_returned", "cancelled", 2)], Some(Ok(End::Cancelled))),
            (vec![("auth_returned", "failed", 1), ("handed_over", "ok", 2)], Some(Ok(End::Failed))),
            (vec![("auth_returned", "rejected", 1)], Some(Err(broken))),
        ] {
            assert_eq!(ended(&before, &seen(&more)), end, "{more:?}");
        }
    }

    #[test]
    fn attributes_arrived_when_only_that_is_counted() {
        let before =
            seen(&[("attributes_delivered", "ok", 1), ("attributes_delivered", "delivery_failed", 1)]);
        let failed = |outcome: &str| Delivery::Failed(outcome.to_owned());
        for (ok, bad, outcome, expected) in [
            (2, 1, "delivery_failed", Some(Delivery::Done)),
            (1, 2, "delivery_failed", Some(failed("delivery_failed"))),
            (1, 1, "rejected", Some(failed("rejected"))),
            (1, 1, "delivery_failed", None),
            (2, 2, "delivery_failed", None),
        ] {
            let now = [("handed_over", "ok", 1), (DELIVERED, "ok", ok), (DELIVERED, outcome, bad)];
            let found = delivery(&before, &seen(&now));
            match expected {
                Some(expected) => assert_eq!(found, expected, "{now:?}"),
                None => assert!(matches!(found, Delivery::Unknown(_)), "{now:?}: {found:?}"),
            }
        }
    }
}
