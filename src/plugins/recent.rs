//! A bounded memory of what was there lately: the oldest makes room, and nothing stays for ever.
//! May import: what `plugins` may.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use crate::model::UnixSeconds;

/// Values by key, no more than a capacity of them, each for a lifetime from when it came.
pub(super) struct Recent<K, V> {
    capacity: usize,
    /// Seconds.
    lifetime: u64,
    pub(super) by_key: HashMap<K, V>,
    /// Oldest first.
    pub(super) by_age: VecDeque<(UnixSeconds, K)>,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(super) fn new(capacity: usize, lifetime: u64) -> Self {
        Self { capacity, lifetime, by_key: HashMap::new(), by_age: VecDeque::new() }
    }

    pub(super) fn get_mut(&mut self, key: &K, now: UnixSeconds) -> Option<&mut V> {
        self.drop_expired(now);
        self.by_key.get_mut(key)
    }

    /// Takes a key that is not there yet.
    pub(super) fn insert(&mut self, key: K, value: V, now: UnixSeconds) {
        self.drop_expired(now);
        if self.by_age.len() >= self.capacity {
            self.drop_oldest();
        }
        self.by_key.insert(key.clone(), value);
        self.by_age.push_back((now, key));
    }

    fn drop_expired(&mut self, now: UnixSeconds) {
        while self.by_age.front().is_some_and(|(since, _)| since + self.lifetime <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.by_age.pop_front() {
            self.by_key.remove(&key);
        }
    }
}
