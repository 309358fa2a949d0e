//! Where in a URL the parts of a template stand (RFC 3986, section 3), and what may stand there.

use std::{fmt::Write, ops::Range};

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
/// values of parameters, or in the fragment. What they render to is encoded, so they stay there.
pub(super) fn check(parts: &[Placed], fragments: Fragments) -> Result<(), TemplateError> {
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

/// Refuses segments that are wrong whatever the values are.
fn check_literal_segments(parts: &[Placed]) -> Result<(), TemplateError> {
    let whole: Range<usize> = match (parts.first(), parts.last()) {
        (Some((_, first)), Some((_, last))) => first.start..last.end,
        _ => return Ok(()),
    };
    let sample: String = parts
        .iter()
        .map(|(part, _)| match part {
            Part::Literal(text) => text.as_str(),
            Part::Expression(_) => "x",
        })
        .collect();
    if has_safe_segments(path_of(&sample), true) { Ok(()) } else { Err(TemplateProblem::Segment.at(whole)) }
}

/// Refuses a rendered URL, from its path on, in whose path a value made a segment empty or dots.
/// `ends_with_slash`: the operator wrote a slash at the end of the path.
pub(super) fn check_rendered(rendered: &str, ends_with_slash: bool) -> Result<(), RenderError> {
    if has_safe_segments(path_of(rendered), ends_with_slash) { Ok(()) } else { Err(RenderError::Unsafe) }
}

/// Whether the path of these parts ends with a slash that is written out.
pub(super) fn ends_with_slash(parts: &[Placed]) -> bool {
    let mut last = None;
    for (part, _) in parts {
        match part {
            Part::Expression(_) => last = None,
            Part::Literal(text) => {
                let path = path_of(text);
                last = path.chars().next_back().or(last);
                if path.len() < text.len() {
                    break;
                }
            }
        }
    }
    last == Some('/')
}

fn path_of(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Whether every segment names something below the one before it, for any reader. An empty path is one.
fn has_safe_segments(path: &str, may_end_with_slash: bool) -> bool {
    let Some(path) = path.strip_prefix('/') else { return path.is_empty() };
    let mut segments = path.split('/').rev();
    let last_is_safe = segments.next().is_some_and(|last| match last {
        "" => may_end_with_slash,
        _ => !is_dots(last),
    });
    last_is_safe && segments.all(|segment| !segment.is_empty() && !is_dots(segment))
}

/// Whether a reader may take a segment for `.` or `..`: encoded dots are dots, and Java servers take
/// `..;x` for `..`, some after decoding `%3b`.
fn is_dots(segment: &str) -> bool {
    let mut dots = 0;
    let mut rest = segment;
    while let Some(after) = strip_character(rest, '.', "%2e") {
        dots += 1;
        rest = after;
    }
    matches!(dots, 1 | 2) && (rest.is_empty() || strip_character(rest, ';', "%3b").is_some())
}

/// What follows a character, be it plain or encoded.
fn strip_character<'t>(text: &'t str, plain: char, encoded: &str) -> Option<&'t str> {
    let is_encoded = || text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(encoded));
    text.strip_prefix(plain).or_else(|| is_encoded().then(|| text.get(3..).unwrap_or_default()))
}

/// Writes a value with everything but RFC 3986's unreserved characters percent-encoded.
pub(super) fn push_encoded(output: &mut String, value: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(output, "{}", path_segment(value));
}
