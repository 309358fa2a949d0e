//! The answers of `session_options`, serialised once per generation.

use std::{collections::HashMap, sync::Arc};

use ahash::RandomState;
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    config::{Config, Purpose},
    model::{
        Language, LocalizedText, MethodTag, OwnAnswer,
        wire::{MethodOption, SessionOptions},
    },
};

/// One answer per purpose and language, and one for all purposes.
pub struct OptionsAnswers {
    all: PerLanguage,
    // Strangers choose the keys that are looked up, hence the keyed hash.
    by_purpose: HashMap<Box<str>, PerLanguage, RandomState>,
}

impl OptionsAnswers {
    pub(super) fn new(config: &Config) -> Self {
        let by_purpose = config.purposes.iter().map(|purpose| {
            let answer = PerLanguage::new(config, |language| json(&options(config, purpose, language)));
            (purpose.tag.as_str().into(), answer)
        });
        Self {
            by_purpose: by_purpose.collect(),
            all: PerLanguage::new(config, |language| json(&All { config, language })),
        }
    }

    /// Purpose -> its options.
    pub fn all(&self, language: Language) -> &Arc<OwnAnswer> {
        self.all.of(language)
    }

    pub fn of(&self, purpose: &str, language: Language) -> Option<&Arc<OwnAnswer>> {
        self.by_purpose.get(purpose).map(|answer| answer.of(language))
    }
}

/// An answer in the gateway's languages; only one where no method's name is translated.
enum PerLanguage {
    Same(Arc<OwnAnswer>),
    Translated { nl: Arc<OwnAnswer>, en: Arc<OwnAnswer> },
}

impl PerLanguage {
    fn new(config: &Config, body: impl Fn(Language) -> Vec<u8>) -> Self {
        let answer = |language| OwnAnswer::new(StatusCode::OK, "application/json", body(language));
        let mut names = config.auth.iter().map(|m| &m.name).chain(config.comm.iter().map(|m| &m.name));
        if !names.any(LocalizedText::is_translated) {
            return Self::Same(Arc::new(answer(Language::default())));
        }
        let vary = HeaderValue::from_static("accept-language");
        let translated = |language| Arc::new(answer(language).with_header(header::VARY, vary.clone()));
        Self::Translated { nl: translated(Language::Nl), en: translated(Language::En) }
    }

    fn of(&self, language: Language) -> &Arc<OwnAnswer> {
        match (self, language) {
            (Self::Same(answer), _)
            | (Self::Translated { nl: answer, .. }, Language::Nl)
            | (Self::Translated { en: answer, .. }, Language::En) => answer,
        }
    }
}

/// `GET /session_options`: an object in the order of purposes.yaml.
struct All<'a> {
    config: &'a Config,
    language: Language,
}

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.config.purposes.len()))?;
        for purpose in &self.config.purposes {
            map.serialize_entry(purpose.tag.as_str(), &options(self.config, purpose, self.language))?;
        }
        map.end()
    }
}

/// The methods that a purpose allows, as people see them.
pub(super) fn options<'a>(config: &'a Config, purpose: &Purpose, language: Language) -> SessionOptions<'a> {
    let auth = purpose.allowed_auth.iter().filter_map(|id| config.auth.get(id.0));
    let comm = purpose.allowed_comm.iter().filter_map(|id| config.comm.get(id.0));
    let option = |tag: &'a MethodTag, name: &'a LocalizedText, image_path: &'a str| MethodOption {
        tag: tag.as_str(),
        name: name.text(language),
        image_path,
    };
    SessionOptions {
        auth_methods: auth.map(|method| option(&method.tag, &method.name, &method.image_path)).collect(),
        comm_methods: comm.map(|method| option(&method.tag, &method.name, &method.image_path)).collect(),
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Strings in lists and maps with string keys always have a JSON form.
    serde_json::to_vec(value).unwrap_or_default()
}
