//! purposes.yaml: what serde reads, and how it becomes purposes with their methods resolved.
//! May import: `check`, `link`, `node`, `scalar`, `model`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    AuthId, CommId, Purpose,
    check::{Checker, all},
    link::{Names, repetitions},
    node::{Entries, Span, Spanned},
    scalar::{Field, Label, LanguageCode, Scalar},
};
use crate::model::{AttributeTag, LocalizedText, PurposeTag};

/// What citizens come for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "purposes.yaml of ID Contact Gateway")]
pub struct RawPurposes {
    /// The purposes, in the order in which people see them.
    #[serde(default)]
    purposes: Vec<RawPurpose>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawPurpose {
    /// The name by which programs ask for this purpose.
    tag: Field<PurposeTag>,
    /// The name that citizens read: one text, or one for each language. By default the tag.
    name: Option<RawText>,
    /// What an authentication method is asked to prove.
    #[serde(default)]
    attributes: Vec<Spanned<String>>,
    /// Tags of the authentication methods to choose from; `["*"]` is all of them.
    #[schemars(extend("examples" = [["*"]]))]
    allowed_auth: Vec<Spanned<String>>,
    /// Tags of the communication methods to choose from; `["*"]` is all of them.
    #[schemars(extend("examples" = [["*"]]))]
    allowed_comm: Vec<Spanned<String>>,
    /// Whether communication may start without authentication. By default `false`.
    #[serde(default)]
    unauthenticated: bool,
}

/// One text, or one for each language.
#[derive(Debug)]
pub enum RawText {
    Plain(Field<Label>),
    Translated(Spanned<Entries<Field<Label>>>),
}

/// Where a purpose stands.
#[derive(Debug)]
pub struct PurposePlace {
    pub tag: Span,
}

impl RawPurposes {
    pub fn tags(&self) -> impl Iterator<Item = (&str, Span)> {
        self.purposes.iter().map(|purpose| (purpose.tag.text.as_str(), purpose.tag.span.clone()))
    }

    /// The purposes, unless one of them is wrong.
    pub fn parse(&self, auth: &Names, comm: &Names, checker: &mut Checker) -> Option<Vec<Purpose>> {
        all(self.purposes.iter().map(|raw| raw.parse(auth, comm, checker)))
    }

    pub fn places(&self) -> Vec<PurposePlace> {
        self.purposes.iter().map(|raw| PurposePlace { tag: raw.tag.span.clone() }).collect()
    }
}

impl RawPurpose {
    fn parse(&self, auth: &Names, comm: &Names, checker: &mut Checker) -> Option<Purpose> {
        let tag = checker.parse(&self.tag);
        let name = self.name.as_ref().map(|name| name.parse(checker));
        let attributes = parse_attributes(&self.attributes, checker);
        let allowed_auth = auth.resolve_all(&self.allowed_auth, checker);
        let allowed_comm = comm.resolve_all(&self.allowed_comm, checker);
        Some(Purpose {
            tag: tag?,
            name: match name {
                Some(name) => Some(name?),
                None => None,
            },
            attributes: attributes?,
            allowed_auth: allowed_auth?.into_iter().map(AuthId).collect(),
            allowed_comm: allowed_comm?.into_iter().map(CommId).collect(),
            unauthenticated: self.unauthenticated,
        })
    }
}

/// A list of different attributes.
pub fn parse_attributes(attributes: &[Spanned<String>], checker: &mut Checker) -> Option<Vec<AttributeTag>> {
    let repeated = repetitions(attributes, checker);
    let fields: Vec<_> = attributes.iter().map(Field::<AttributeTag>::new).collect();
    checker.parse_all(&fields).filter(|_| !repeated)
}

impl RawText {
    pub fn parse(&self, checker: &mut Checker) -> Option<LocalizedText> {
        match self {
            Self::Plain(text) => checker.parse(text).map(|Label(text)| LocalizedText::Plain(text)),
            Self::Translated(entries) if entries.value.0.is_empty() => {
                checker
                    .error("text", &entries.span, "the name has no text in any language")
                    .with_help("write `name: IRMA`, or `name: { nl: Inloggen, en: Sign in }`");
                None
            }
            Self::Translated(entries) => {
                let translations: Vec<_> = entries
                    .value
                    .0
                    .iter()
                    .map(|(language, text)| {
                        let language = checker.parse(&Field::<LanguageCode>::new(language));
                        let text = checker.parse(text);
                        language.zip(text).map(|(language, text)| (language.0, text.0))
                    })
                    .collect();
                translations.into_iter().collect::<Option<_>>().map(LocalizedText::Translated)
            }
        }
    }
}

impl<'de> Deserialize<'de> for RawText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// The two shapes, told apart by the type of the value alone.
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = EitherText;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("text, or texts by language")
            }

            fn visit_str<E>(self, text: &str) -> Result<EitherText, E> {
                Ok(EitherText::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EitherText, A::Error> {
                Entries::deserialize(MapAccessDeserializer::new(map)).map(EitherText::Translated)
            }
        }

        enum EitherText {
            Plain(String),
            Translated(Entries<Field<Label>>),
        }

        impl<'de> Deserialize<'de> for EitherText {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Either)
            }
        }

        let Spanned { span, value } = Spanned::<EitherText>::deserialize(deserializer)?;
        Ok(match value {
            EitherText::Plain(value) => Self::Plain(Field::new(&Spanned { span, value })),
            EitherText::Translated(value) => Self::Translated(Spanned { span, value }),
        })
    }
}

impl JsonSchema for RawText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                Label::schema(),
                { "type": "object", "additionalProperties": Label::schema(), "minProperties": 1 },
            ],
            "examples": ["IRMA", { "nl": "Inloggen", "en": "Sign in" }],
        })
    }
}
