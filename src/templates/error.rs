//! What can be wrong with a template: when it is read, and when it is rendered.

use std::ops::Range;

use super::{Filter, Kind, MAX_TEXT, Name};

/// What is wrong with a template, and where in its text. It holds nothing but names that the operator
/// wrote or could have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct TemplateError {
    /// The bytes of the text that are wrong.
    pub range: Range<usize>,
    pub problem: TemplateProblem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    #[error("a template is at most {MAX_TEXT} bytes long")]
    TooLong,
    #[error("`{{%` begins a statement, and templates have only expressions: `{{{{ name }}}}`")]
    Statement,
    #[error("`{{#` begins a comment, and templates have none; YAML has `#`")]
    Comment,
    #[error("`{{{{` has no `}}}}`")]
    Unclosed,
    #[error("`}}}}` has no `{{{{`; as text it is written `{{{{ '}}}}' }}}}`")]
    StrayEnd,
    #[error("operators are not part of the template language")]
    Operator,
    #[error("{0} is expected here")]
    Expected(&'static str),
    #[error("the quote has no end")]
    UnclosedQuote,
    #[error("a backslash means nothing in a template, and is not allowed between quotes")]
    Backslash,
    #[error("the number is too large")]
    NumberTooLarge,
    #[error("`{name}` is not known here")]
    UnknownName { name: String, candidates: Vec<String> },
    #[error("`{name}` has no member `{member}`")]
    UnknownMember { name: String, member: String, candidates: Vec<String> },
    #[error("`{name}` has no members")]
    NoMembers { name: String },
    #[error("`{name}` is not a value, only its members are")]
    MemberWanted { name: String, candidates: Vec<String> },
    #[error("`{name}` is not a filter")]
    UnknownFilter { name: String },
    #[error("an expression has at most {} filters", Filter::MAX)]
    TooManyFilters,
    #[error("the filter `{filter}` takes {wanted}")]
    FilterArguments { filter: &'static str, wanted: &'static str },
    #[error("the filter `{filter}` cannot be used on {kind}")]
    FilterInput { filter: &'static str, kind: Kind },
    #[error("{0} cannot stand in a text: add the filter `join` or `tojson`")]
    NotText(Kind),
    #[error("a path begins with one `/`")]
    NotAPath,
    #[error("a fragment is never sent: a path ends before `#`")]
    Fragment,
    #[error("this character cannot stand in a URL: percent-encode it")]
    NotUrlCharacter,
    #[error("a path has no empty segments and no `.` or `..`")]
    Segment,
    #[error("the name of a parameter is written out: only its value, after `=`, may be an expression")]
    ParameterName,
    #[error("the place percent-encodes the value already: leave out the filter `urlencode`")]
    EncodedTwice,
    #[error("a URL begins with `https://`, `http://` or `tel:`, written out")]
    Scheme,
    #[error(
        "scheme, host and port are written out, and end with `/`, `?` or `#` before the first expression"
    )]
    Authority,
    #[error("it is not a URL to which a citizen can be sent")]
    NotAUrl,
    #[error("this expression is not a checked URL, so it cannot be the whole URL")]
    UncheckedUrl,
}

impl TemplateProblem {
    /// The names that could have been meant; empty when nothing was named.
    pub fn candidates(&self) -> Vec<&str> {
        match self {
            Self::UnknownName { candidates, .. }
            | Self::UnknownMember { candidates, .. }
            | Self::MemberWanted { candidates, .. } => candidates.iter().map(String::as_str).collect(),
            Self::UnknownFilter { .. } => Filter::NAMES.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The name that is wrong.
    pub fn written(&self) -> Option<&str> {
        match self {
            Self::UnknownName { name, .. }
            | Self::UnknownMember { member: name, .. }
            | Self::MemberWanted { name, .. }
            | Self::NoMembers { name }
            | Self::UnknownFilter { name } => Some(name),
            _ => None,
        }
    }

    /// What would be right, where that is not a name.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotAPath | Self::Segment | Self::Fragment => {
                "write a path below `base`, such as `/api/sessions/{{ start.id }}`"
            }
            Self::Scheme | Self::Authority | Self::NotAUrl => {
                "write out where it leads, such as `https://meet.example.nl/{{ room }}` or `tel:+31205550100`"
            }
            Self::UncheckedUrl => {
                "write out scheme and host, or keep a value as a URL: `save: { login: { from: $.login_url, type: url, hosts: [HOST] } }`"
            }
            Self::NotUrlCharacter => "a space is `%20`, `\"` is `%22`; values are encoded by themselves",
            Self::ParameterName => "write `?name={{ value }}`",
            Self::TooLong => "leave out what is the same for everybody, or shorten it",
            _ => {
                "an expression is a name, and filters: `{{ attributes.email | default('') }}` \
                 (docs/adapters.md, \"Templates\")"
            }
        }
    }

    pub(super) fn at(self, range: Range<usize>) -> TemplateError {
        TemplateError { range, problem: self }
    }
}

/// Why a template cannot be rendered with the values at hand. Never holds any of them, only names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("`{0}` has no value, and there is no `default`")]
    Absent(Name),
    #[error("it would be too large")]
    TooLarge,
    #[error("a value cannot stand where it is named")]
    Unsafe,
}
