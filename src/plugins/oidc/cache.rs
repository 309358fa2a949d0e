//! Something of a provider's that is fetched now and then, and served stale while the provider is away.
//! May import: what `plugins` may.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::trouble::Trouble;
use crate::model::UnixSeconds;

/// Seconds after which it is fetched anew.
const MAX_AGE: u64 = 60 * 60;

/// Seconds between two attempts to renew what there is, and between two fetches before its time.
const PAUSE: u64 = 60;

/// At most one fetch is under way; who comes meanwhile shares its outcome, or gets the stale value.
pub(super) struct Cached<T> {
    held: Mutex<Held<T>>,
    turn: AsyncMutex<()>,
}

struct Held<T> {
    value: Option<Arc<T>>,
    fetched: UnixSeconds,
    /// How many fetches have ended, when the last one did, and how when it failed.
    fetches: u64,
    tried: UnixSeconds,
    trouble: Option<Trouble>,
    /// When it was last fetched before its time.
    early: Option<UnixSeconds>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        let held = Held { value: None, fetched: 0, fetches: 0, tried: 0, trouble: None, early: None };
        Self { held: Mutex::new(held), turn: AsyncMutex::default() }
    }
}

impl<T> Cached<T> {
    /// What is known, fetched if nothing is, or it is old and can be had.
    ///
    /// # Errors
    /// What the fetch ended with, when there is nothing else to serve.
    pub(super) async fn get(
        &self,
        now: UnixSeconds,
        fetch: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<Arc<T>, Trouble> {
        let (value, needs_fetch, fetches) = {
            let held = self.held();
            (held.value.clone(), held.needs_fetch(now), held.fetches)
        };
        let turn = match (value, self.turn.try_lock()) {
            (Some(value), _) if !needs_fetch => return Ok(value),
            (Some(stale), Err(_)) => return Ok(stale),
            (_, Ok(turn)) => turn,
            (None, Err(_)) => self.turn.lock().await,
        };
        let answer = {
            let held = self.held();
            if held.fetches == fetches { None } else { held.answer() }
        };
        let answer = match answer {
            Some(answer) => answer,
            None => self.store(fetch.await, now),
        };
        drop(turn);
        answer
    }

    /// What is newer than a value that was found wanting, fetched unless that was tried a moment ago;
    /// `None` when there is nothing newer.
    pub(super) async fn newer(
        &self,
        than: &Arc<T>,
        now: UnixSeconds,
        fetch: impl Future<Output = Result<T, Trouble>>,
    ) -> Option<Arc<T>> {
        let _turn = self.turn.lock().await;
        let may_fetch = {
            let mut held = self.held();
            let is_same = held.value.as_ref().is_some_and(|value| Arc::ptr_eq(value, than));
            if !is_same {
                return held.value.clone();
            }
            let may_fetch = held.early.is_none_or(|early| now >= early.saturating_add(PAUSE));
            if may_fetch {
                held.early = Some(now);
            }
            may_fetch
        };
        if !may_fetch {
            return None;
        }
        let fetched = self.store(fetch.await, now).ok()?;
        (!Arc::ptr_eq(&fetched, than)).then_some(fetched)
    }

    fn store(&self, fetched: Result<T, Trouble>, now: UnixSeconds) -> Result<Arc<T>, Trouble> {
        let mut held = self.held();
        held.fetches = held.fetches.wrapping_add(1);
        held.tried = now;
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                (held.value, held.fetched, held.trouble) = (Some(value.clone()), now, None);
                Ok(value)
            }
            Err(trouble) => {
                held.trouble = Some(trouble.clone());
                held.value.clone().ok_or(trouble)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        // Nothing panics while it is held, and every state of it is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Held<T> {
    fn needs_fetch(&self, now: UnixSeconds) -> bool {
        now >= self.fetched.saturating_add(MAX_AGE) && now >= self.tried.saturating_add(PAUSE)
    }

    /// What there is to serve after a fetch.
    fn answer(&self) -> Option<Result<Arc<T>, Trouble>> {
        self.value.clone().map(Ok).or(self.trouble.clone().map(Err))
    }
}

#[cfg(test)]
mod tests;
