//! How a stub plugin behaves: one plan for every method, and others for some.

use std::collections::HashMap;

#[derive(Default)]
pub struct Plans<P> {
    default: P,
    of_tags: HashMap<String, P>,
}

impl<P: Clone> Plans<P> {
    /// Changes what every method does that has no plan of its own.
    pub fn change(&mut self, change: impl FnOnce(&mut P)) {
        change(&mut self.default);
    }

    /// Changes what one method does, from what all do.
    pub fn change_of(&mut self, tag: &str, change: impl FnOnce(&mut P)) {
        change(self.of_tags.entry(tag.to_owned()).or_insert_with(|| self.default.clone()));
    }

    pub fn of(&self, tag: &str) -> P {
        self.of_tags.get(tag).unwrap_or(&self.default).clone()
    }
}
