//! Paths below a base URL.

use super::{
    Name, RenderError, Scope, TemplateError, TemplateProblem, Values,
    parser::{self, Part},
    place::{self, Fragments},
    text,
};

/// A path, with or without a query, below a base URL: it begins with `/`. Each value is percent-encoded
/// inside its segment or parameter, so that the path has the same segments and the same parameters
/// whatever the values are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathTemplate {
    text: String,
    parts: Vec<Part>,
    /// Its path, where each value is `x`.
    sample: String,
}

impl PathTemplate {
    /// See [`TemplateProblem`] for what is refused.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        let parts = text::parse_scalars(text, scope)?;
        if !text.starts_with('/') || text.starts_with("//") {
            let first = text.chars().next().map_or(0, char::len_utf8);
            return Err(TemplateProblem::NotAPath.at(0..first));
        }
        let sample = place::check(&parts, Fragments::Refused)?;
        Ok(Self { text: text.to_owned(), parts: parser::without_ranges(parts), sample })
    }

    /// The path, and the query if there is one, ready for a request line.
    ///
    /// # Errors
    /// [`RenderError::Unsafe`] when a value makes a segment empty, or some reader finds `.` or `..` in it.
    pub fn render(&self, values: &dyn Values) -> Result<String, RenderError> {
        let path = text::render(&self.parts, values, place::push_encoded)?;
        place::check_rendered(&path, &self.sample)?;
        Ok(path)
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names that it uses, in order and as often as it does.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        text::names(&self.parts)
    }

    /// Those of the names without whose values nothing is rendered: `default` stands in for the others.
    pub fn needed(&self) -> impl Iterator<Item = &Name> {
        text::needed(&self.parts)
    }
}
