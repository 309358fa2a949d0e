//! Secrets that are written out in templates, where one should be named. For the configuration as it is
//! in force, and to warn of them.
//! May import: `mask`, `known`.

use super::{anywhere::SCHEMES, is_sensitive};

/// What stands for a value that nobody is to see.
pub const MASKED: &str = "***";

/// A text under this name, such as the value of a header: without what may be a secret.
pub fn shown_text(name: &str, text: &str) -> String {
    let scheme = SCHEMES
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let (scheme, value) = text.split_at(scheme.map_or(0, |scheme| scheme.len()));
    let is_secret = match (scheme, is_sensitive(name)) {
        // Nothing but expressions belongs there.
        (scheme, _) if !scheme.is_empty() => !outside(value).trim().is_empty() || has_literal(value),
        (_, sensitive) => sensitive && is_written_out(value),
    };
    if is_secret { format!("{scheme}{MASKED}") } else { text.to_owned() }
}

/// A path or a URL: without the values of parameters that may be secrets.
pub fn shown_url(text: &str) -> String {
    let Some((path, query)) = text.split_once('?') else { return text.to_owned() };
    let (query, fragment) = query.split_at(query.find('#').unwrap_or(query.len()));
    let shown = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, value)) if is_sensitive(name) && is_written_out(value) => format!("{name}={MASKED}"),
        _ => parameter.to_owned(),
    });
    format!("{path}?{}{fragment}", shown.collect::<Vec<_>>().join("&"))
}

/// Whether a value is there without a name for it: as it is, or in an expression.
fn is_written_out(value: &str) -> bool {
    !value.is_empty() && !value.contains("{{") || has_literal(value)
}

/// The text without its expressions.
fn outside(text: &str) -> String {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_owned(), |outside, part| outside + part.split_once("}}").map_or("", |(_, rest)| rest))
}

/// Whether an expression holds a text, such as `{{ x | default('text') }}`. A name may be quoted
/// too (`attributes.'first name'`), and what joins a list has no letters.
fn has_literal(text: &str) -> bool {
    let mut expressions = text.split("{{").skip(1).filter_map(|part| part.split("}}").next());
    expressions.any(|mut rest| {
        while let Some(at) = rest.find(['"', '\'']) {
            let (before, quoted) = rest.split_at(at);
            let (quote, quoted) = quoted.split_at(1);
            let (literal, after) = quoted.split_once(quote).unwrap_or((quoted, ""));
            if !before.ends_with('.') && literal.contains(char::is_alphanumeric) {
                return true;
            }
            rest = after;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_where_a_secret_belongs_is_not_shown() {
        for (name, text, shown) in [
            ("x-token", "hunter2", "***"),
            ("x-token", "{{ 'hunter2' }}", "***"),
            ("x-token", "{{ secrets.token | default(\"hunter2\") }}", "***"),
            ("authorization", "Bearer hunter2", "Bearer ***"),
            ("x-auth", "bearer hunter2", "bearer ***"),
            ("x-auth", "Basic {{ secrets.token }}hunter2", "Basic ***"),
            ("x-auth", "Basic {{ 'hunter2' }}", "Basic ***"),
        ] {
            assert_eq!(shown_text(name, text), shown);
        }
        for (name, text) in [
            ("x-token", ""),
            ("x-token", "{{ secrets.token | default('') }}"),
            ("x-token", "v1 {{ secrets.token }}"),
            ("cookie", "{{ attributes.'first name' | join(', ') }}"),
            ("authorization", "Bearer {{ secrets.token }}"),
            ("x-tenant", "utrecht {{ 'x' }}"),
            ("x-é", "béarer"),
        ] {
            assert_eq!(shown_text(name, text), text);
        }
    }

    #[test]
    fn parameters_are_told_apart() {
        let url = "https://key.nl:8443/secret?a=b&api_key=hunter2&token={{ secrets.token }}&key={{ 'hunter2' }}#key=x";
        let shown = "https://key.nl:8443/secret?a=b&api_key=***&token={{ secrets.token }}&key=***#key=x";
        assert_eq!(shown_url(url), shown);
        for text in ["", "?", "/a", "/a?key", "/a?key=", "/a?b=c&{{ purpose }}", "tel:+31#"] {
            assert_eq!(shown_url(text), text);
        }
    }
}
