//! Templates, selections and patterns as the file writes them: what is wrong with one is reported where it
//! stands, to the column where that is possible.
//! May import: `check`, `mask`, `node`, `templates`.

use std::{borrow::Cow, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::super::{
    check::{Checker, did_you_mean, enumerate},
    mask::shown_url,
    node::{Entries, Span, Spanned},
};
use crate::templates::{
    ClaimPath, JsonTemplate, PathTemplate, Pattern, Scope, Selection, Template, TemplateError, UrlTemplate,
};

/// A text that holds expressions, selects or matches: parsed once its names are known.
pub type RawExpression = Spanned<String>;

impl Checker<'_> {
    pub fn template(&mut self, raw: &RawExpression, scope: &Scope) -> Option<Template> {
        self.compiled(raw, Template::parse(&raw.value, scope))
    }

    pub fn path_template(&mut self, raw: &RawExpression, scope: &Scope) -> Option<PathTemplate> {
        self.warn_of_inline_secret(raw, "name it in `secrets` and write `{{ secrets.NAME }}` here");
        self.compiled(raw, PathTemplate::parse(&raw.value, scope))
    }

    pub fn url_template(&mut self, raw: &RawExpression, scope: &Scope) -> Option<UrlTemplate> {
        self.warn_of_inline_secret(raw, "whoever is sent there sees it: what it opens is open to everybody");
        self.compiled(raw, UrlTemplate::parse(&raw.value, scope))
    }

    fn warn_of_inline_secret(&mut self, raw: &RawExpression, help: &str) {
        if shown_url(&raw.value) != raw.value {
            let message = "a parameter looks as if it held a secret";
            self.warning("inline-secret", &raw.span, message).with_help(help);
        }
    }

    pub fn selection(&mut self, raw: &RawExpression) -> Option<Selection> {
        Selection::parse(&raw.value)
            .map_err(|error| {
                let span = self.within(raw, error.at..error.at).unwrap_or_else(|| raw.span.clone());
                let message = format!("the selection cannot be used: {error}");
                self.error("selection", &span, message).with_help(
                    "write a JSONPath of RFC 9535 that selects one value, such as `$.person.mail`",
                );
            })
            .ok()
    }

    /// A name may have any characters, those of a URL among them; what looks like another language is
    /// doubtful all the same.
    pub fn claim_path(&mut self, raw: &RawExpression) -> Option<ClaimPath> {
        if is_doubtful_claim(&raw.value) {
            let quoted = self.quote(&raw.span);
            let written = quoted.trim_matches('`');
            // What comes from a variable is not repeated, nor half of what is long.
            let meant =
                if written == raw.value { pointer_meant_by(written) } else { "/address/locality".into() };
            let message = format!("{quoted} is taken as the name of one claim");
            self.warning("claim", &raw.span, message).with_help(format!(
                "for a value inside a claim write a JSON pointer, which begins with `/`: `{meant}`"
            ));
        }
        ClaimPath::parse(&raw.value)
            .map_err(|error| {
                let message = format!("the claim cannot be used: {error}");
                self.error("claim", &raw.span, message).with_help(
                    "write the name of a claim, such as `email`, or a JSON pointer, such as `/address/locality`",
                );
            })
            .ok()
    }

    pub fn pattern(&mut self, raw: &RawExpression) -> Option<Pattern> {
        Pattern::parse(&raw.value)
            .map_err(|error| {
                let message = format!("the pattern cannot be used: {error}");
                self.error("pattern", &raw.span, message).with_help(
                    "write a regular expression that the whole value matches, such as `[a-f0-9]{16}`",
                );
            })
            .ok()
    }

    fn compiled<T>(&mut self, raw: &RawExpression, parsed: Result<T, TemplateError>) -> Option<T> {
        parsed.map_err(|error| self.template_error(raw, &error)).ok()
    }

    fn template_error(&mut self, raw: &RawExpression, error: &TemplateError) {
        let Some(span) = self.within(raw, error.range.clone()) else {
            // The text is not the file's own: it may come from the environment.
            let message = format!("{} cannot be used as a template", self.quote(&raw.span));
            self.error("template", &raw.span, message)
                .with_help("write the template without variables of the environment to be told more");
            return;
        };
        let problem = &error.problem;
        let (candidates, written) = (problem.candidates(), problem.written());
        let suggestion = written.and_then(|written| did_you_mean(written, candidates.iter().copied()));
        let diagnostic = self.error("template", &span, problem.to_string());
        match (suggestion, candidates.is_empty()) {
            (Some(suggestion), _) => diagnostic
                .with_help(format!("did you mean `{suggestion}`? Known here: {}", enumerate(candidates))),
            (None, false) => diagnostic.with_help(format!("known here: {}", enumerate(candidates))),
            (None, true) => diagnostic.with_help(problem.help()),
        };
    }

    /// Where a text names an attribute, if it does; the whole text where the file has it otherwise.
    pub fn place_of_attribute(&self, raw: &RawExpression, attribute: &str) -> Option<Span> {
        let spelled = ["", "'", "\""].map(|quote| format!("attributes.{quote}{attribute}{quote}"));
        let ends = |end| !raw.value[end..].starts_with(|c: char| c.is_alphanumeric() || "_-".contains(c));
        let named = spelled.iter().flat_map(|name| raw.value.match_indices(name.as_str()));
        let mut ranges = named.map(|(at, name)| at..at + name.len()).filter(|range| ends(range.end));
        ranges.next().map(|range| self.within(raw, range).unwrap_or_else(|| raw.span.clone()))
    }

    /// The place of a part of the text, where the file has the text as it is.
    fn within(&self, raw: &RawExpression, range: Range<usize>) -> Option<Span> {
        let written = self.source().text().get(raw.span.clone())?;
        let start = raw.span.start + written.find(&raw.value)? + range.start;
        Some(start..start + range.len().max(1))
    }
}

/// Whether the name of a claim looks like a way into one: with slashes or dots. URLs and URNs, which have
/// both, are names that claims do have.
fn is_doubtful_claim(text: &str) -> bool {
    let is_path = text.contains('/') && !text.contains("://");
    let is_dotted = text.contains('.') && !text.contains(':');
    !text.starts_with('/') && (text.starts_with("$.") || is_path || is_dotted)
}

/// The JSON pointer for `address/locality`, `address.locality` or `$.address.locality`.
fn pointer_meant_by(text: &str) -> String {
    let path = text.strip_prefix("$.").unwrap_or(text);
    if path.contains('/') { format!("/{path}") } else { format!("/{}", path.replace('.', "/")) }
}

/// Any JSON document, its strings with expressions in them.
#[derive(Debug)]
pub enum RawJson {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spanned<RawJson>>),
    Map(Entries<Spanned<RawJson>>),
}

impl RawJson {
    /// All texts of the document, with their places.
    pub fn texts(&self, span: &Span) -> Vec<RawExpression> {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => Vec::new(),
            Self::Text(text) => vec![Spanned { span: span.clone(), value: text.clone() }],
            Self::List(items) => items.iter().flat_map(|item| item.value.texts(&item.span)).collect(),
            Self::Map(entries) => {
                entries.0.iter().flat_map(|(_, item)| item.value.texts(&item.span)).collect()
            }
        }
    }

    /// The document with its strings compiled, unless one of them is wrong.
    pub fn parse(&self, span: &Span, scope: &Scope, checker: &mut Checker) -> Option<JsonTemplate> {
        Some(match self {
            Self::Null => JsonTemplate::Null,
            Self::Bool(value) => JsonTemplate::Bool(*value),
            Self::Number(number) => JsonTemplate::Number(number.clone()),
            Self::Text(text) => {
                let raw = Spanned { span: span.clone(), value: text.clone() };
                checker.compiled(&raw, JsonTemplate::string(text, scope))?
            }
            Self::List(items) => JsonTemplate::List(super::super::check::all(
                items.iter().map(|item| item.value.parse(&item.span, scope, checker)),
            )?),
            Self::Map(entries) => {
                JsonTemplate::Object(super::super::check::all(entries.0.iter().map(|(name, item)| {
                    Some((name.value.clone(), item.value.parse(&item.span, scope, checker)?))
                }))?)
            }
        })
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Document;

        impl<'de> Visitor<'de> for Document {
            type Value = RawJson;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a JSON document")
            }

            fn visit_unit<E>(self) -> Result<RawJson, E> {
                Ok(RawJson::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<RawJson, E> {
                Ok(RawJson::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<RawJson, E> {
                Ok(RawJson::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<RawJson, E> {
                // Negative whole numbers come as these too.
                let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
                #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
                let number =
                    if whole { Some((value as i64).into()) } else { serde_json::Number::from_f64(value) };
                Ok(number.map_or(RawJson::Null, RawJson::Number))
            }

            fn visit_str<E>(self, text: &str) -> Result<RawJson, E> {
                Ok(RawJson::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawJson, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(RawJson::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawJson, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawJson::Map(Entries(entries)))
            }
        }

        deserializer.deserialize_any(Document)
    }
}

impl JsonSchema for RawJson {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any JSON document; its texts may hold expressions.",
            "x-anything": true,
        })
    }
}
