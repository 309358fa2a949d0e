//! Hides secrets in text that people will see. It works on the bare text, not on parsed YAML, so
//! that a file that is not YAML at all gives nothing away either. When in doubt it hides more.
//! May import: `check` for what is nearly right.

mod anywhere;
mod inline;
mod known;

use std::collections::HashMap;

pub use self::inline::{MASKED, shown_text, shown_url};
use self::{
    anywhere::{credentials, named_values, pems, userinfos},
    known::{is_reference, names_a_secret, unknown},
};
use super::check::did_you_mean;

/// Words that mark a key, or a header's name, as one that holds a secret. Public keys are none, but
/// a private one may stand in their place.
const SENSITIVE: [&str; 16] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "key",
    "authorization",
    "cookie",
    "verify",
    "encrypt",
    "hmac",
    "jwt",
    "credential",
    "basic",
    "bearer",
    "signature",
];

/// The keys that hold secrets, one of which somebody may have misspelt.
const KEYS: [&str; 13] = [
    "client_secret",
    "encrypt",
    "hmac",
    "jwt",
    "key",
    "keys",
    "password",
    "private_key",
    "private_key_jwt",
    "secret",
    "secrets",
    "token",
    "verify",
];

/// The keys of plugins.yaml whose values are made of other keys, and those of them that are harmless
/// where their values look like it.
const HOLDERS: [(&str, Harmless); 5] = [
    ("keys", &["id", "expires"]),
    ("secrets", &[]),
    ("private_key_jwt", &["kid"]),
    ("jwt", &["alg", "kid", "ttl", "claims"]),
    ("hmac", &["header"]),
];

type Harmless = &'static [&'static str];

/// Whether a value of this name is to be hidden.
pub fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.iter().any(|word| name.contains(word))
}

/// The text with the value of every sensitive key, and the userinfo of every URL, replaced by
/// asterisks. Each byte keeps its place; line breaks stay.
pub fn mask(text: &str) -> String {
    let mut hidden = vec![false; text.len()];
    let (mut done, mut keys_end) = (0, 0);
    for SensitiveKey { colon, indentation, holds } in sensitive_keys(text) {
        if colon < done {
            continue;
        }
        let end = value_end(text, colon, indentation);
        // Within themselves they are a secret like any other.
        if let Some(harmless) = holds.filter(|_| colon >= keys_end) {
            keys_end = end;
            for (start, end) in unknown(text, colon..end, harmless) {
                hide(&mut hidden, start, end);
            }
        } else {
            done = end;
            hide(&mut hidden, colon, end);
        }
    }
    for (start, end) in credentials(text) {
        hide(&mut hidden, start, end);
    }
    for (start, end) in named_values(text) {
        show(&mut hidden, start, end);
    }
    for (start, end) in pems(text) {
        hide(&mut hidden, start, end);
    }
    for (start, end) in userinfos(text) {
        hide(&mut hidden, start, end);
    }
    text.char_indices()
        .flat_map(|(offset, character)| {
            let masked = hidden.get(offset) == Some(&true) && !character.is_ascii_whitespace();
            let shown = if masked { '*' } else { character };
            std::iter::repeat_n(shown, if masked { character.len_utf8() } else { 1 })
        })
        .collect()
}

fn hide(hidden: &mut [bool], start: usize, end: usize) {
    if let Some(part) = hidden.get_mut(start..end) {
        part.fill(true);
    }
}

fn show(hidden: &mut [bool], start: usize, end: usize) {
    if let Some(part) = hidden.get_mut(start..end) {
        part.fill(false);
    }
}

/// Whether a name is probably a sensitive one, misspelt.
fn is_nearly_sensitive(name: &str) -> bool {
    did_you_mean(name, KEYS).is_some()
}

struct SensitiveKey {
    /// Where its value starts, after `:` or `=`.
    colon: usize,
    /// Of its line.
    indentation: usize,
    /// Of one of [`HOLDERS`], which is not itself a secret.
    holds: Option<Harmless>,
}

fn sensitive_keys(text: &str) -> Vec<SensitiveKey> {
    let mut found = Vec::new();
    let mut line_start = 0;
    let mut nearly = HashMap::new();
    for line in text.split_inclusive('\n') {
        let indentation = indentation(line);
        for (offset, _) in line.match_indices([':', '=']) {
            let before = line[..offset].trim_end().trim_end_matches(['"', '\'']);
            let is_key_character = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
            let key = &before[before.trim_end_matches(is_key_character).len()..];
            let key = key.trim_matches([' ', '-']);
            if is_sensitive(key) || *nearly.entry(key).or_insert_with(|| is_nearly_sensitive(key)) {
                let holder = HOLDERS.iter().find(|(holder, _)| *holder == key);
                let holds = holder.map(|(_, harmless)| *harmless);
                found.push(SensitiveKey { colon: line_start + offset + 1, indentation, holds });
            }
        }
        // `? secret`, with the value on the next line.
        if line.trim_start().starts_with("? ") && is_sensitive(line) {
            let indentation = indentation.saturating_sub(2);
            found.push(SensitiveKey { colon: line_start + line.len(), indentation, holds: None });
        }
        line_start += line.len();
    }
    found
}

/// The keys of a line are as deep as what follows the marks of a list.
fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-', '?']).len()
}

/// Where the value that starts at `start` ends: at the comma or bracket that closes it on its
/// line, else after the last line that is indented deeper than its key.
fn value_end(text: &str, start: usize, indentation: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split_inclusive('\n').next().unwrap_or_default();
    let below = || {
        let below = &rest[line.len()..];
        &below[..deeper_lines(below, indentation)]
    };
    if is_reference(line) || line.trim().is_empty() && names_a_secret(below().trim()) {
        return start;
    }
    match flow_end(rest) {
        FlowEnd::At(offset) => start + offset,
        FlowEnd::Open => text.len(),
        FlowEnd::None => start + line.len() + below().len(),
    }
}

enum FlowEnd {
    /// The value ends here, on its first line or within the brackets that it opened.
    At(usize),
    /// A bracket or a quote stays open to the end of the text.
    Open,
    /// Nothing closes it: it ends with its line, or goes on indented.
    None,
}

fn flow_end(rest: &str) -> FlowEnd {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    let value = rest.trim_start_matches([' ', '\t']);
    let quoted = value.starts_with(['"', '\'']);
    let opened = value.starts_with(['{', '[']);
    for (offset, character) in rest.char_indices() {
        if let Some(open) = quote {
            match character {
                _ if escaped => escaped = false,
                '\\' if open == '"' => escaped = true,
                _ if character == open => {
                    quote = None;
                    if quoted && depth == 0 && !rest[offset + 1..].starts_with(open) {
                        return FlowEnd::At(offset + 1);
                    }
                }
                _ => {}
            }
            continue;
        }
        match character {
            '"' | '\'' if quoted || opened => quote = Some(character),
            '{' | '[' if opened => depth += 1,
            '}' | ']' if depth <= 1 => return FlowEnd::At(if opened { offset + 1 } else { offset }),
            '}' | ']' => depth -= 1,
            '\n' if depth == 0 => return FlowEnd::None,
            _ => {}
        }
    }
    if depth > 0 || quote.is_some() { FlowEnd::Open } else { FlowEnd::None }
}

/// The length of the lines that belong to a value above them: blank ones, deeper ones, and items
/// of a list, which may stand right below their key.
fn deeper_lines(text: &str, indentation: usize) -> usize {
    text.split_inclusive('\n')
        .take_while(|line| {
            let content = line.trim_start_matches([' ', '\t']);
            let depth = line.len() - content.len();
            content.trim().is_empty()
                || depth > indentation
                || (depth == indentation && content.starts_with(['-', ':']))
        })
        .map(str::len)
        .sum()
}

#[cfg(test)]
mod tests;
