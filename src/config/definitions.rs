//! Reading a generated JSON Schema: references, types, lists of values, examples.
//! May import: `node`.

use serde_json::Value;

use super::node::{Data, Node};

/// The mark of a reference to a secret.
pub const SECRET: &str = "x-secret";

/// A schema with its definitions.
#[derive(Clone, Copy)]
pub struct Definitions<'s>(pub &'s Value);

impl<'s> Definitions<'s> {
    /// The part of a schema that a value of this type has to fit. Nothing stands for an empty list
    /// or mapping, as when all of its lines are comments.
    pub fn branch(self, node: &mut Node, schema: &'s Value) -> Option<&'s Value> {
        let branches = match schema.get("anyOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().map(|branch| self.resolve(branch)).collect(),
            None => vec![schema],
        };
        branches.into_iter().find(|branch| {
            let kinds = kinds(branch);
            match node.data {
                Data::Null if kinds.contains(&"array") => node.data = Data::List(Vec::new()),
                Data::Null if kinds.contains(&"object") => node.data = Data::Map(Vec::new()),
                _ => {}
            }
            kinds.is_empty() || kinds.contains(&kind_of(node))
        })
    }

    /// What is said of the values in a list (without a key) or under a key of a mapping, in whichever
    /// branch says something.
    pub fn below(self, schema: &'s Value, key: Option<&str>) -> Option<&'s Value> {
        let schema = self.resolve(schema);
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            return branches.iter().find_map(|branch| self.below(branch, key));
        }
        match key {
            Some(key) => property(schema, key).or_else(|| schema.get("additionalProperties")),
            None => schema.get("items"),
        }
    }

    /// Whether a secret is named here, and never written.
    pub fn is_secret(self, schema: &'s Value) -> bool {
        self.resolve(schema).get(SECRET).is_some()
    }

    /// A value for messages: the schema's own first example, or a mapping with what it requires.
    pub fn example(self, schema: &'s Value) -> Option<String> {
        let schema = self.resolve(schema);
        if let Some(example) = example(schema) {
            return Some(example);
        }
        if let Some(items) = schema.get("items") {
            return Some(format!("[{}]", self.example(items)?));
        }
        let key = schema.get("required")?.get(0)?.as_str()?;
        Some(format!("{{ {key}: {} }}", self.example(property(schema, key)?)?))
    }

    /// An example of the mapping that may stand where words may stand too.
    pub fn mapping_beside_words(self, schema: &'s Value) -> Option<String> {
        let mut branches = schema.get("anyOf")?.as_array()?.iter().map(|branch| self.resolve(branch));
        branches.find(|branch| branch.get("properties").is_some()).and_then(|branch| self.example(branch))
    }

    /// Follows references; `schemars` wraps one in `allOf` to put a description beside it.
    pub fn resolve(self, mut schema: &'s Value) -> &'s Value {
        // It ends because our types do not refer to themselves.
        loop {
            let inner = schema.get("allOf").and_then(|all| all.get(0)).unwrap_or(schema);
            let Some(pointer) =
                inner.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'))
            else {
                return inner;
            };
            match self.0.pointer(pointer) {
                Some(target) => schema = target,
                None => return inner,
            }
        }
    }
}

pub fn property<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(key)
}

/// The JSON types that a schema accepts, null apart.
pub fn kinds(schema: &Value) -> Vec<&str> {
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        return branches.iter().flat_map(kinds).collect();
    }
    let kinds: Vec<_> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind.as_str()],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    kinds.into_iter().filter(|kind| *kind != "null").collect()
}

pub fn kind_of(node: &Node) -> &'static str {
    match node.data {
        Data::Null | Data::Refused => "null",
        Data::Bool(_) => "boolean",
        Data::Integer(_) => "integer",
        Data::Number(_) => "number",
        Data::Text(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
    }
}

pub fn kind_in_words(kind: &str) -> &str {
    match kind {
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "string" => "text",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

/// The values that a schema lists, by `enum`, `const` or a choice of constants.
pub fn accepted_values(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        return Some(choices.iter().filter_map(accepted_values).flatten().collect());
    }
    if let Some(constant) = schema.get("const") {
        return Some(vec![constant]);
    }
    schema
        .get("enum")
        .and_then(Value::as_array)
        .map(|values| values.iter().filter(|value| !value.is_null()).collect())
}

pub fn example(schema: &Value) -> Option<String> {
    schema.get("examples").and_then(|examples| examples.get(0)).map(plain)
}

/// As somebody would write it in YAML.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        _ => value.to_string(),
    }
}
