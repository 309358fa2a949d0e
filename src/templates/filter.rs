//! The filters of expressions: a closed set, each of which makes one value of one value.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Kind, MAX_TEXT, RenderError, TemplateProblem, Value, expression::Literal};
use crate::model::path_segment;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter {
    /// What stands for a value that is absent or empty.
    Default(Literal),
    Lower,
    Upper,
    /// Without white space around it.
    Trim,
    /// The items of a list as one text, with this between them.
    Join(String),
    /// Base64url without padding (RFC 7515, section 2) of the text's UTF-8.
    Base64Url,
    /// Everything but RFC 3986's unreserved characters percent-encoded.
    UrlEncode,
    /// The value as a JSON text.
    ToJson,
    /// The first characters of a text (Unicode scalar values), at most so many.
    Truncate(usize),
}

impl Filter {
    /// The names of all filters.
    pub const NAMES: [&'static str; 9] =
        ["base64url", "default", "join", "lower", "tojson", "trim", "truncate", "upper", "urlencode"];

    /// More filters than this are a mistake; with [`MAX_TEXT`] after each they bound what an expression
    /// costs.
    pub const MAX: usize = 8;

    /// The filter that is meant by a name and its arguments.
    pub(super) fn new(name: &str, arguments: &[Literal]) -> Result<Self, TemplateProblem> {
        let wrong = |filter, wanted| Err(TemplateProblem::FilterArguments { filter, wanted });
        let bare = |filter, made: Self| match arguments {
            [] => Ok(made),
            _ => wrong(filter, "no arguments"),
        };
        match name {
            "default" => match arguments {
                [literal] => Ok(Self::Default(literal.clone())),
                _ => wrong("default", "one argument, such as `default('none')`"),
            },
            "join" => match arguments {
                [Literal::Text(separator)] => Ok(Self::Join(separator.clone())),
                _ => wrong("join", "one text, such as `join(', ')`"),
            },
            "truncate" => match arguments {
                [Literal::Number(length)] if (1..=MAX_TEXT as u64).contains(length) => {
                    usize::try_from(*length).map(Self::Truncate).map_err(|_| TemplateProblem::NumberTooLarge)
                }
                _ => wrong("truncate", "one whole number from 1 to 16384"),
            },
            "lower" => bare("lower", Self::Lower),
            "upper" => bare("upper", Self::Upper),
            "trim" => bare("trim", Self::Trim),
            "base64url" => bare("base64url", Self::Base64Url),
            "urlencode" => bare("urlencode", Self::UrlEncode),
            "tojson" => bare("tojson", Self::ToJson),
            _ => Err(TemplateProblem::UnknownFilter { name: name.to_owned() }),
        }
    }

    /// The kind of value that this filter makes of one of `kind`.
    pub(super) fn kind_of(&self, kind: Kind) -> Result<Kind, TemplateProblem> {
        match self {
            // A text that the operator wrote was not checked to be a URL.
            Self::Default(literal) if kind.is_scalar() && literal.kind() == kind => Ok(kind),
            Self::Default(_) if kind.is_scalar() => Ok(Kind::Text),
            Self::ToJson => Ok(Kind::Text),
            Self::Join(_) if kind == Kind::List => Ok(Kind::Text),
            Self::Default(_) | Self::Join(_) => {
                Err(TemplateProblem::FilterInput { filter: self.name(), kind })
            }
            _ if kind.is_scalar() => Ok(Kind::Text),
            _ => Err(TemplateProblem::FilterInput { filter: self.name(), kind }),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Default(_) => "default",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Trim => "trim",
            Self::Join(_) => "join",
            Self::Base64Url => "base64url",
            Self::UrlEncode => "urlencode",
            Self::ToJson => "tojson",
            Self::Truncate(_) => "truncate",
        }
    }

    /// What this filter makes of a value. `None`, an absent one, passes all filters but `default`.
    pub(super) fn apply<'v>(&'v self, value: Option<Value<'v>>) -> Result<Option<Value<'v>>, RenderError> {
        let Some(value) = value.filter(|value| !(self.is_default() && value.is_empty())) else {
            return Ok(match self {
                Self::Default(literal) => Some(literal.value()),
                _ => None,
            });
        };
        let text = match self {
            Self::Default(_) => return Ok(Some(value)),
            Self::Join(separator) => Cow::Owned(joined(&value, separator)?),
            Self::ToJson if value.size() > MAX_TEXT => return Err(RenderError::TooLarge),
            Self::ToJson => Cow::Owned(value.into_json().to_string()),
            Self::Truncate(length) => truncated(value, *length)?,
            Self::Trim => trimmed(value.into_text()?),
            Self::Lower => Cow::Owned(value.into_text()?.to_lowercase()),
            Self::Upper => Cow::Owned(value.into_text()?.to_uppercase()),
            Self::Base64Url => Cow::Owned(URL_SAFE_NO_PAD.encode(&*value.into_text()?)),
            Self::UrlEncode => Cow::Owned(path_segment(&value.into_text()?).to_string()),
        };
        if text.len() > MAX_TEXT { Err(RenderError::TooLarge) } else { Ok(Some(Value::Text(text))) }
    }

    pub(super) fn is_default(&self) -> bool {
        matches!(self, Self::Default(_))
    }
}

fn joined(value: &Value<'_>, separator: &str) -> Result<String, RenderError> {
    let Value::List(items) = value else { return Err(RenderError::Unsafe) };
    let separators = separator.len().saturating_mul(items.len().saturating_sub(1));
    let length = items.iter().map(|item| item.len()).sum::<usize>().saturating_add(separators);
    if length > MAX_TEXT { Err(RenderError::TooLarge) } else { Ok(items.join(separator)) }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// A text that is too large may become small enough, so it is measured afterwards.
fn truncated(value: Value<'_>, length: usize) -> Result<Cow<'_, str>, RenderError> {
    let Value::Text(text) = value else { return value.into_text() };
    let end = text.char_indices().nth(length).map_or(text.len(), |(at, _)| at);
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    })
}
