//! Texts that people read, in the languages the gateway speaks.

use serde::{Deserialize, Serialize};

/// A language of the gateway's own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Dutch, the default: the product serves Dutch municipalities.
    #[default]
    Nl,
    En,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Nl, Self::En];

    /// The BCP 47 code: `nl` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nl => "nl",
            Self::En => "en",
        }
    }

    /// The one of two texts that is in this language.
    pub fn pick<T>(self, dutch: T, english: T) -> T {
        match self {
            Self::Nl => dutch,
            Self::En => english,
        }
    }

    /// The first language of an `Accept-Language` value that the gateway speaks, by weight and
    /// then by order (RFC 9110, section 12.5.4); Dutch when there is none.
    pub fn from_accept_language(value: &str) -> Self {
        let mut best = (Self::default(), 0.0_f32);
        for item in value.split(',').take(16) {
            let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
            let primary = range.trim().split('-').next().unwrap_or_default();
            let Some(language) = Self::ALL.into_iter().find(|l| l.code().eq_ignore_ascii_case(primary))
            else {
                continue;
            };
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(q) => q.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// A text in one or more languages; never empty. Made from `name: IRMA` or
/// `name: { nl: Inloggen, en: Sign in }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalizedText {
    Plain(String),
    /// Language code as written, and text, in the order of the file; at least one entry.
    Translated(Vec<(String, String)>),
}

impl LocalizedText {
    /// The text in this language, else the first that the file gives.
    pub fn text(&self, language: Language) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Translated(entries) => entries
                .iter()
                .find(|(code, _)| code == language.code())
                .or_else(|| entries.first())
                .map_or("", |(_, text)| text),
        }
    }

    /// Whether the text differs from language to language.
    pub fn is_translated(&self) -> bool {
        matches!(self, Self::Translated(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_known_language_wins() {
        for (header, expected) in [
            ("", Language::Nl),
            ("en", Language::En),
            ("en-US,en;q=0.9", Language::En),
            ("de, en;q=0.5, nl;q=0.8", Language::Nl),
            ("en;q=0", Language::Nl),
            ("*", Language::Nl),
            ("en;q=x", Language::Nl),
        ] {
            assert_eq!(Language::from_accept_language(header), expected, "{header}");
        }
    }

    #[test]
    fn a_missing_translation_falls_back_to_the_first() {
        let text = LocalizedText::Translated(vec![("en".into(), "Move".into())]);
        assert_eq!(text.text(Language::Nl), "Move");
    }
}
