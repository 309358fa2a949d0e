//! What is kept of a service's answer: `save` of plugins.yaml.
//! May import: what `plugins` may.

use serde::{Deserialize, Serialize};

use crate::{
    config::{Save, SaveKind},
    model::{PluginUrl, UrlError},
    plugins::{PluginError, UrlField},
    templates::{Value, scalar_text},
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

impl Saved {
    /// What is to be kept of an answer of the service at this `base`.
    ///
    /// # Errors
    /// [`PluginError::Malformed`] for a value that is not there or not of its kind, [`PluginError::Url`]
    /// for a URL to which no citizen may be sent.
    pub(super) fn of(base: &str, rules: &[Save], answer: &serde_json::Value) -> Result<Self, PluginError> {
        let saved = rules.iter().map(|rule| {
            let found = rule.from.select(answer).ok_or(PluginError::Malformed)?;
            Ok((rule.name.clone(), checked(&rule.kind, found)?))
        });
        Ok(Self { base: base.to_owned(), values: saved.collect::<Result<_, PluginError>>()? })
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

fn checked(kind: &SaveKind, found: &serde_json::Value) -> Result<SavedValue, PluginError> {
    use serde_json::Value as Json;
    match (kind, found) {
        (SaveKind::Text { pattern }, Json::String(_) | Json::Number(_)) => {
            let text = scalar_text(found).ok_or(PluginError::Malformed)?;
            let fits = text.len() <= MAX_TEXT
                && !text.chars().any(char::is_control)
                && pattern.as_ref().is_none_or(|pattern| pattern.matches(&text));
            if fits { Ok(SavedValue::Text(text.into_owned())) } else { Err(PluginError::Malformed) }
        }
        (SaveKind::Url { hosts }, Json::String(text)) => url(text, hosts).map(SavedValue::Text),
        (SaveKind::Number, Json::Number(_)) => {
            let text = scalar_text(found).ok_or(PluginError::Malformed)?;
            Ok(SavedValue::Number(text.into_owned()))
        }
        (SaveKind::Boolean, Json::Bool(boolean)) => Ok(SavedValue::Boolean(*boolean)),
        _ => Err(PluginError::Malformed),
    }
}

/// A place for the citizen to go to: on one of these hosts, and nowhere else.
fn url(text: &str, hosts: &[String]) -> Result<String, PluginError> {
    if text.len() > MAX_URL {
        return Err(PluginError::Malformed);
    }
    let refused = |reason| PluginError::Url { field: UrlField::Saved, reason };
    let url = PluginUrl::parse_client_url(text.to_owned()).map_err(refused)?;
    match url.host() {
        // Whoever reads it differs about other characters of a host.
        Some(_) if !is_ascii_until_path(text) => Err(refused(UrlError::Ambiguous)),
        Some(host) if hosts.iter().any(|allowed| allowed == host) => Ok(text.to_owned()),
        _ => Err(refused(UrlError::ForeignHost)),
    }
}

fn is_ascii_until_path(url: &str) -> bool {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.chars().take_while(|c| !matches!(c, '/' | '?' | '#')).all(|c| c.is_ascii())
}
