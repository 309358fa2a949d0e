//! What a request carries from one of Pingora's phases to the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::StatusCode;

use crate::{
    model::Random,
    session::endpoints::Endpoint,
    snapshot::{Forward, Snapshot},
};

/// One request, from its head to its log line.
pub struct RequestContext {
    /// The generation that this request sees from its first byte to its last.
    pub snapshot: Arc<Snapshot>,
    pub started: Instant,
    pub request_id: String,
    pub handling: Handling,
    /// Whether the peer is one of `trusted_proxies`.
    pub trusted: bool,
    /// Time spent waiting for an upstream or a plugin.
    pub waited: Option<Duration>,
    /// Why the request failed, for the log.
    pub error: Option<&'static str>,
    _in_flight: InFlightGuard,
}

/// Who answers.
pub enum Handling {
    Own(Endpoint),
    Forward(Forwarding),
}

/// A request on its way to an upstream.
pub struct Forwarding {
    /// Index of the route.
    pub route: usize,
    /// Path and query for the upstream, when they differ from the client's.
    pub path_and_query: Option<String>,
    /// Whose turn it is, and how many servers or addresses could not be connected to.
    pub turn: usize,
    pub failures: usize,
    /// When the upstream was first asked for, and when it had last answered.
    pub asked: Option<Instant>,
    pub answered: Option<Instant>,
    /// Bytes of the body so far.
    pub body: u64,
    /// A protocol upgrade other than WebSocket, which Pingora leaves to the application.
    pub other_upgrade: bool,
    /// Whether the upstream was asked for any upgrade.
    pub asks_upgrade: bool,
}

impl RequestContext {
    pub fn new(snapshot: Arc<Snapshot>, in_flight: &InFlight) -> Self {
        Self {
            snapshot,
            started: Instant::now(),
            request_id: String::new(),
            handling: Handling::Own(Endpoint::NotFound),
            trusted: false,
            waited: None,
            error: None,
            _in_flight: in_flight.enter(),
        }
    }

    /// The route that is forwarded by, if one is.
    pub fn forward(&self) -> Option<(&Forward, &Forwarding)> {
        match &self.handling {
            Handling::Forward(forwarding) => Some((self.snapshot.forward(forwarding.route)?, forwarding)),
            Handling::Own(_) => None,
        }
    }

    pub fn forwarding_mut(&mut self) -> Option<&mut Forwarding> {
        match &mut self.handling {
            Handling::Forward(forwarding) => Some(forwarding),
            Handling::Own(_) => None,
        }
    }

    /// Time spent waiting for others, once the request is answered.
    pub fn waited(&self) -> Option<Duration> {
        match &self.handling {
            Handling::Forward(forwarding) => forwarding.asked.map(|asked| match forwarding.answered {
                Some(answered) => answered.saturating_duration_since(asked),
                None => asked.elapsed(),
            }),
            Handling::Own(_) => self.waited,
        }
    }
}

/// 128 random bits in hexadecimal.
pub fn new_request_id(random: &dyn Random) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let mut id = String::with_capacity(32);
    for byte in bytes {
        id.push(char::from(DIGITS[usize::from(byte >> 4)]));
        id.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    id
}

/// What the access line says where no answer was written: the client went away (nginx's 499).
pub fn client_closed() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Counts requests under way, so that a shutdown can wait for them. Cheap to clone.
#[derive(Clone, Default)]
pub struct InFlight(Arc<AtomicUsize>);

struct InFlightGuard(Arc<AtomicUsize>);

impl InFlight {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn enter(&self) -> InFlightGuard {
        self.0.fetch_add(1, Ordering::AcqRel);
        InFlightGuard(self.0.clone())
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
