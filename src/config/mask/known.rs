//! What may be read next to secrets: references to them, names and dates.
//! May import: `mask`.

use std::ops::Range;

use super::{indentation, value_end};

/// A word of so many letters and digits may be a secret itself: 16 random bytes in hexadecimal.
pub(super) const SECRET_LENGTH: usize = 32;

/// `{ file: x }` and `{ env: X }` name a secret and hold none.
pub(super) fn is_reference(line: &str) -> bool {
    let content = line.trim_start().strip_prefix('{').and_then(|inner| inner.split_once('}'));
    content.is_some_and(|(content, _)| content.trim().is_empty() || names_a_secret(content.trim()))
}

/// `file: x` and `env: X`, unless the name looks like a secret.
pub(super) fn names_a_secret(content: &str) -> bool {
    content.split_once(':').is_some_and(|(key, name)| {
        let name = name.trim();
        let bare = ['"', '\''].iter().find_map(|quote| name.strip_prefix(*quote)?.strip_suffix(*quote));
        let name = bare.unwrap_or(name);
        match key.trim() {
            "file" => is_harmless(name),
            "env" => is_harmless(name) && !name.contains(['.', '-', '/', ' ']),
            _ => false,
        }
    })
}

/// A name, a path or a date, and no secret that somebody took for one.
fn is_harmless(name: &str) -> bool {
    let of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' ');
    name.chars().all(of_names) && !name.contains("---") && !name.split(['.', '/', ' ']).any(looks_random)
}

fn looks_random(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase);
    let unbroken = word.chars().all(|c| c.is_ascii_alphanumeric());
    word.len() >= SECRET_LENGTH && has(char::is_ascii_digit) && (mixed || unbroken)
}

/// What does not look like the entries of a holder of keys, of which these are harmless: in each line,
/// from the first value on that is neither of these, nor a reference.
pub(super) fn unknown(text: &str, range: Range<usize>, harmless: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let rest = &text[at..range.end];
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        match known(line, harmless) {
            Known::UpTo(length) => {
                found.push((at + length, at + line.len()));
                at += line.len();
            }
            Known::Document(length) => {
                let start = at + length;
                let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
                at = value_end(text, start, indentation(&text[line_start..start])).min(range.end);
                found.extend(random_words(text, start..at));
            }
        }
    }
    found
}

enum Known {
    /// So much of the line is harmless.
    UpTo(usize),
    /// And then comes a document, most of it templates.
    Document(usize),
}

fn known(line: &str, harmless: &[&str]) -> Known {
    let mut known = 0;
    loop {
        known +=
            line[known..].len() - line[known..].trim_start_matches([' ', '[', ']', '{', '}', ',', '-']).len();
        let rest = &line[known..];
        let Some((key, value)) = rest.split_once(':') else { return Known::UpTo(known) };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Known::UpTo(known);
        }
        let after_key = known + key.len() + 1;
        let scalar = value.split([',', '}', ']', '\n']).next().unwrap_or_default();
        let bare = scalar.trim().trim_matches(['"', '\'']);
        known = match key {
            "claims" if harmless.contains(&key) => return Known::Document(after_key),
            _ if harmless.contains(&key) && is_usual(key, bare) => after_key + scalar.len(),
            "file" | "env" if names_a_secret(&format!("{key}: {bare}")) => after_key + scalar.len(),
            _ if value.trim_start().starts_with(['{', '[']) => after_key,
            _ => return Known::UpTo(after_key),
        };
    }
}

/// Whether the value of a harmless key is what such values are.
fn is_usual(key: &str, value: &str) -> bool {
    match key {
        // `HS256`, or what somebody takes for an algorithm: too short for a secret.
        "alg" => value.len() <= 5 && is_harmless(value),
        // A duration.
        "ttl" => value.len() < 8 && value.starts_with(|c: char| c.is_ascii_digit()) && is_harmless(value),
        "header" => value.split(['-', '_', ' ']).all(|word| {
            let all = |test: fn(&u8) -> bool| word.as_bytes().iter().all(test);
            word.len() < SECRET_LENGTH && (all(u8::is_ascii_alphabetic) || all(u8::is_ascii_digit))
        }),
        _ => is_harmless(value),
    }
}

fn random_words(text: &str, range: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
    let ends_word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let mut next = range.start;
    text[range].split_inclusive(ends_word).filter_map(move |piece| {
        let (start, word) = (next, piece.trim_end_matches(ends_word));
        next += piece.len();
        looks_random(word).then_some((start, start + word.len()))
    })
}
