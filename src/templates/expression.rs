//! One compiled expression, and its value while a template is rendered.

use std::borrow::Cow;

use super::{Filter, Kind, Name, RenderError, Value, Values};

/// What stands between `{{` and `}}`: a name or a literal, and filters from left to right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression {
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    pub(super) kind: Kind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Name(Name),
    Literal(Literal),
}

/// A value that the operator wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Literal {
    Text(String),
    Number(u64),
    Boolean(bool),
    Null,
}

impl Expression {
    /// What kind of value it has.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name that it begins with; `None` when it begins with a literal.
    pub fn name(&self) -> Option<&Name> {
        match &self.source {
            Source::Name(name) => Some(name),
            Source::Literal(_) => None,
        }
    }

    /// The name without whose value there is none: that of an expression without `default`.
    pub(super) fn needed(&self) -> Option<&Name> {
        self.name().filter(|_| !self.filters.iter().any(Filter::is_default))
    }

    /// # Errors
    /// [`RenderError::Absent`] when the name has no value and there is no `default`; otherwise what a
    /// filter says.
    pub fn value<'v>(&'v self, values: &'v dyn Values) -> Result<Value<'v>, RenderError> {
        let mut value = match &self.source {
            Source::Name(name) => values.value(name),
            Source::Literal(literal) => Some(literal.value()),
        };
        for filter in &self.filters {
            value = filter.apply(value)?;
        }
        // A literal always has a value.
        value.ok_or_else(|| self.name().cloned().map_or(RenderError::Unsafe, RenderError::Absent))
    }

    /// The value inside a text, at most [`super::MAX_TEXT`] bytes.
    pub(super) fn text<'v>(&'v self, values: &'v dyn Values) -> Result<Cow<'v, str>, RenderError> {
        self.value(values)?.into_text()
    }
}

impl Literal {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Text(_) | Self::Null => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Boolean(_) => Kind::Boolean,
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::text(text),
            Self::Number(number) => Value::Number((*number).into()),
            Self::Boolean(boolean) => Value::Boolean(*boolean),
            Self::Null => Value::Null,
        }
    }
}
