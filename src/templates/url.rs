//! Whole URLs for the citizen.

use super::{
    Expression, Kind, Name, RenderError, Scope, TemplateError, TemplateProblem, Values,
    parser::{self, Part, Placed},
    place::{self, Fragments},
    text,
};
use crate::model::PluginUrl;

/// A whole URL for the citizen: `https`, `http` or `tel`. Scheme and authority are the operator's, or the
/// whole text is one expression that is a checked URL. Each value is percent-encoded in its place in path,
/// query or fragment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UrlTemplate {
    text: String,
    form: Form,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Form {
    Whole(Expression),
    /// `origin` is scheme and authority; the parts begin with path, query or fragment.
    Web {
        origin: String,
        parts: Vec<Part>,
        /// Its path, where each value is `x`.
        sample: String,
    },
    Telephone(Vec<Part>),
}

impl UrlTemplate {
    /// See [`TemplateProblem`] for what is refused.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        let parts = text::parse_scalars(text, scope)?;
        let form = match parts.as_slice() {
            [(Part::Expression(expression), range)] => match expression.kind {
                Kind::Url => Form::Whole(expression.clone()),
                _ => return Err(TemplateProblem::UncheckedUrl.at(range.clone())),
            },
            [(Part::Literal(first), _), ..] if has_scheme(first, "tel:") => telephone(parts)?,
            [(Part::Literal(first), _), ..]
                if has_scheme(first, "https://") || has_scheme(first, "http://") =>
            {
                web(parts, text)?
            }
            _ => return Err(TemplateProblem::Scheme.at(0..text.len())),
        };
        Ok(Self { text: text.to_owned(), form })
    }

    /// The URL, taken apart for who has to look at it.
    ///
    /// # Errors
    /// As for [`Self::text`].
    pub fn render(&self, values: &dyn Values) -> Result<PluginUrl, RenderError> {
        PluginUrl::parse_client_url(self.text(values)?).map_err(|_| RenderError::Unsafe)
    }

    /// The URL as text, which is enough to send a citizen there: what the operator wrote was parsed when it
    /// was read, a value is percent-encoded, and a URL that is the whole was checked before.
    ///
    /// # Errors
    /// [`RenderError::Unsafe`] when a value makes a segment of the path empty, or some reader finds `.` or
    /// `..` in it.
    pub fn text(&self, values: &dyn Values) -> Result<String, RenderError> {
        match &self.form {
            Form::Whole(expression) => Ok(expression.text(values)?.into_owned()),
            Form::Telephone(parts) => text::render(parts, values, push_number),
            Form::Web { origin, parts, sample } => {
                let rest = text::render(parts, values, place::push_encoded)?;
                place::check_rendered(&rest, sample)?;
                Ok(format!("{origin}{rest}"))
            }
        }
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names that it uses, in order and as often as it does.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let (whole, parts) = self.form.parts();
        whole.and_then(Expression::name).into_iter().chain(text::names(parts))
    }

    /// Those of the names without whose values nothing is rendered: `default` stands in for the others.
    pub fn needed(&self) -> impl Iterator<Item = &Name> {
        let (whole, parts) = self.form.parts();
        whole.and_then(Expression::needed).into_iter().chain(text::needed(parts))
    }

    /// Whether it is a telephone number whatever the values are.
    pub fn is_telephone(&self) -> bool {
        matches!(self.form, Form::Telephone(_))
    }
}

impl Form {
    /// The one expression that is the whole, or else the parts.
    fn parts(&self) -> (Option<&Expression>, &[Part]) {
        match self {
            Self::Whole(expression) => (Some(expression), &[]),
            Self::Web { parts, .. } | Self::Telephone(parts) => (None, parts),
        }
    }
}

fn has_scheme(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Splits scheme and authority from the first literal, and checks all of it.
fn web(mut parts: Vec<Placed>, text: &str) -> Result<Form, TemplateError> {
    let is_constant = parts.len() == 1;
    let Some((Part::Literal(first), range)) = parts.first_mut() else {
        return Err(TemplateProblem::Scheme.at(0..text.len()));
    };
    let authority = first.find("://").map_or(0, |at| at + 3);
    let end = first.get(authority..).and_then(|rest| rest.find(['/', '?', '#'])).map(|at| authority + at);
    if end.is_none() && !is_constant {
        return Err(TemplateProblem::Authority.at(0..first.len()));
    }
    let rest = first.split_off(end.unwrap_or(first.len()));
    let origin = std::mem::replace(first, rest);
    range.start = origin.len();
    PluginUrl::parse_client_url(origin.clone()).map_err(|_| TemplateProblem::NotAUrl.at(0..origin.len()))?;
    let sample = place::check(&parts, Fragments::Allowed)?;
    Ok(Form::Web { origin, parts: parser::without_ranges(parts), sample })
}

fn telephone(parts: Vec<Placed>) -> Result<Form, TemplateError> {
    for (part, range) in &parts {
        if let Part::Literal(text) = part
            && let Some((at, wrong)) = text.char_indices().find(|(_, c)| !c.is_ascii_graphic())
        {
            let at = range.start + at;
            return Err(TemplateProblem::NotUrlCharacter.at(at..at + wrong.len_utf8()));
        }
    }
    Ok(Form::Telephone(parser::without_ranges(parts)))
}

/// Writes a value into a telephone number: encoded, so that no value dials `*` or `#`; but `+`, which
/// begins an international number (RFC 3966, section 5.1.4), stays.
fn push_number(output: &mut String, value: &str) {
    for (index, piece) in value.split('+').enumerate() {
        if index > 0 {
            output.push('+');
        }
        place::push_encoded(output, piece);
    }
}
