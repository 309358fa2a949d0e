//! What the names of expressions stand for while a template is rendered.

use std::{borrow::Cow, fmt};

use serde_json::{Map, Number};

use super::{MAX_TEXT, RenderError};

/// A name as an expression gives it: `purpose`, or `attributes.email`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    pub root: String,
    pub member: Option<String>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}.{member}", self.root),
            None => f.write_str(&self.root),
        }
    }
}

/// What a name stands for: data, which is never read as a template. It may be an attribute or a secret,
/// so `Debug` shows only its kind.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// JSON's `null`; as text it is empty.
    Null,
    Text(Cow<'a, str>),
    Number(Number),
    Boolean(bool),
    List(Vec<&'a str>),
    /// Names and texts, in the order in which they are to be written.
    Map(Vec<(&'a str, &'a str)>),
}

/// Where the values come from.
pub trait Values {
    /// The value of a name; `None` when it has none, such as an attribute that was not given.
    fn value(&self, name: &Name) -> Option<Value<'_>>;
}

impl<'a> Value<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Absent or empty, as the filter `default` understands it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::Number(_) | Self::Boolean(_) => false,
        }
    }

    /// The value inside a text.
    ///
    /// # Errors
    /// [`RenderError::Unsafe`] for a list, a map or a number that has no text, [`RenderError::TooLarge`] above [`MAX_TEXT`].
    pub(super) fn into_text(self) -> Result<Cow<'a, str>, RenderError> {
        let text = match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => text,
            Self::Number(number) => Cow::Owned(number_text(&number).ok_or(RenderError::Unsafe)?),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::List(_) | Self::Map(_) => return Err(RenderError::Unsafe),
        };
        if text.len() > MAX_TEXT { Err(RenderError::TooLarge) } else { Ok(text) }
    }

    /// The value in a JSON document, with its type.
    pub(super) fn into_json(self) -> serde_json::Value {
        let object = |members: Vec<(&str, &str)>| -> Map<String, serde_json::Value> {
            members.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect()
        };
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => text.into_owned().into(),
            Self::Number(number) => number.into(),
            Self::Boolean(boolean) => boolean.into(),
            Self::List(items) => items.into(),
            Self::Map(members) => object(members).into(),
        }
    }

    /// About how many bytes the value makes in a document.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) | Self::Boolean(_) => 8,
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(|item| item.len() + 3).sum(),
            Self::Map(members) => members.iter().map(|(name, text)| name.len() + text.len() + 6).sum(),
        }
    }
}

/// A number as JSON writes it. `None` where that may be another number than the one that was read, which
/// would be somebody else's where it identifies: what no integer type holds became a float, which keeps no
/// more digits than these; and `None` where it would have an exponent, as nobody writes it.
pub(super) fn number_text(number: &Number) -> Option<String> {
    let text = number.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_kept = number.is_u64() || number.is_i64() || digits <= f64::DIGITS as usize;
    (is_kept && !text.contains('e')).then_some(text)
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Text(_) => "Text(redacted)",
            Self::Number(_) => "Number(redacted)",
            Self::Boolean(_) => "Boolean(redacted)",
            Self::List(_) => "List(redacted)",
            Self::Map(_) => "Map(redacted)",
        })
    }
}
