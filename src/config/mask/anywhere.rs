//! What is told by its look wherever it stands: key blocks, passwords in URLs, credentials, and
//! expressions, which are none.
//! May import: `known`.

use super::known::SECRET_LENGTH;

/// What expressions begin with that stand for a value and hold none.
const NAMES: [&str; 10] = [
    "attributes",
    "jwt",
    "purpose",
    "random",
    "return_url",
    "room",
    "secrets",
    "session_url",
    "start",
    "timestamp",
];

/// How authentication begins in a header (RFC 7617, RFC 6750).
pub(super) const SCHEMES: [&str; 2] = ["basic ", "bearer "];

/// Expressions that name a value and hold none: `{{ secrets.token }}`.
pub(super) fn named_values(text: &str) -> Vec<(usize, usize)> {
    let is_name = |name: &str| {
        let of_names = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        name.len() < SECRET_LENGTH && name.bytes().all(of_names)
    };
    let opened = text.match_indices("{{").filter_map(|(start, _)| {
        // Names are short, and a file may have many braces.
        let near = text.as_bytes()[start + 2..].iter().take(2 * SECRET_LENGTH);
        let length = near.clone().zip(near.skip(1)).position(|pair| pair == (&b'}', &b'}'))?;
        let expression = text.get(start + 2..start + 2 + length)?;
        let name = expression.trim_matches(' ');
        let (root, member) = name.split_once('.').unwrap_or((name, ""));
        (NAMES.contains(&root) && is_name(member)).then_some((start, start + 2 + expression.len() + 2))
    });
    opened.collect()
}

/// What follows `Bearer ` or `Basic `, to the end of the quotes that it stands in, or of its line.
pub(super) fn credentials(text: &str) -> Vec<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for scheme in SCHEMES {
        let mut done = 0;
        for (at, _) in lower.match_indices(scheme) {
            let before = text[..at].chars().next_back();
            if at < done || before.is_some_and(char::is_alphanumeric) {
                continue;
            }
            let start = at + scheme.len();
            let quote = before.filter(|before| ['"', '\''].contains(before));
            let ends = |c: char| c == '\n' || Some(c) == quote;
            done = text[start..].find(ends).map_or(text.len(), |length| start + length);
            found.push((start, done));
        }
    }
    found
}

/// PEM blocks, to their end or that of the text.
pub(super) fn pems(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(begin) = text[start..].find("-----BEGIN").map(|offset| start + offset) {
        let end = text[begin..].find("-----END").map_or(text.len(), |offset| begin + offset);
        found.push((begin, end));
        start = end;
    }
    found
}

/// The `user:password` of `scheme://user:password@host`, up to the last `@` of its word or, in
/// quotes, of its string.
pub(super) fn userinfos(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut done = 0;
    for (offset, _) in text.match_indices("://") {
        let start = offset + 3;
        if start < done {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(['\n', '"', '\'']).unwrap_or(rest.len());
        if let Some(at) = rest[..end].rfind('@') {
            found.push((start, start + at));
        }
        done = start + end;
    }
    found
}
