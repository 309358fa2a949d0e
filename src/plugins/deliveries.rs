//! What this process remembers of deliveries, so that each is made once: a citizen reloads a page,
//! goes back, clicks twice.
//!
//! A memory of convenience, bounded and lost with the process: another instance knows nothing of it,
//! and no session depends on it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{CommunicationStarted, PluginError, TransportError, recent::Recent};
use crate::model::{Nonce, SessionReference, UnixSeconds};

/// Deliveries remembered; the oldest makes room.
const CAPACITY: usize = 65_536;
/// Seconds that one is remembered: as long as the state lives that would repeat it.
const LIFETIME: u64 = 60 * 60;

/// Names the delivery of a session to a method: after one fails, the citizen may choose another. A channel that
/// is chosen afterwards gets one delivery for each result, since whoever signs in again may be somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryId {
    session: u64,
    /// The tag of the method.
    method: String,
    /// Of the result that waited for the choice.
    result: Option<u128>,
}

impl DeliveryId {
    /// `held` is what is a result's own that waited for the choice.
    pub fn new(session: SessionReference, method: &str, held: Option<Nonce>) -> Self {
        Self { session: session.id(), method: method.to_owned(), result: held.map(Nonce::id) }
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Not tried, or not known here.
    #[default]
    Unknown,
    Delivered,
    /// Nothing was sent, since the receiver could not be reached; or it was, and the receiver tells a
    /// repetition by its key. It can be tried again.
    Unreached,
    /// The result was not acceptable: nothing was sent, and another may come.
    Rejected,
    /// It was sent, and not taken, or nobody knows: it is never sent a second time.
    Failed,
}

impl Progress {
    /// What an attempt that failed like this leaves behind. `keyed`: the receiver tells a repetition by
    /// its key.
    pub fn after(error: PluginError, keyed: bool) -> Self {
        match error {
            PluginError::Transport(TransportError::Connect | TransportError::Resolve) => Self::Unreached,
            error if keyed && error.may_pass() => Self::Unreached,
            _ => Self::Failed,
        }
    }
}

/// What is remembered of one.
#[derive(Default)]
struct Memory {
    progress: Progress,
    conversation: Option<CommunicationStarted>,
}

/// The deliveries that this process made.
pub struct Deliveries(Mutex<Recent<DeliveryId, Arc<AsyncMutex<Memory>>>>);

impl Default for Deliveries {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(CAPACITY, LIFETIME)))
    }
}

/// The right to make a delivery; whoever else wants to waits until it is dropped.
pub struct Turn(OwnedMutexGuard<Memory>);

impl Turn {
    /// Of a delivery that nobody can ask for again.
    pub async fn alone() -> Self {
        Self(Arc::<AsyncMutex<Memory>>::default().lock_owned().await)
    }

    pub fn progress(&self) -> Progress {
        self.0.progress
    }

    /// The conversation that was begun for it, where it was begun in this turn or one before.
    pub fn conversation(&self) -> Option<CommunicationStarted> {
        self.0.conversation.clone()
    }

    pub fn remember(&mut self, conversation: CommunicationStarted) {
        self.0.conversation = Some(conversation);
    }

    /// From now on something may have been sent, whatever becomes of the one who holds the turn.
    pub fn begin(&mut self, keyed: bool) {
        self.0.progress = if keyed { Progress::Unreached } else { Progress::Failed };
    }

    pub fn finish(&mut self, progress: Progress) {
        self.0.progress = progress;
    }
}

impl Deliveries {
    /// Waits until nobody else makes this delivery.
    pub async fn turn(&self, id: DeliveryId, now: UnixSeconds) -> Turn {
        let entry = self.entry(id, now);
        Turn(entry.lock_owned().await)
    }

    fn entry(&self, id: DeliveryId, now: UnixSeconds) -> Arc<AsyncMutex<Memory>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(&id, now) {
            return entry.clone();
        }
        let entry = Arc::default();
        entries.insert(id, Arc::clone(&entry), now);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(session: u64) -> DeliveryId {
        DeliveryId { session, method: "chat".to_owned(), result: None }
    }

    #[tokio::test]
    async fn whoever_comes_second_learns_what_the_first_did() {
        let deliveries = Arc::new(Deliveries::default());
        let mut first = deliveries.turn(id(1), 0).await;
        assert_eq!(first.progress(), Progress::Unknown);
        let waiting = tokio::spawn({
            let deliveries = deliveries.clone();
            async move { deliveries.turn(id(1), 0).await.progress() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        first.finish(Progress::Delivered);
        drop(first);
        assert_eq!(waiting.await.unwrap(), Progress::Delivered);
        assert_eq!(deliveries.turn(id(2), 0).await.progress(), Progress::Unknown);
        let other = DeliveryId { session: 1, method: "call".to_owned(), result: None };
        assert_eq!(deliveries.turn(other, 0).await.progress(), Progress::Unknown);
    }

    #[test]
    fn what_was_sent_is_sent_again_only_to_who_tells_a_repetition() {
        use http::StatusCode;
        let timeout = PluginError::Transport(TransportError::Timeout);
        let (trouble, refused) = (StatusCode::BAD_GATEWAY, StatusCode::BAD_REQUEST);
        for (error, keyed, expected) in [
            (PluginError::Transport(TransportError::Connect), false, Progress::Unreached),
            (timeout, false, Progress::Failed),
            (timeout, true, Progress::Unreached),
            (PluginError::Status(trouble), false, Progress::Failed),
            (PluginError::Status(trouble), true, Progress::Unreached),
            (PluginError::Status(refused), true, Progress::Failed),
            (PluginError::Result, true, Progress::Failed),
        ] {
            assert_eq!(Progress::after(error, keyed), expected, "{error} {keyed}");
        }
    }

    #[tokio::test]
    async fn the_oldest_is_forgotten_when_there_are_too_many_and_after_an_hour() {
        let deliveries = Deliveries::default();
        deliveries.turn(id(0), 0).await.finish(Progress::Failed);
        assert_eq!(deliveries.turn(id(0), 3_599).await.progress(), Progress::Failed);
        assert_eq!(deliveries.turn(id(0), 3_600).await.progress(), Progress::Unknown);
        deliveries.turn(id(0), 3_600).await.finish(Progress::Delivered);
        for session in 1..=CAPACITY as u64 {
            drop(deliveries.turn(id(session), 3_600).await);
        }
        assert_eq!(deliveries.turn(id(0), 3_600).await.progress(), Progress::Unknown);
        assert!(deliveries.0.lock().unwrap().by_key.len() <= CAPACITY);
    }
}
