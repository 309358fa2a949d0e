//! The structure of a file against the schema of its Raw type: unknown and missing keys, wrong
//! types, values outside a list. Reports all of them and takes out what is broken, so that what is
//! left can be deserialised and checked further in the same report.
//!
//! It knows the part of JSON Schema that `schemars` makes of our types, and conventions:
//! `not: {}` marks a key, and `x-not-yet` a value, that a later version will accept. `x-decisive`
//! marks an optional key without which the rest of its item cannot be judged, `x-secret` a reference
//! to a secret, in whose place somebody may have written the secret. `x-anything` marks any document.
//! May import: `check`, `definitions`, `interpolation`, `node`.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    check::{Checker, did_you_mean, enumerate},
    definitions::{Definitions, SECRET, accepted_values, example, kind_in_words, kinds, plain, property},
    interpolation::referenced_variable,
    node::{Data, Entry, Node, Span},
};

/// The mark of an optional key that says what its item is.
const DECISIVE: &str = "x-decisive";

/// The mark of a place where any document stands, to be left as it is.
const ANYTHING: &str = "x-anything";

/// What was taken out of a file, so that references to it are not taken for mistakes.
#[derive(Debug, Default)]
pub struct Broken {
    everything: bool,
    sections: HashMap<String, BrokenSection>,
}

#[derive(Debug, Default)]
struct BrokenSection {
    names: Vec<String>,
    /// Something without a legible name is missing too.
    more: bool,
}

impl Broken {
    /// The file could not be read at all.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// The names of the items taken out of a section.
    pub fn names(&self, section: &str) -> impl Iterator<Item = &str> {
        self.sections.get(section).into_iter().flat_map(|section| &section.names).map(String::as_str)
    }

    /// Whether a section lacks items whose names are not known.
    pub fn lacks_more(&self, section: &str) -> bool {
        self.everything || self.sections.get(section).is_some_and(|section| section.more)
    }

    fn add(&mut self, section: &str, name: Option<&str>) {
        let section = self.sections.entry(section.to_owned()).or_default();
        match name {
            Some(name) => section.names.push(name.to_owned()),
            None => section.more = true,
        }
    }
}

/// Checks a whole file. Each item of a top-level list or map stands or falls as a whole, and so
/// does every other top-level value.
pub fn check(node: &mut Node, schema: &Value, checker: &mut Checker) -> Broken {
    let mut broken = Broken::default();
    let mut shape = Shape { definitions: Definitions(schema), checker };
    let Data::Map(entries) = &mut node.data else {
        return Broken::everything();
    };
    shape.keys(entries, schema, &Named::file(shape.checker));
    entries.retain_mut(|entry| {
        let Some(schema) = property(schema, &entry.key) else {
            return false;
        };
        shape.section(entry, schema, &mut broken)
    });
    broken
}

/// The word for one item of a top-level list or map, and the key that names it.
fn item_of(section: &str) -> (&'static str, &'static str) {
    match section {
        "routes" => ("route", "id"),
        "upstreams" => ("upstream", ""),
        "purposes" => ("purpose", "tag"),
        "auth" => ("authentication method", "tag"),
        "comm" => ("communication method", "tag"),
        "initiators" => ("initiator", "kid"),
        _ => ("item", ""),
    }
}

fn required(schema: &Value) -> Vec<&str> {
    let keys = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_str).collect()
}

struct Shape<'s, 'a, 'c> {
    definitions: Definitions<'s>,
    checker: &'a mut Checker<'c>,
}

/// How a message calls a value, and where the message stands when the value has no good place.
#[derive(Clone)]
struct Named {
    name: String,
    anchor: Span,
}

impl Named {
    fn file(checker: &Checker) -> Self {
        let path = checker.source().path();
        Self { name: path.rsplit('/').next().unwrap_or(path).to_owned(), anchor: 0..0 }
    }

    fn key(entry: &Entry, checker: &Checker) -> Self {
        Self { name: checker.quote(&entry.key_span), anchor: entry.key_span.clone() }
    }

    fn element(&self, node: &Node) -> Self {
        Self { name: format!("each item of {}", self.name), anchor: node.span.clone() }
    }

    fn item(section: &str, node: &Node, checker: &Checker) -> Self {
        let (word, key) = item_of(section);
        let identity = node.entry(key);
        let name = match identity {
            Some(entry) if entry.value.text().is_some() => {
                format!("the {word} {}", checker.quote(&entry.value.span))
            }
            _ => format!("this {word}"),
        };
        let anchor =
            identity.map_or_else(|| node.span.clone(), |entry| entry.key_span.start..entry.value.span.end);
        Self { name, anchor }
    }
}

impl<'s> Shape<'s, '_, '_> {
    /// Whether a top-level value can stay; broken items are taken out of it.
    fn section(&mut self, entry: &mut Entry, schema: &'s Value, broken: &mut Broken) -> bool {
        let section = entry.key.clone();
        let named = Named::key(entry, self.checker);
        let schema = self.definitions.resolve(schema);
        if !self.value(&mut entry.value, schema, &named, Depth::Shallow) {
            broken.add(&section, None);
            return false;
        }
        match &mut entry.value.data {
            Data::List(items) => items.retain_mut(|item| {
                let named = Named::item(&section, item, self.checker);
                let sound = self.value(item, &schema["items"], &named, Depth::Deep);
                if !sound {
                    broken
                        .add(&section, item.entry(item_of(&section).1).and_then(|entry| entry.value.text()));
                }
                sound
            }),
            Data::Map(entries) if schema.get("additionalProperties").is_some_and(Value::is_object) => {
                entries.retain_mut(|entry| {
                    let mut named = Named::key(entry, self.checker);
                    named.name = format!("the {} {}", item_of(&section).0, named.name);
                    let sound =
                        self.value(&mut entry.value, &schema["additionalProperties"], &named, Depth::Deep);
                    if !sound {
                        broken.add(&section, Some(&entry.key));
                    }
                    sound
                });
            }
            _ => {
                let sound = self.value(&mut entry.value, schema, &named, Depth::Deep);
                if !sound {
                    broken.add(&section, None);
                }
                return sound;
            }
        }
        true
    }

    /// Whether the value fits; `Depth::Shallow` looks at its own type only.
    fn value(&mut self, node: &mut Node, schema: &'s Value, named: &Named, depth: Depth) -> bool {
        let schema = self.definitions.resolve(schema);
        if node.data == Data::Refused {
            return false;
        }
        if schema.get("not").is_some() {
            self.not_yet(&named.anchor, &named.name, "remove it");
            return false;
        }
        let whole = schema;
        let Some(schema) = self.definitions.branch(node, schema) else {
            match schema.get(SECRET) {
                Some(_) => self.secret_in_the_open(node, named),
                None => self.wrong_type(node, schema, named),
            }
            return false;
        };
        if schema.get(ANYTHING).is_some() {
            return true;
        }
        if let Some(accepted) = accepted_values(schema) {
            return self.one_of(node, schema, (&accepted, whole), named);
        }
        match (&mut node.data, depth) {
            (Data::List(items), Depth::Deep) => {
                let was_empty = items.is_empty();
                items.retain_mut(|item| {
                    let named = named.element(item);
                    self.value(item, &schema["items"], &named, depth)
                });
                // A list that lost everything would be taken for one that was written empty.
                was_empty || !items.is_empty()
            }
            (Data::Map(entries), Depth::Deep) => self.map(entries, schema, named),
            _ => true,
        }
    }

    fn map(&mut self, entries: &mut Vec<Entry>, schema: &'s Value, named: &Named) -> bool {
        let mut sound = self.keys(entries, schema, named);
        if schema.get(SECRET).is_some() {
            sound &= entries.iter().all(|entry| property(schema, &entry.key).is_some());
        }
        let values = schema.get("additionalProperties").filter(|values| values.is_object());
        let required = required(schema);
        entries.retain_mut(|entry| {
            let Some(schema) = property(schema, &entry.key).or(values) else {
                return false;
            };
            let named = Named::key(entry, self.checker);
            if self.value(&mut entry.value, schema, &named, Depth::Deep) {
                return true;
            }
            // What is optional is left out, and the rest goes on to be checked.
            sound &= !required.contains(&entry.key.as_str()) && schema.get(DECISIVE).is_none();
            false
        });
        sound
    }

    /// Reports unknown and missing keys. A key that is nearly right is taken for the one meant, so
    /// that its value is checked too. False when a key is missing.
    fn keys(&mut self, entries: &mut [Entry], schema: &'s Value, named: &Named) -> bool {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return true;
        };
        let accepted = properties.iter().filter(|(_, schema)| schema.get("not").is_none());
        let accepted = enumerate(accepted.map(|(key, _)| key.as_str()));
        for index in 0..entries.len() {
            if properties.contains_key(&entries[index].key) {
                continue;
            }
            let free = |key: &&str| !entries.iter().any(|entry| entry.key == *key);
            let meant = did_you_mean(&entries[index].key, properties.keys().map(String::as_str).filter(free));
            self.unknown_key(&entries[index], meant, &accepted, named);
            if let Some(meant) = meant {
                meant.clone_into(&mut entries[index].key);
            }
        }
        let given = |key: &str| entries.iter().any(|entry| entry.key == key);
        let missing: Vec<_> = required(schema).into_iter().filter(|key| !given(key)).collect();
        for key in &missing {
            let example = properties.get(*key).and_then(|schema| self.definitions.example(schema));
            self.missing_key(key, example.as_deref(), named);
        }
        missing.is_empty()
    }

    /// `whole` is the schema of which `schema` is the branch for words.
    fn one_of(
        &mut self,
        node: &Node,
        schema: &Value,
        (accepted, whole): (&[&Value], &'s Value),
        named: &Named,
    ) -> bool {
        let same = |value: &&Value| match (&node.data, *value) {
            (Data::Text(text), Value::String(accepted)) => text == accepted,
            (Data::Bool(value), Value::Bool(accepted)) => value == accepted,
            _ => false,
        };
        if accepted.iter().any(same) {
            return true;
        }
        let later: Vec<_> = schema.get("x-not-yet").and_then(Value::as_array).into_iter().flatten().collect();
        let quoted = self.checker.quote(&node.span);
        let names: Vec<_> = accepted.iter().copied().map(plain).collect();
        let names = || names.iter().map(String::as_str);
        if later.iter().any(same) {
            let what = format!("{}: {}", named.name.trim_matches('`'), quoted.trim_matches('`'));
            self.not_yet(&node.span, &what, &format!("accepted: {}", enumerate(names())));
            return false;
        }
        let suggestion = node.text().and_then(|text| did_you_mean(text, names()));
        let mapping = self.definitions.mapping_beside_words(whole);
        let all = enumerate(names().chain(mapping.as_deref()));
        let help = match suggestion {
            Some(suggestion) => format!("did you mean `{suggestion}`? Accepted: {all}"),
            None => format!("accepted: {all}"),
        };
        let message = format!("{quoted} is not a value of {}", named.name);
        self.checker.error("unknown-value", &node.span, message).with_help(help);
        false
    }

    fn unknown_key(&mut self, entry: &Entry, suggestion: Option<&str>, accepted: &str, named: &Named) {
        let help = match suggestion {
            Some(suggestion) => format!("did you mean `{suggestion}`? Accepted: {accepted}"),
            None => format!("accepted: {accepted}"),
        };
        let message = format!("{} has no key {}", named.name, self.checker.quote(&entry.key_span));
        self.checker.error("unknown-key", &entry.key_span, message).with_help(help);
    }

    fn missing_key(&mut self, key: &str, example: Option<&str>, named: &Named) {
        let message = format!("{} needs the key `{key}`", named.name);
        let diagnostic = self.checker.error("missing-key", &named.anchor, message);
        if let Some(example) = example {
            diagnostic.with_help(format!("for example `{key}: {example}`"));
        }
    }

    fn not_yet(&mut self, span: &Span, what: &str, help: &str) {
        let message = format!("`{}` is not supported yet", what.trim_matches('`'));
        self.checker.error("not-supported", span, message).with_help(help);
    }

    /// Says nothing of the value: it may be the secret itself.
    fn secret_in_the_open(&mut self, node: &Node, named: &Named) {
        let looks_like_path = node.text().is_some_and(|text| {
            !text.contains(char::is_whitespace) && (text.contains('/') || text.rsplit_once('.').is_some())
        });
        let correction = match node.text().and_then(referenced_variable) {
            Some(name) => format!("write `{{ env: {name} }}`"),
            None if looks_like_path => "if this is a path, write `{ file: PATH }`".to_owned(),
            None => "write `{ file: PATH }` or `{ env: NAME }`".to_owned(),
        };
        let help = format!("{correction}; a secret never stands in these files");
        let span = if matches!(node.data, Data::Null) { &named.anchor } else { &node.span };
        let message = format!("{} must name a file or a variable", named.name);
        self.checker.error("secret", span, message).with_help(help);
    }

    fn wrong_type(&mut self, node: &Node, schema: &Value, named: &Named) {
        let expected: Vec<_> = kinds(schema).into_iter().map(kind_in_words).collect();
        let span = if matches!(node.data, Data::Null) { &named.anchor } else { &node.span };
        let found = match &node.data {
            Data::Null | Data::Refused => "nothing".to_owned(),
            Data::Bool(_) => format!("the boolean {}", self.checker.quote(span)),
            Data::Integer(_) | Data::Number(_) => format!("the number {}", self.checker.quote(span)),
            Data::Text(_) => format!("the text {}", self.checker.quote(span)),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a mapping".to_owned(),
        };
        let message = format!("{} must be {}, not {found}", named.name, expected.join(" or "));
        let help = self.type_help(node, schema);
        let diagnostic = self.checker.error("wrong-type", span, message);
        if let Some(help) = help {
            diagnostic.with_help(help);
        }
    }

    fn type_help(&self, node: &Node, schema: &Value) -> Option<String> {
        let quoted = self.checker.quote(&node.span);
        let bare = quoted.trim_matches('`');
        match (kinds(schema).first().copied()?, &node.data) {
            ("string", Data::Null) => Some("write a value, or remove the key".to_owned()),
            ("string", _) if example(schema).is_some() => Some(format!("for example `{}`", example(schema)?)),
            ("string", Data::Bool(_) | Data::Integer(_) | Data::Number(_)) => {
                Some(format!("put it in quotes: `\"{bare}\"`"))
            }
            ("array", Data::Text(_)) => Some(format!("write a list: `[{}]`", items_of(bare))),
            ("array", Data::Integer(_)) => Some(format!("write a list: `[{bare}]`")),
            ("array", Data::Map(_)) => Some("start each item with `- `".to_owned()),
            ("object", Data::List(_)) => Some("write keys with values, without `- ` before them".to_owned()),
            _ => None,
        }
    }
}

/// The items that somebody may mean who wrote a text in place of a list: one for each word.
fn items_of(text: &str) -> String {
    let words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    let items = words.map(|word| {
        let is_plain = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if is_plain { word.to_owned() } else { format!("\"{word}\"") }
    });
    items.collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Shallow,
    Deep,
}
