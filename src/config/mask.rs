//! Hides secrets in text that people will see. It works on the bare text, not on parsed YAML, so
//! that a file that is not YAML at all gives nothing away either. When in doubt it hides more.
//! May import: nothing.

/// Words that mark a key, or a header's name, as one that holds a secret. Public keys are none, but
/// a private one may stand in their place.
const SENSITIVE: [&str; 10] = [
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
];

/// The keys of plugins.yaml whose values are made of other keys, most of them harmless.
const HOLDERS: [&str; 3] = ["keys", "secrets", "private_key_jwt"];

/// A word of so many letters and digits may be a secret itself: 16 random bytes in hexadecimal.
const SECRET_LENGTH: usize = 32;

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
    for SensitiveKey { colon, indentation, holds_keys } in sensitive_keys(text) {
        if colon < done {
            continue;
        }
        let end = value_end(text, colon, indentation);
        // Within themselves they are a secret like any other.
        if holds_keys && colon >= keys_end {
            keys_end = end;
            hide_unknown(text, colon, end, &mut hidden);
        } else {
            done = end;
            hide(&mut hidden, colon, end);
        }
    }
    for (start, end) in named_secrets(text) {
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

/// Expressions that name a secret and hold none: `{{ secrets.token }}`.
fn named_secrets(text: &str) -> Vec<(usize, usize)> {
    let is_name = |name: &str| {
        let of_names = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        name.len() < SECRET_LENGTH && name.bytes().all(of_names)
    };
    let opened = text.match_indices("{{").filter_map(|(start, _)| {
        let (expression, _) = text[start + 2..].split_once("}}")?;
        let name = expression.trim_matches(' ').strip_prefix("secrets.")?;
        is_name(name).then_some((start, start + 2 + expression.len() + 2))
    });
    opened.collect()
}

struct SensitiveKey {
    /// Where its value starts, after `:` or `=`.
    colon: usize,
    /// Of its line.
    indentation: usize,
    /// It is one of [`HOLDERS`] and not itself a secret.
    holds_keys: bool,
}

fn sensitive_keys(text: &str) -> Vec<SensitiveKey> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t', '-', '?']).len();
        for (offset, _) in line.match_indices([':', '=']) {
            let before = line[..offset].trim_end().trim_end_matches(['"', '\'']);
            let is_key_character = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
            let key = &before[before.trim_end_matches(is_key_character).len()..];
            if is_sensitive(key) {
                let holds_keys = HOLDERS.contains(&key.trim());
                found.push(SensitiveKey { colon: line_start + offset + 1, indentation, holds_keys });
            }
        }
        // `? secret`, with the value on the next line.
        if line.trim_start().starts_with("? ") && is_sensitive(line) {
            let indentation = indentation.saturating_sub(2);
            found.push(SensitiveKey { colon: line_start + line.len(), indentation, holds_keys: false });
        }
        line_start += line.len();
    }
    found
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

/// `{ file: x }` and `{ env: X }` name a secret and hold none.
fn is_reference(line: &str) -> bool {
    let content = line.trim_start().strip_prefix('{').and_then(|inner| inner.split_once('}'));
    content.is_some_and(|(content, _)| content.trim().is_empty() || names_a_secret(content.trim()))
}

/// `file: x` and `env: X`, unless the name looks like a secret.
fn names_a_secret(content: &str) -> bool {
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

/// Hides what does not look like the entries of [`HOLDERS`]: in each line, from the first value on that
/// is neither the name of a key, nor a date, nor a reference.
fn hide_unknown(text: &str, start: usize, end: usize, hidden: &mut [bool]) {
    let mut line_start = start;
    for line in text.get(start..end).unwrap_or_default().split_inclusive('\n') {
        hide(hidden, line_start + known_length(line), line_start + line.len());
        line_start += line.len();
    }
}

fn known_length(line: &str) -> usize {
    let mut known = 0;
    loop {
        known +=
            line[known..].len() - line[known..].trim_start_matches([' ', '[', ']', '{', '}', ',', '-']).len();
        let rest = &line[known..];
        let Some((key, value)) = rest.split_once(':') else { return known };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return known;
        }
        let after_key = known + key.len() + 1;
        let scalar = value.split([',', '}', ']', '\n']).next().unwrap_or_default();
        let bare = scalar.trim().trim_matches(['"', '\'']);
        known = match key {
            "id" | "kid" | "expires" if is_harmless(bare) => after_key + scalar.len(),
            "file" | "env" if names_a_secret(&format!("{key}: {bare}")) => after_key + scalar.len(),
            _ if value.trim_start().starts_with(['{', '[']) => after_key,
            _ => return after_key,
        };
    }
}

/// PEM blocks, to their end or that of the text.
fn pems(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(begin) = text[start..].find("-----BEGIN").map(|offset| start + offset) {
        let end = text[begin..].find("-----END").map_or(text.len(), |offset| begin + offset);
        found.push((begin, end));
        start = end;
    }
    found
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

/// The `user:password` of `scheme://user:password@host`, up to the last `@` of its word or, in
/// quotes, of its string.
fn userinfos(text: &str) -> Vec<(usize, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_sensitive_keys_are_hidden_in_every_shape() {
        for text in [
            "client_secret: hunter2",
            "client_secret: 'hunter2'",
            "client_secret: \"a \\\" hunter2\"",
            "{ id: s1, secret: hunter2, tag: x }",
            "\"secret\":\"hunter2\"",
            "secret:hunter2",
            "secret=hunter2",
            "X-Api-Key: hunter2",
            "Authorization: Bearer hunter2",
            "secret: |\n  one\n\n  hunter2\nnext: x",
            "secret:\n  hunter2\n",
            "- secret:\n    - hunter2",
            "keys:\n- hunter2",
            "keys: [ { id: a, value: hunter2 } ]",
            "keys: [ { id: a,\nvalue: hunter2",
            "password: {\nhunter2 }",
            "private_key: { file: x, value: hunter2 }",
            "? secret\n: hunter2",
            "start: http://user:hunter2@host/x",
            "start: \"http://user:hunter2 @host/x\"",
            "start: [ http://hunter2@host/x",
            "secret: { id: [ hunter2",
            "secret: \"open\nhunter2",
            "token: é hunter2",
            "\ttoken: hunter2",
            "keys: { state: [ { id: s1, secret: hunter2 } ] }",
            "keys: { state: hunter2 }",
            "keys:\n  state:\n    - { id: s1, secret: { file: s1 }, hunter2 }",
            "keys:\n  state:\n    - id: s1\n      secret: |\n        id: hunter2\n",
            "keys:\n  state:\n    - id: { hunter2 }",
            "keys: [ { id: a # hunter2",
            "verify: hunter2",
            "x:\n  -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
            "x: -----BEGIN EC PRIVATE KEY----- hunter2",
            "secret: { file: -----BEGIN hunter2 }",
            "secret:\n  file: a\n  hunter2",
            "secret: { env: hunter2 of mine }",
            "secret: { file: hunter2hunter2hunter2hunter2hunter2 }",
            "secret: { file: hunter2-Hunter2_hunter2-hunter2-hunter2 }",
            "secrets: hunter2",
            "secrets: { token: hunter2 }",
            "secrets: { token: { env: X }, hunter2 }",
            "secrets:\n  token: hunter2",
            "secrets:\n  token:\n    hunter2",
            "private_key_jwt: hunter2",
            "private_key_jwt: { key: hunter2, kid: a }",
            "private_key_jwt: { kid: hunter2hunter2hunter2hunter2hunter2 }",
            "authorization: \"Bearer hunter2 {{ secrets.token }}\"",
            "authorization: \"Bearer {{ hunter2 }}\"",
            "authorization: \"Bearer {{ secrets.hunter2 }}\"",
        ] {
            let masked = mask(text);
            assert!(!masked.contains("hunter2"), "{text:?} became {masked:?}");
            assert_eq!(masked.len(), text.len(), "{text:?}");
        }
    }

    #[test]
    fn the_rest_stays_readable() {
        for text in [
            "tag: digid\nstart: http://host/x",
            "private_key: { file: sign.pem }",
            "secret: { env: STATE_1 }",
            "name: Report a move",
            "secret:\n  file: /run/secrets/state-1.key\ntag: x",
            "private_key: { file: \"my keys/sign.pem\" }",
            "verify: { env: A_LONG_NAME_OF_A_VARIABLE_FOR_THE_CHAT_PLUGIN_2 }",
            "keys:\n  state:\n    - { id: s2, secret: { file: state-2 }, expires: 2027-01-31 }\n    - id: s1\n      secret: { env: STATE_1 }\n",
            "keys: { signing: [ { id: g1, private_key: { file: sign.pem } } ] }",
            "secrets: { token: { env: PIN_TOKEN }, pin: { file: pin-2 } }",
            "secrets:\n  token: { env: PIN_TOKEN }\n  pin:\n    file: pin-2\n",
            "private_key_jwt: { key: { file: sign.pem }, kid: town-1 }",
        ] {
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask("a: { token: ab, b: c }\nd: e"), "a: { token: *** ** * }\nd: e");
        assert_eq!(mask("secret: ab\ntag: c"), "secret: **\ntag: c");
        assert_eq!(mask("token: \"Bearer {{ secrets.token }}\""), "token: ******* {{ secrets.token }}*");
        assert_eq!(mask("http://u:p@h/x"), "http://***@h/x");
    }
}
