//! `${env:NAME}` and `${env:NAME:-default}` in the text values of a file.
//! May import: `check`, `definitions`, `node`, `source`.

use serde_json::Value;

use super::{
    check::Checker,
    definitions::Definitions,
    node::{Data, Node, Span},
    source::Environment,
};

/// Replaces every reference in a file; keys stay as they are. What cannot be replaced is reported.
pub fn expand(node: &mut Node, schema: &Value, environment: &dyn Environment, checker: &mut Checker) {
    Expansion { definitions: Definitions(schema), environment, checker }.expand(node, Some(schema));
}

struct Expansion<'s, 'a, 'c> {
    definitions: Definitions<'s>,
    environment: &'a dyn Environment,
    checker: &'a mut Checker<'c>,
}

impl<'s> Expansion<'s, '_, '_> {
    /// Leaves a text where a secret is to be named: it is refused later, whatever it says, and to set the
    /// variable or give it a default would not help.
    fn expand(&mut self, node: &mut Node, schema: Option<&'s Value>) {
        let below = |definitions: Definitions<'s>, key| definitions.below(schema?, key);
        match &mut node.data {
            Data::Text(_) if schema.is_some_and(|schema| self.definitions.is_secret(schema)) => {}
            Data::Text(text) if text.contains("${") => match expand_text(text, self.environment) {
                Ok(expanded) => *text = expanded,
                Err(error) => {
                    self.checker.refuse_reference(&node.span, &error);
                    node.data = Data::Refused;
                }
            },
            Data::List(items) => {
                let schema = below(self.definitions, None);
                for item in items {
                    self.expand(item, schema);
                }
            }
            Data::Map(entries) => {
                for entry in entries {
                    self.expand(&mut entry.value, below(self.definitions, Some(&entry.key)));
                }
            }
            _ => {}
        }
    }
}

/// The name of the variable, of a text that is one reference and nothing more.
pub fn referenced_variable(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${env:")?.strip_suffix('}')?;
    let name = inner.split_once(":-").map_or(inner, |(name, _)| name);
    is_variable_name(name).then_some(name)
}

/// Why a reference cannot be replaced; `reference` is the part of the text that it spans.
#[derive(Debug, PartialEq, Eq)]
struct ReferenceError {
    reference: String,
    kind: ErrorKind,
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorKind {
    Unset { name: String },
    Malformed,
}

/// The text with its references replaced; `$${` stands for `${`. A default is used when the
/// variable is not set or empty, as shells have it.
fn expand_text(text: &str, environment: &dyn Environment) -> Result<String, ReferenceError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &reference[2..];
            continue;
        }
        expanded.push_str(before);
        let length = reference.find('}').map_or(reference.len(), |end| end + 1);
        let (reference, after) = reference.split_at(length);
        expanded.push_str(&value_of(reference, environment)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn value_of(reference: &str, environment: &dyn Environment) -> Result<String, ReferenceError> {
    let error = |kind| ReferenceError { reference: reference.to_owned(), kind };
    let inner = reference.strip_prefix("${env:").and_then(|rest| rest.strip_suffix('}'));
    let inner = inner.ok_or_else(|| error(ErrorKind::Malformed))?;
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if !is_variable_name(name) {
        return Err(error(ErrorKind::Malformed));
    }
    match (environment.variable(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(error(ErrorKind::Unset { name: name.to_owned() })),
    }
}

/// As POSIX has them.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Checker<'_> {
    fn refuse_reference(&mut self, span: &Span, error: &ReferenceError) {
        let source = self.source().text().get(span.clone()).unwrap_or_default();
        let found = source.find(&error.reference).map(|offset| span.start + offset);
        let span = found.map_or_else(|| span.clone(), |start| start..start + error.reference.len());
        match &error.kind {
            ErrorKind::Unset { name } => self
                .error("unset-variable", &span, format!("the environment variable `{name}` is not set"))
                .with_help(format!("set it, or give a default: `${{env:{name}:-default}}`")),
            ErrorKind::Malformed => self
                .error("variable", &span, "this reference to the environment is malformed")
                .with_help("write `${env:NAME}` or `${env:NAME:-default}`; `$${` stands for `${` itself"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn references_are_replaced() {
        let environment: HashMap<_, _> =
            [("HOST", "irma"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (text, expected) in [
            ("http://${env:HOST}:8000", "http://irma:8000"),
            ("${env:HOST}${env:HOST}", "irmairma"),
            ("${env:NONE:-a:-b}", "a:-b"),
            ("${env:NONE:-}", ""),
            ("${env:EMPTY:-x}", "x"),
            ("${env:EMPTY}", ""),
            ("$${env:HOST} costs $5", "${env:HOST} costs $5"),
        ] {
            assert_eq!(expand_text(text, &environment).as_deref(), Ok(expected), "{text}");
        }
        for text in
            ["${env:", "${env:}", "${ENV:HOST}", "${env:a b}", "${HOST}", "${", "${env:1A}", "${env:HOST"]
        {
            let error = expand_text(text, &environment).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Malformed, "{text}");
        }
        let unset = ReferenceError {
            reference: "${env:NONE}".into(),
            kind: ErrorKind::Unset { name: "NONE".into() },
        };
        assert_eq!(expand_text("a ${env:NONE}", &environment), Err(unset));
    }
}
