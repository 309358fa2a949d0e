//! JSON documents with templates in their strings.

use serde_json::{Map, Number, Value};

use super::{MAX_DOCUMENT, Name, RenderError, Scope, Template, TemplateError, Values};

/// A JSON document with templates in its strings. A string that is one whole expression keeps the type
/// of its value; whatever the values, the document has the same shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JsonTemplate {
    Null,
    Bool(bool),
    Number(Number),
    /// Made by [`JsonTemplate::string`], which also takes whole lists and maps.
    String(Template),
    List(Vec<JsonTemplate>),
    /// In the order in which the members are to be written.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// A string of a document. One whole expression may be of any kind; inside a longer text, lists and
    /// maps need `join` or `tojson`.
    pub fn string(text: &str, scope: &Scope) -> Result<Self, TemplateError> {
        Template::parse_json(text, scope).map(Self::String)
    }

    /// The document.
    ///
    /// # Errors
    /// As for each string; [`RenderError::TooLarge`] above [`MAX_DOCUMENT`].
    pub fn render(&self, values: &dyn Values) -> Result<Value, RenderError> {
        self.render_within(values, &mut { MAX_DOCUMENT })
    }

    /// The names that it uses, in order and as often as it does.
    pub fn names(&self) -> Vec<&Name> {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => Vec::new(),
            Self::String(template) => template.names().collect(),
            Self::List(items) => items.iter().flat_map(Self::names).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.names()).collect(),
        }
    }

    /// Those of the names without whose values nothing is rendered: `default` stands in for the others.
    pub fn needed(&self) -> Vec<&Name> {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => Vec::new(),
            Self::String(template) => template.needed().collect(),
            Self::List(items) => items.iter().flat_map(Self::needed).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.needed()).collect(),
        }
    }

    /// The document as the operator wrote it, its expressions not filled in.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(boolean) => Value::Bool(*boolean),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(template) => template.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, member)| (name.clone(), member.to_json())).collect())
            }
        }
    }

    /// `left` are the bytes of texts that may still be made.
    fn render_within(&self, values: &dyn Values, left: &mut usize) -> Result<Value, RenderError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(boolean) => Value::Bool(*boolean),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(template) => {
                let value = match template.whole() {
                    Some(expression) => expression.value(values)?,
                    None => super::Value::text(template.text(values)?),
                };
                *left = left.checked_sub(value.size()).ok_or(RenderError::TooLarge)?;
                value.into_json()
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.render_within(values, left));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Object(members) => {
                let mut object = Map::with_capacity(members.len());
                for (name, member) in members {
                    object.insert(name.clone(), member.render_within(values, left)?);
                }
                Value::Object(object)
            }
        })
    }
}
