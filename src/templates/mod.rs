//! What operators write in plugins.yaml for adapters: templates of texts, headers, paths, URLs and JSON
//! documents, selections from JSON replies, and patterns.
//!
//! All of it is compiled once, when the configuration is read, so that a request parses nothing and every
//! mistake has its place in the file. The language has no operators, loops or calls: what one expression
//! can cost is bounded by what it names. A value never leaves its place: each kind of template encodes
//! for, or refuses from, the place where the expression stands, and no value is read as a template.
//! May import: `model`.
//!
//! ```text
//! template   = { text | "{{" expression "}}" }
//! expression = ( name [ "." member ] | literal ) { "|" filter [ "(" literal { "," literal } ")" ] }
//! member     = letters, digits, "_" and "-", or anything between quotes
//! literal    = "'" text "'" | '"' text '"' | digits | "true" | "false" | "null"
//! ```

mod error;
mod expression;
mod filter;
mod json;
mod parser;
mod path;
mod pattern;
mod place;
mod scope;
mod selection;
mod text;
mod url;
mod value;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use error::{RenderError, TemplateError, TemplateProblem};
pub use expression::Expression;
pub use filter::Filter;
pub use json::JsonTemplate;
pub use path::PathTemplate;
pub use pattern::{Pattern, PatternError};
pub use scope::{Kind, Scope};
pub use selection::{ClaimPath, Selection, SelectionError, SelectionProblem, scalar_text};
pub use text::Template;
pub use url::UrlTemplate;
pub use value::{Name, Value, Values};

/// Longest template, and longest text that is rendered or that a filter makes, in bytes. Servers refuse
/// header lines and URLs above 8 or 16 KiB anyway.
pub const MAX_TEXT: usize = 16 * 1024;

/// Largest JSON document that is rendered, in bytes of its texts: as large as the largest result
/// whose attributes could stand in it.
pub const MAX_DOCUMENT: usize = 64 * 1024;
