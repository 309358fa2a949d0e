//! Hides secrets in text that people will see. It works on the bare text, not on parsed YAML, so
//! that a file that is not YAML at all gives nothing away either. When in doubt it hides more.
//! May import: nothing.

/// Words that mark a key, or a header's name, as one that holds a secret.
const SENSITIVE: [&str; 8] =
    ["secret", "password", "passwd", "passphrase", "token", "key", "authorization", "cookie"];

/// Whether a value of this name is to be hidden.
pub fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.iter().any(|word| name.contains(word))
}

/// The text with the value of every sensitive key, and the userinfo of every URL, replaced by
/// asterisks. Each byte keeps its place; line breaks stay.
pub fn mask(text: &str) -> String {
    let mut hidden = vec![false; text.len()];
    let mut done = 0;
    for (colon, indentation) in sensitive_keys(text) {
        if colon >= done {
            done = value_end(text, colon, indentation);
            hide(&mut hidden, colon, done);
        }
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

/// Where values of sensitive keys start (after `:` or `=`), with the indentation of their line.
fn sensitive_keys(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t', '-', '?']).len();
        for (offset, _) in line.match_indices([':', '=']) {
            let before = line[..offset].trim_end().trim_end_matches(['"', '\'']);
            let is_key_character = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
            let key = &before[before.trim_end_matches(is_key_character).len()..];
            if is_sensitive(key) {
                found.push((line_start + offset + 1, indentation));
            }
        }
        // `? secret`, with the value on the next line.
        if line.trim_start().starts_with("? ") && is_sensitive(line) {
            found.push((line_start + line.len(), indentation.saturating_sub(2)));
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
    if is_reference(line) {
        return start;
    }
    match flow_end(rest) {
        FlowEnd::At(offset) => start + offset,
        FlowEnd::Open => text.len(),
        FlowEnd::None => start + line.len() + deeper_lines(&rest[line.len()..], indentation),
    }
}

/// `{ file: x }` and `{ env: X }` name a secret and hold none.
fn is_reference(line: &str) -> bool {
    let content = line.trim_start().strip_prefix('{').and_then(|inner| inner.split_once('}'));
    content.and_then(|(content, _)| content.split_once(':')).is_some_and(|(key, name)| {
        matches!(key.trim(), "file" | "env") && !name.contains([',', '{', '"', '\'', ':'])
    })
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
        ] {
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask("a: { token: ab, b: c }\nd: e"), "a: { token: *** ** * }\nd: e");
        assert_eq!(mask("secret: ab\ntag: c"), "secret: **\ntag: c");
        assert_eq!(mask("http://u:p@h/x"), "http://***@h/x");
    }
}
