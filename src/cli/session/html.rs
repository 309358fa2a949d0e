//! As much of HTML as it takes to find forms and refreshes on the gateway's own pages, which quote every
//! attribute and escape every value.

/// What follows `<name` in each such tag, up to its end.
pub(super) fn tags<'h>(html: &'h str, name: &str) -> impl Iterator<Item = &'h str> {
    let start = format!("<{name}");
    let parts: Vec<_> = html.split(&start).skip(1).collect();
    let is_tag = |part: &&str| part.starts_with([' ', '>', '\n']);
    parts.into_iter().filter(is_tag).map(|part| part.split('>').next().unwrap_or_default())
}

/// The value of an attribute of a tag.
pub(super) fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!(" {name}=\"");
    let (_, rest) = tag.split_once(&start)?;
    Some(unescaped(rest.split('"').next().unwrap_or_default()))
}

/// The text between two marks, without tags.
pub(super) fn between(html: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = html.split_once(start)?;
    let (text, _) = rest.split_once(end)?;
    let texts = text.split('<').enumerate().map(|(number, part)| match part.split_once('>') {
        Some((_, text)) if number > 0 => text,
        _ => part,
    });
    Some(unescaped(texts.collect::<String>().trim()))
}

/// Character references, decimal or one of the five that XML has.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let referenced = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        let (character, after) = referenced.unwrap_or(('&', after));
        plain.push(character);
        rest = after;
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_and_unescaped() {
        let html = "<form method=\"post\" action=\"/a?b&#38;c\"><formal x=\"1\"><form\nid=\"2\">";
        let forms: Vec<_> = tags(html, "form").collect();
        assert_eq!(forms.len(), 2);
        assert_eq!(attribute(forms[0], "action").as_deref(), Some("/a?b&c"));
        assert_eq!(attribute(forms[0], "class"), None);
    }

    #[test]
    fn text_loses_its_tags_and_its_escapes() {
        assert_eq!(
            between("<p>A <b>x &#60; y</b> &c &nix; z</p>", "<p>", "</p>").unwrap(),
            "A x < y &c &nix; z"
        );
        assert_eq!(between("<p>", "<p>", "</p>"), None);
    }
}
