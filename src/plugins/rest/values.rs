//! What the names of an adapter's templates stand for.
//! May import: what `plugins` may.

use super::saved::Saved;
use crate::{
    model::UnixSeconds,
    templates::{Name, Value, Values},
    tokens::{Attributes, SharedSecret},
};

/// What is known at one step. Which names a template may use was checked when it was read, so that what
/// a step does not know is merely absent.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) purpose: &'a str,
    /// The same at every step of one sign-in or conversation.
    pub(super) random: &'a str,
    pub(super) attributes: KnownAttributes<'a>,
    pub(super) return_url: Option<&'a str>,
    pub(super) session_url: Option<&'a str>,
    pub(super) timestamp: Option<UnixSeconds>,
    pub(super) secrets: &'a [(String, SharedSecret)],
    pub(super) saved: &'a Saved,
}

/// What `attributes` stands for.
#[derive(Clone, Copy)]
pub(super) enum KnownAttributes<'a> {
    None,
    /// The tags of what is asked for.
    Tags(&'a [String]),
    Values(&'a Attributes),
}

impl<'a> Known<'a> {
    /// What is known from the beginning.
    pub(super) fn new(purpose: &'a str, random: &'a str, saved: &'a Saved) -> Self {
        let (return_url, session_url, timestamp) = (None, None, None);
        let attributes = KnownAttributes::None;
        Self { purpose, random, attributes, return_url, session_url, timestamp, secrets: &[], saved }
    }
}

impl Values for Known<'_> {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        match (name.root.as_str(), name.member.as_deref()) {
            ("purpose", None) => Some(Value::text(self.purpose)),
            ("random", None) => Some(Value::text(self.random)),
            ("return_url", None) => self.return_url.map(Value::text),
            ("session_url", None) => self.session_url.map(Value::text),
            ("timestamp", None) => self.timestamp.map(|seconds| Value::Number(seconds.into())),
            ("attributes", member) => self.attributes.value(member),
            ("start", Some(member)) => self.saved.value(member),
            ("secrets", Some(member)) => {
                let secret = self.secrets.iter().find(|(name, _)| name == member);
                secret.map(|(_, secret)| Value::text(secret.expose()))
            }
            _ => None,
        }
    }
}

impl<'a> KnownAttributes<'a> {
    fn value(self, member: Option<&str>) -> Option<Value<'a>> {
        match (self, member) {
            (Self::Tags(tags), None) => Some(Value::List(tags.iter().map(String::as_str).collect())),
            (Self::Values(attributes), None) => Some(Value::Map(attributes.iter().collect())),
            (Self::Values(attributes), Some(tag)) => attributes.get(tag).map(Value::text),
            (Self::None | Self::Tags(_), _) => None,
        }
    }
}
