//! `trust` and `brokering` of plugins.yaml: what the gateway does with the results of a plugin
//! (design.md, "Trust, and brokering").
//! May import: `adapters`, `check`, `node`, `report`, `secrets`, `tokens`.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    AuthTrust, Brokering, CommTrust,
    adapters::RawExpression,
    check::Checker,
    node::{Span, Spanned},
    report::Place,
    secrets::{RawSecret, Secrets},
};
use crate::tokens::{EncryptionKey, VerificationKey};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAuthTrust {
    /// The plugin encrypts to the gateway, which checks, issues anew and encrypts to one
    /// communication plugin.
    reseal: RawAuthReseal,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawAuthReseal {
    /// The public half of the key with which the plugin signs.
    verify: Spanned<RawSecret>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCommTrust {
    /// The plugin verifies the gateway's signature; results are encrypted to it alone.
    reseal: RawCommReseal,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawCommReseal {
    /// The public half of the key with which the plugin decrypts.
    encrypt: Spanned<RawSecret>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawBrokering {
    /// The plugin gets the communication plugin's URLs.
    Off,
    /// The plugin gets URLs of the gateway's own, so that each step is seen.
    Observe,
    /// As `observe`, and the result returns through the browser that started.
    Bind,
}

/// The word `opaque`, which is the default, or what the plugin trusts the gateway with.
#[derive(Debug)]
pub enum OpaqueOr<T> {
    Opaque,
    Given(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OpaqueOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OpaqueOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("`opaque` or a mapping")
            }

            /// The schema accepts this one word.
            fn visit_str<E>(self, _: &str) -> Result<OpaqueOr<T>, E> {
                Ok(OpaqueOr::Opaque)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OpaqueOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OpaqueOr::Given)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OpaqueOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OpaqueOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let given = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": ["opaque"] }, given] })
    }
}

/// What is written under `trust`, on either side.
pub trait RawTrust: Sized {
    /// What it becomes; the default of it is what holds where nothing is written.
    type Trust: Default;

    /// The trust in one plugin, whose public key messages call `what`.
    fn resolve(&self, what: &str, secrets: Secrets, checker: &mut Checker) -> Option<Self::Trust>;

    /// The trust in the method whose tag stands at `tag`; `None` when its key is wrong.
    fn parse(
        raw: Option<&Spanned<OpaqueOr<Self>>>,
        tag: &Span,
        secrets: Secrets,
        checker: &mut Checker,
    ) -> Option<Self::Trust> {
        match raw.map(|raw| &raw.value) {
            None | Some(OpaqueOr::Opaque) => Some(Self::Trust::default()),
            Some(OpaqueOr::Given(trust)) => {
                let what = format!("the public key of the method {}", checker.quote(tag));
                trust.resolve(&what, secrets, checker)
            }
        }
    }
}

impl RawTrust for RawAuthTrust {
    type Trust = AuthTrust;

    fn resolve(&self, what: &str, secrets: Secrets, checker: &mut Checker) -> Option<AuthTrust> {
        let verify = secrets.key(&self.reseal.verify, what, VerificationKey::from_pem, checker)?;
        Some(AuthTrust::Reseal { verify })
    }
}

impl RawTrust for RawCommTrust {
    type Trust = CommTrust;

    fn resolve(&self, what: &str, secrets: Secrets, checker: &mut Checker) -> Option<CommTrust> {
        let encrypt = secrets.key(&self.reseal.encrypt, what, EncryptionKey::from_pem, checker)?;
        Some(CommTrust::Reseal { encrypt })
    }
}

impl From<RawBrokering> for Brokering {
    fn from(raw: RawBrokering) -> Self {
        match raw {
            RawBrokering::Off => Self::Off,
            RawBrokering::Observe => Self::Observe,
            RawBrokering::Bind => Self::Bind,
        }
    }
}

/// Where a method and its parts stand.
pub struct MethodPlace {
    /// The tag as the file has it, between backticks: its value may come from the environment.
    pub name: String,
    pub tag: Place,
    pub trust: Place,
    pub brokering: Place,
    /// The texts in which a communication method may name attributes.
    pub texts: Vec<RawExpression>,
}

impl MethodPlace {
    /// What is not written stands where the tag does.
    pub fn new(tag: &Span, trust: Option<&Span>, brokering: Option<&Span>, checker: &Checker) -> Self {
        Self {
            name: checker.quote(tag),
            tag: checker.place(tag),
            trust: checker.place(trust.unwrap_or(tag)),
            brokering: checker.place(brokering.unwrap_or(tag)),
            texts: Vec::new(),
        }
    }
}
