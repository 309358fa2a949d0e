//! What a configuration was made of, so that changes are noticed: also of secret files, which only
//! loading finds.
//! May import: `source`, `report`, `model`.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretSlice};

use super::{
    report::Report,
    source::{Environment, Sources, Unreadable},
};
use crate::model::UnixSeconds;

/// The three texts and the secret files, as numbers that differ when they do, for all practical
/// purposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingredients {
    /// `None` where they could not be read.
    texts: Option<u64>,
    secrets: Vec<(PathBuf, u64)>,
}

impl Ingredients {
    /// The same files as they are now.
    #[must_use]
    pub fn again(&self, sources: &Result<Sources, Report>, environment: &dyn Environment) -> Self {
        let secrets = self.secrets.iter().map(|(path, _)| (path.clone(), digest(&environment.file(path))));
        Self { texts: sources.as_ref().ok().map(Sources::digest), secrets: secrets.collect() }
    }
}

/// An environment that remembers which secret files were asked of it, and what they held. Those that
/// were not there count too: they may come.
pub struct Recorder<'e> {
    environment: &'e dyn Environment,
    secrets: RefCell<Vec<(PathBuf, u64)>>,
}

impl<'e> Recorder<'e> {
    pub fn new(environment: &'e dyn Environment) -> Self {
        Self { environment, secrets: RefCell::default() }
    }

    /// What was read since, beside these texts.
    pub fn ingredients(self, sources: &Sources) -> Ingredients {
        Ingredients { texts: Some(sources.digest()), secrets: self.secrets.into_inner() }
    }
}

impl Environment for Recorder<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.environment.variable(name)
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, Unreadable> {
        let content = self.environment.file(path);
        self.secrets.borrow_mut().push((path.to_owned(), digest(&content)));
        content
    }

    fn now(&self) -> UnixSeconds {
        self.environment.now()
    }
}

fn digest(content: &Result<SecretSlice<u8>, Unreadable>) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.as_ref().map(ExposeSecret::expose_secret).hash(&mut hasher);
    hasher.finish()
}
