//! JSON Schemas (draft-07) of the three files, made from the Raw types: editors use them through
//! `docs/schema/`, and the structural check of [`super::load`] works by the same.
//! May import: `routes`, `purposes`, `plugins`, `source`.

use std::sync::LazyLock;

use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Value, json};

use super::{plugins::RawPlugins, purposes::RawPurposes, routes::RawRoutes, source::ConfigFile};

/// The schema of one of the files.
pub fn schema(file: ConfigFile) -> Value {
    shared(file).clone()
}

/// The same, made once for the life of the process.
pub(super) fn shared(file: ConfigFile) -> &'static Value {
    static ROUTES: LazyLock<Value> = LazyLock::new(generate::<RawRoutes>);
    static PURPOSES: LazyLock<Value> = LazyLock::new(generate::<RawPurposes>);
    static PLUGINS: LazyLock<Value> = LazyLock::new(generate::<RawPlugins>);
    match file {
        ConfigFile::Routes => &ROUTES,
        ConfigFile::Purposes => &PURPOSES,
        ConfigFile::Plugins => &PLUGINS,
    }
}

fn generate<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with_transform(EmptyValues { depth: 0 });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Says what the loader does with a key that has no value: an empty list or mapping is meant, and
/// anything else is refused.
#[derive(Clone)]
struct EmptyValues {
    depth: usize,
}

impl Transform for EmptyValues {
    fn transform(&mut self, schema: &mut Schema) {
        drop_null(schema);
        let collection = matches!(schema.get("type").and_then(Value::as_str), Some("array" | "object"));
        if collection && self.depth > 0 {
            let kind = schema.get("type").cloned();
            schema.insert("type".to_owned(), json!([kind, "null"]));
        }
        self.depth += 1;
        transform_subschemas(self, schema);
        self.depth -= 1;
    }
}

fn drop_null(schema: &mut Schema) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    let Some(branches) = schema.get_mut("anyOf").and_then(Value::as_array_mut) else {
        return;
    };
    branches.retain(|branch| branch.get("type").and_then(Value::as_str) != Some("null"));
    if let [branch] = branches.as_slice() {
        let branch = branch.clone();
        schema.remove("anyOf");
        // Draft-07 ignores what stands beside a reference.
        match branch {
            Value::Object(inner) if !inner.contains_key("$ref") => {
                for (key, value) in inner {
                    schema.insert(key, value);
                }
            }
            reference => {
                schema.insert("allOf".to_owned(), json!([reference]));
            }
        }
    }
}
