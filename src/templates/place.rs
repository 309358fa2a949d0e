//! Where in a URL the parts of a template stand (RFC 3986, section 3), and what may stand there.

use std::{fmt::Write, ops::Range};

use percent_encoding::percent_decode_str;

use super::{
    Filter, RenderError, TemplateError, TemplateProblem,
    parser::{Part, Placed},
};
use crate::model::path_segment;

/// What a byte of a URL belongs to, from its path on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    ParameterName,
    ParameterValue,
    Fragment,
}

/// Whether a URL may have a fragment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fragments {
    Allowed,
    Refused,
}

/// Checks the parts from the path on: literal text is a URL's, and expressions stand in segments, in the
/// values of parameters, or in the fragment. What they render to is encoded, so they stay there. Answers the
/// sample for [`check_rendered`].
pub(super) fn check(parts: &[Placed], fragments: Fragments) -> Result<String, TemplateError> {
    let mut place = Place::Path;
    for (part, range) in parts {
        match part {
            Part::Literal(text) => place = check_literal(text, range.start, place, fragments)?,
            Part::Expression(_) if place == Place::ParameterName => {
                return Err(TemplateProblem::ParameterName.at(range.clone()));
            }
            Part::Expression(expression) if expression.filters.last() == Some(&Filter::UrlEncode) => {
                return Err(TemplateProblem::EncodedTwice.at(range.clone()));
            }
            Part::Expression(_) => {}
        }
    }
    check_literal_segments(parts)
}

/// Checks a literal that begins in `place`; answers where it ends.
fn check_literal(
    text: &str,
    start: usize,
    mut place: Place,
    fragments: Fragments,
) -> Result<Place, TemplateError> {
    for (at, character) in text.char_indices() {
        let range = start + at..start + at + character.len_utf8();
        place = match (character, place) {
            ('?', Place::Path) | ('&', Place::ParameterName | Place::ParameterValue) => Place::ParameterName,
            ('=', Place::ParameterName) => Place::ParameterValue,
            ('#', Place::Fragment) => return Err(TemplateProblem::NotUrlCharacter.at(range)),
            ('#', _) if fragments == Fragments::Refused => return Err(TemplateProblem::Fragment.at(range)),
            ('#', _) => Place::Fragment,
            _ if is_url_text(character, text.get(at..).unwrap_or_default()) => place,
            _ => return Err(TemplateProblem::NotUrlCharacter.at(range)),
        };
    }
    Ok(place)
}

/// Whether a character may stand in path, query or fragment; `rest` begins with it.
fn is_url_text(character: char, rest: &str) -> bool {
    match character {
        '%' => rest.as_bytes().get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => character.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?".contains(character),
    }
}

/// Refuses segments that are wrong whatever the values are; answers the path in which each value is `x`.
fn check_literal_segments(parts: &[Placed]) -> Result<String, TemplateError> {
    let whole: Range<usize> = match (parts.first(), parts.last()) {
        (Some((_, first)), Some((_, last))) => first.start..last.end,
        _ => return Ok(String::new()),
    };
    let sample: String = parts
        .iter()
        .map(|(part, _)| match part {
            Part::Literal(text) => text.as_str(),
            Part::Expression(_) => "x",
        })
        .collect();
    let path = path_of(&sample);
    if has_names(path) { Ok(path.to_owned()) } else { Err(TemplateProblem::Segment.at(whole)) }
}

/// Refuses a rendered URL, from its path on, in whose path a value could lead a reader out of its segment,
/// or take the segment away. `sample` is the path in which each value is `x`.
pub(super) fn check_rendered(rendered: &str, sample: &str) -> Result<(), RenderError> {
    // Values have no `/` that is written out, so that both have the same segments. No number is less than
    // any number.
    let segments = path_of(rendered).split('/').zip(sample.split('/'));
    let keeps_names = |(rendered, sample): (&str, &str)| count_names(rendered) >= count_names(sample);
    if segments.into_iter().all(keeps_names) { Ok(()) } else { Err(RenderError::Unsafe) }
}

fn path_of(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Whether every segment names something below the one before it. An empty path is one, and so is a slash
/// at the end.
fn has_names(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return path.is_empty() };
    let mut segments = path.split('/').rev();
    let is_named = |segment: &str| count_names(segment).is_some_and(|count| count > 0);
    segments.next().is_some_and(|last| last.is_empty() || is_named(last)) && segments.all(is_named)
}

/// How many names a reader may find in a segment; `None` when it may find `.` or `..`. Servers such as
/// nginx decode `%2F` before they look for segments and merge empty ones; some take `\` for `/`; and Java
/// servers forget what follows `;`, some after decoding it.
fn count_names(segment: &str) -> Option<usize> {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    let mut count = 0;
    for piece in decoded.split(['/', '\\']) {
        match piece.split(';').next() {
            Some("." | "..") => return None,
            None | Some("") => {}
            Some(_) => count += 1,
        }
    }
    Some(count)
}

/// Writes a value with everything but RFC 3986's unreserved characters percent-encoded.
pub(super) fn push_encoded(output: &mut String, value: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(output, "{}", path_segment(value));
}
