//! Patterns that values of strangers must match.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Longest pattern, in bytes.
const MAX_SOURCE: usize = 1024;

/// Largest compiled pattern, in bytes: enough for some hundred letters of any script.
const MAX_COMPILED: usize = 1024 * 1024;

/// What is wrong with a pattern. Its texts are the library's own and quote nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("it is longer than {MAX_SOURCE} bytes")]
    TooLong,
    #[error("it is not a regular expression: {0}")]
    Broken(String),
    #[error("it would take too much memory: repeat less, or name fewer characters")]
    TooLarge,
}

/// A regular expression that a whole value must match, in time linear in the value's length.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_SOURCE {
            return Err(PatternError::TooLong);
        }
        // By itself first: `a)(?:b` is one only between our parentheses.
        compile(text)?;
        let regex = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Self { source: text.to_owned(), regex })
    }

    /// Whether the whole of a value matches.
    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }

    pub fn as_str(&self) -> &str {
        &self.source
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    let built = RegexBuilder::new(text).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        other => PatternError::Broken(reason(&other.to_string())),
    })
}

/// The last line says what is wrong; those before it quote the pattern.
fn reason(message: &str) -> String {
    let last = message.lines().next_back().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or("it cannot be read").to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_matches() {
        for (pattern, good, bad) in [
            ("^[a-f0-9]{4}$", "00ff", "00ff\n"),
            ("[a-f0-9]{4}", "00ff", "00fff"),
            ("a|ab", "ab", "abc"),
            ("(?m)^a$", "a", "b\na"),
            ("(?i)AB", "ab", "b"),
            ("a.c", "abc", "a\nc"),
            ("", "", " "),
            (r"\w+", "é", "a b"),
        ] {
            let compiled = Pattern::parse(pattern).expect(pattern);
            assert!(compiled.matches(good), "{pattern}");
            assert!(!compiled.matches(bad), "{pattern}");
        }
        assert_eq!(Pattern::parse("a"), Pattern::parse("a"));
        assert_ne!(Pattern::parse("a"), Pattern::parse("(?:a)"));
    }

    #[test]
    fn a_broken_pattern_says_why_and_repeats_nothing() {
        for (pattern, reason) in [
            ("SECRET(", "unclosed group"),
            ("SECRET)(?:b", "unopened group"),
            (r"SECRET\1", "backreferences are not supported"),
            ("(?=SECRET)", "look-around, including look-ahead and look-behind, is not supported"),
            ("[SECRET", "unclosed character class"),
        ] {
            assert_eq!(Pattern::parse(pattern), Err(PatternError::Broken(reason.to_owned())), "{pattern}");
        }
        assert_eq!(Pattern::parse(&"a".repeat(MAX_SOURCE + 1)), Err(PatternError::TooLong));
        assert_eq!(Pattern::parse(r"(\w{100}){100}"), Err(PatternError::TooLarge));
    }
}
