use std::{
    cell::Cell,
    future::{Ready, ready},
};

use tokio::sync::oneshot;

use super::*;

const NOW: UnixSeconds = 1_800_000_000;
const AWAY: Trouble = Trouble::Failed;

/// A source that counts how often it is asked.
#[derive(Default)]
struct Source {
    asked: Cell<u32>,
    away: Cell<bool>,
}

impl Source {
    /// The number of the fetch.
    #[allow(clippy::unused_async, reason = "as what it stands for, it does nothing until it is awaited")]
    async fn fetch(&self) -> Result<u32, Trouble> {
        self.asked.set(self.asked.get() + 1);
        if self.away.get() { Err(AWAY) } else { Ok(self.asked.get()) }
    }
}

async fn get(cached: &Cached<u32>, source: &Source, now: UnixSeconds) -> Result<u32, Trouble> {
    cached.get(now, source.fetch()).await.map(|value| *value)
}

#[tokio::test]
async fn what_is_fresh_is_not_fetched_again() {
    let (cached, source) = (Cached::default(), Source::default());
    for (now, expected) in [(NOW, 1), (NOW + MAX_AGE - 1, 1), (NOW + MAX_AGE, 2), (NOW + MAX_AGE + 1, 2)] {
        assert_eq!(get(&cached, &source, now).await, Ok(expected));
    }
}

#[tokio::test]
async fn what_is_stale_serves_while_the_source_is_away() {
    let (cached, source) = (Cached::default(), Source::default());
    assert_eq!(get(&cached, &source, NOW).await, Ok(1));
    source.away.set(true);
    let old = NOW + MAX_AGE;
    assert_eq!((get(&cached, &source, old).await, source.asked.get()), (Ok(1), 2));
    assert_eq!((get(&cached, &source, old + PAUSE - 1).await, source.asked.get()), (Ok(1), 2));
    assert_eq!((get(&cached, &source, old + PAUSE).await, source.asked.get()), (Ok(1), 3));
    source.away.set(false);
    assert_eq!(get(&cached, &source, old + 2 * PAUSE).await, Ok(4));
}

#[tokio::test]
async fn who_has_nothing_to_serve_asks_each_time() {
    let (cached, source) = (Cached::default(), Source::default());
    source.away.set(true);
    assert_eq!(get(&cached, &source, NOW).await, Err(AWAY));
    source.away.set(false);
    assert_eq!(get(&cached, &source, NOW).await, Ok(2));
}

#[tokio::test]
async fn who_comes_meanwhile_shares_the_outcome() {
    for outcome in [Ok(7), Err(AWAY)] {
        let cached = Cached::default();
        let (answer, answered) = oneshot::channel();
        let slow = async { answered.await.expect("the test answers") };
        let nobody = || async { panic!("asked a second time") };
        let (first, second, third, ()) = tokio::join!(
            cached.get(NOW, slow),
            cached.get(NOW, nobody()),
            cached.get(NOW, nobody()),
            async { answer.send(outcome.clone()).expect("somebody waits") },
        );
        for answer in [first, second, third] {
            assert_eq!(answer.map(|value| *value), outcome);
        }
    }
}

#[tokio::test]
async fn who_has_something_stale_does_not_wait() {
    let (cached, source) = (Cached::default(), Source::default());
    assert_eq!(get(&cached, &source, NOW).await, Ok(1));
    let (answer, answered) = oneshot::channel();
    let slow = async { answered.await.expect("the test answers") };
    let (first, ()) = tokio::join!(cached.get(NOW + MAX_AGE, slow), async {
        assert_eq!(get(&cached, &source, NOW + MAX_AGE).await, Ok(1));
        answer.send(Ok(2)).expect("somebody waits");
    });
    assert_eq!(first.map(|value| *value), Ok(2));
}

#[tokio::test]
async fn newer_is_looked_for_once_a_minute() {
    let (cached, source) = (Cached::default(), Source::default());
    let first = cached.get(NOW, source.fetch()).await.unwrap();
    let second = cached.newer(&first, NOW, source.fetch()).await.unwrap();
    assert_eq!(*second, 2);
    // Somebody else has renewed it already.
    assert_eq!(cached.newer(&first, NOW, source.fetch()).await.as_deref(), Some(&2));
    for (now, expected) in [(NOW, None), (NOW + PAUSE - 1, None), (NOW + PAUSE, Some(&3))] {
        assert_eq!(cached.newer(&second, now, source.fetch()).await.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_source_that_is_away_has_nothing_newer() {
    let cached = Cached::default();
    let fetched = |outcome| -> Ready<Result<u32, Trouble>> { ready(outcome) };
    let first = cached.get(NOW, fetched(Ok(1))).await.unwrap();
    assert_eq!(cached.newer(&first, NOW, fetched(Err(AWAY))).await, None);
    assert_eq!(cached.newer(&first, NOW + 1, fetched(Ok(2))).await, None);
    assert_eq!(cached.get(NOW + 1, fetched(Ok(3))).await.as_deref(), Ok(&1));
}
