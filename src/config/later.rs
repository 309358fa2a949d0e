//! Keys and values that a later version will accept: known, so that the message can say so, and
//! refused, because nothing is accepted and ignored.
//! May import: nothing of this crate.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// A key that is refused whatever its value.
#[derive(Debug, Clone)]
pub struct NotYet;

impl<'de> Deserialize<'de> for NotYet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for NotYet {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NotYet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Not supported yet.", "not": {} })
    }
}

/// The one way to choose among servers.
#[derive(Debug, Clone)]
pub struct OnlyRoundRobin;

impl<'de> Deserialize<'de> for OnlyRoundRobin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl JsonSchema for OnlyRoundRobin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OnlyRoundRobin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["round_robin"], "x-not-yet": ["least_connections", "consistent_hash"] })
    }
}
