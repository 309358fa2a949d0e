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

macro_rules! only {
    ($(#[$doc:meta])* $name:ident: $accepted:tt, later $later:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IgnoredAny::deserialize(deserializer).map(|_| Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "enum": $accepted, "x-not-yet": $later })
            }
        }
    };
}

only! {
    /// A switch that can only be off.
    AlwaysFalse: [false], later [true]
}
only! {
    /// The one way to choose among servers.
    OnlyRoundRobin: ["round_robin"], later ["least_connections", "consistent_hash"]
}
only! {
    /// The one kind of brokering.
    OnlyOff: ["off"], later ["observe", "bind"]
}
