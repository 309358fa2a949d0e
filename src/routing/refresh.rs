//! The target of a `Refresh` header.
//!
//! May import: nothing outside `routing`.

use std::ops::Range;

use super::rewrite::{ClientView, Edit, Mapping};

impl Mapping {
    /// A `Refresh` header for the client, its URL mapped; `None` leaves it as it is.
    pub fn refresh(&self, value: &str, view: &ClientView<'_>) -> Option<String> {
        let target = target(value)?;
        let mapped = self.reference(value.get(target.clone())?, view)?;
        let mut edit = Edit::new(value);
        edit.replace(target, &mapped);
        edit.finish()
    }
}

/// Where the URL of a `Refresh` value stands: `5; url=…`, as browsers read it (HTML standard,
/// "shared declarative refresh steps"): `;`, `,` or a space, `url` in any case and optional, spaces around
/// the sign, optional quotes of either kind.
fn target(value: &str) -> Option<Range<usize>> {
    let after_time = value.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after_time.len() == value.trim_start().len() || !after_time.starts_with([';', ',', ' ', '\t']) {
        return None;
    }
    let rest = after_time.trim_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start();
    let rest = after_url_sign(rest).unwrap_or(rest);
    let (rest, length) = match rest.chars().next()? {
        quote @ ('"' | '\'') => {
            let rest = rest.get(1..)?;
            (rest, rest.find(quote).unwrap_or(rest.len()))
        }
        _ => (rest, rest.trim_end().len()),
    };
    let start = value.len() - rest.len();
    Some(start..start + length)
}

fn after_url_sign(text: &str) -> Option<&str> {
    let (name, rest) = text.split_at_checked("url".len())?;
    let rest = rest.trim_start().strip_prefix('=')?;
    name.eq_ignore_ascii_case("url").then_some(rest.trim_start())
}
