//! Plain texts and header values.

use http::HeaderValue;

use super::{
    Expression, MAX_TEXT, Name, RenderError, Scope, TemplateError, TemplateProblem, Values,
    parser::{self, Part, Placed},
};

/// A text with expressions. `Debug` shows what the operator wrote, and no values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// A template whose values all stand in a text: lists and maps need `join` or `tojson`.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), parts: parser::without_ranges(parse_scalars(text, scope)?) })
    }

    /// One string of a JSON document, where a whole expression may be a list or a map as well.
    pub(super) fn parse_json(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        let parts = parser::parse(text, scope)?;
        if parts.len() > 1 {
            refuse_structures(&parts)?;
        }
        Ok(Self { text: text.to_owned(), parts: parser::without_ranges(parts) })
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether no values are needed.
    pub fn is_constant(&self) -> bool {
        self.names().next().is_none()
    }

    /// The names that it uses, in order and as often as it does.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        names(&self.parts)
    }

    /// Those of the names without whose values nothing is rendered: `default` stands in for the others.
    pub fn needed(&self) -> impl Iterator<Item = &Name> {
        needed(&self.parts)
    }

    /// The expression that is the whole text.
    pub fn whole(&self) -> Option<&Expression> {
        match self.parts.as_slice() {
            [Part::Expression(expression)] => Some(expression),
            _ => None,
        }
    }

    /// The text, with each value as it is.
    pub fn text(&self, values: &dyn Values) -> Result<String, RenderError> {
        render(&self.parts, values, String::push_str)
    }

    /// The value of a header: visible ASCII and single spaces inside, so that it stays one value on one
    /// line and is received as it was sent (RFC 9110, section 5.5). Marked as sensitive.
    ///
    /// # Errors
    /// [`RenderError::Unsafe`] for anything else.
    pub fn header(&self, values: &dyn Values) -> Result<HeaderValue, RenderError> {
        let text = self.text(values)?;
        let is_visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let value = HeaderValue::try_from(text).ok().filter(|_| is_visible).filter(is_received_whole);
        let mut value = value.ok_or(RenderError::Unsafe)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Readers drop white space around a value.
fn is_received_whole(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    bytes.trim_ascii() == bytes
}

/// The parts of a text in which every value is one.
pub(super) fn parse_scalars(text: &str, scope: &Scope) -> Result<Vec<Placed>, TemplateError> {
    let parts = parser::parse(text, scope)?;
    refuse_structures(&parts)?;
    Ok(parts)
}

fn refuse_structures(parts: &[Placed]) -> Result<(), TemplateError> {
    for (part, range) in parts {
        if let Part::Expression(expression) = part
            && !expression.kind.is_scalar()
        {
            return Err(TemplateProblem::NotText(expression.kind).at(range.clone()));
        }
    }
    Ok(())
}

pub(super) fn names(parts: &[Part]) -> impl Iterator<Item = &Name> {
    parts.iter().filter_map(|part| match part {
        Part::Expression(expression) => expression.name(),
        Part::Literal(_) => None,
    })
}

pub(super) fn needed(parts: &[Part]) -> impl Iterator<Item = &Name> {
    parts.iter().filter_map(|part| match part {
        Part::Expression(expression) => expression.needed(),
        Part::Literal(_) => None,
    })
}

/// The parts one after the other, each value as `write` puts it.
pub(super) fn render(
    parts: &[Part],
    values: &dyn Values,
    write: impl Fn(&mut String, &str),
) -> Result<String, RenderError> {
    let mut output = String::with_capacity(128);
    for part in parts {
        match part {
            Part::Literal(text) => output.push_str(text),
            Part::Expression(expression) => write(&mut output, &expression.text(values)?),
        }
        if output.len() > MAX_TEXT {
            return Err(RenderError::TooLarge);
        }
    }
    Ok(output)
}
