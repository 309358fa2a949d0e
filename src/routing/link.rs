//! Targets in `Link` headers.
//!
//! May import: nothing outside `routing`.

use std::ops::Range;

use super::rewrite::{ClientView, Edit, Mapping};

impl Mapping {
    /// A `Link` header (RFC 8288, section 3) for the client: the targets between `<` and `>` are
    /// mapped, parameters stay. `None` leaves it as it is.
    pub fn link(&self, value: &str, view: &ClientView<'_>) -> Option<String> {
        let mut edit = Edit::new(value);
        let mut position = 0;
        while let Some(target) = next_target(value, position) {
            position = end_of_parameters(value, target.end);
            if let Some(mapped) = value.get(target.clone()).and_then(|target| self.reference(target, view)) {
                edit.replace(target, &mapped);
            }
        }
        edit.finish()
    }
}

/// Where the target of the first link at or after a position starts and ends. Links stand at the
/// start of the value and after each comma; whatever else stands there ends the search.
fn next_target(value: &str, position: usize) -> Option<Range<usize>> {
    let rest = value.get(position..)?;
    let link = rest.trim_start_matches([' ', '\t', ',']).strip_prefix('<')?;
    let start = value.len() - link.len();
    link.find('>').map(|length| start..start + length)
}

/// The comma that ends a link, or the end of the value; a quoted string may hold commas and
/// escaped quotes (RFC 9110, section 5.6.4).
fn end_of_parameters(value: &str, position: usize) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in value.bytes().enumerate().skip(position) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return index,
            _ => {}
        }
    }
    value.len()
}
