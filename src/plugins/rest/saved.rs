//! What is kept of a service's answer: `save` of plugins.yaml.
//! May import: what `plugins` may.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Save, SaveKind},
    model::{PluginUrl, UrlError},
    plugins::{PluginError, UrlField},
    templates::{Pattern, Value, scalar_text},
};

/// Longest text, in bytes: what is kept travels in URLs.
const MAX_TEXT: usize = 512;

/// Longest URL, in bytes: what every browser opens (protocol.md, "URL budget").
const MAX_URL: usize = 2_000;

/// Values by their names. Part of sealed states: whoever changes the fields gives those another kind.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// The `base` of the service that said them: to another one, which the method may have after a reload,
    /// they mean nothing, or somebody else.
    base: String,
    values: Vec<(String, SavedValue)>,
}

#[derive(Clone, Serialize, Deserialize)]
enum SavedValue {
    Text(String),
    /// As JSON writes it.
    Number(String),
    Boolean(bool),
}

/// Which value of an answer cannot be kept, by its name in `save`, and why. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`save.{name}` cannot be used: {flaw}")]
pub(super) struct Unsaved {
    name: String,
    flaw: Flaw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("its selection `from` finds nothing, or more than one value")]
    Unselected,
    #[error("what is there is not of its `type`")]
    Kind,
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    #[error("it has control characters")]
    Control,
    #[error("it does not fit its `pattern`")]
    Pattern,
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl Unsaved {
    pub(super) fn as_plugin_error(&self) -> PluginError {
        match self.flaw {
            Flaw::Url(reason) => PluginError::Url { field: UrlField::Saved, reason },
            _ => PluginError::Malformed,
        }
    }
}

impl Saved {
    /// What is to be kept of an answer of the service at this `base`.
    ///
    /// # Errors
    /// [`Unsaved`] for a value that is not there or not of its kind, or a URL to which no citizen may be
    /// sent.
    pub(super) fn of(base: &str, rules: &[Save], answer: &serde_json::Value) -> Result<Self, Unsaved> {
        let saved = rules.iter().map(|rule| {
            let found = rule.from.select(answer).ok_or(Flaw::Unselected);
            let value = found.and_then(|found| checked(&rule.kind, found));
            let name = rule.name.clone();
            match value {
                Ok(value) => Ok((name, value)),
                Err(flaw) => Err(Unsaved { name, flaw }),
            }
        });
        Ok(Self { base: base.to_owned(), values: saved.collect::<Result<_, Unsaved>>()? })
    }

    /// Only what is used later: URLs have a budget.
    pub(super) fn only(&self, names: &[String]) -> Self {
        let values = self.values.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
        Self { base: self.base.clone(), values }
    }

    /// Whether the service at this `base` knows what they mean.
    pub(super) fn is_of(&self, base: &str) -> bool {
        self.values.is_empty() || self.base == base
    }

    pub(super) fn value(&self, name: &str) -> Option<Value<'_>> {
        let (_, value) = self.values.iter().find(|(saved, _)| saved == name)?;
        match value {
            SavedValue::Text(text) => Some(Value::text(text)),
            SavedValue::Number(number) => serde_json::from_str(number).ok().map(Value::Number),
            SavedValue::Boolean(boolean) => Some(Value::Boolean(*boolean)),
        }
    }
}

fn checked(kind: &SaveKind, found: &serde_json::Value) -> Result<SavedValue, Flaw> {
    use serde_json::Value as Json;
    let text = || scalar_text(found).map(Cow::into_owned).ok_or(Flaw::Kind);
    match (kind, found) {
        (SaveKind::Text { pattern }, Json::String(_) | Json::Number(_)) => {
            plain_text(text()?, pattern.as_ref()).map(SavedValue::Text)
        }
        (SaveKind::Url { hosts }, Json::String(text)) => url(text, hosts).map(SavedValue::Text),
        (SaveKind::Number, Json::Number(_)) => Ok(SavedValue::Number(text()?)),
        (SaveKind::Boolean, Json::Bool(boolean)) => Ok(SavedValue::Boolean(*boolean)),
        _ => Err(Flaw::Kind),
    }
}

fn plain_text(text: String, pattern: Option<&Pattern>) -> Result<String, Flaw> {
    if text.len() > MAX_TEXT {
        return Err(Flaw::TooLong(MAX_TEXT));
    }
    if text.chars().any(char::is_control) {
        return Err(Flaw::Control);
    }
    if pattern.is_none_or(|pattern| pattern.matches(&text)) { Ok(text) } else { Err(Flaw::Pattern) }
}

/// A place for the citizen to go to: on one of these hosts, and nowhere else.
fn url(text: &str, hosts: &[String]) -> Result<String, Flaw> {
    if text.len() > MAX_URL {
        return Err(Flaw::TooLong(MAX_URL));
    }
    let url = PluginUrl::parse_client_url(text.to_owned())?;
    match url.host() {
        // Whoever reads it differs about other characters of a host.
        Some(_) if !is_ascii_until_path(text) => Err(UrlError::Ambiguous.into()),
        Some(host) if hosts.iter().any(|allowed| allowed == host) => Ok(text.to_owned()),
        _ => Err(UrlError::ForeignHost.into()),
    }
}

fn is_ascii_until_path(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.chars().take_while(|c| !matches!(c, '/' | '?' | '#')).all(|c| c.is_ascii())
}
