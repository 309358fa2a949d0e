//! Selections from JSON documents that strangers wrote: replies of services, and claims.

use std::{borrow::Cow, fmt};

use serde_json::Value;
use serde_json_path::JsonPath;

use super::value::number_text;

/// Longest selection or name of a claim, in bytes.
const MAX_SOURCE: usize = 1024;

/// Brackets and parentheses may be nested so deep; parsing deeper ones can take very long.
const MAX_NESTING: usize = 4;

/// What is wrong with a selection, and at which byte of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SelectionError {
    pub at: usize,
    pub problem: SelectionProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SelectionProblem {
    #[error("it is longer than {MAX_SOURCE} bytes")]
    TooLong,
    #[error("it is not a JSONPath as RFC 9535 has it, such as `$.person.mail` or `$['e-mail']`")]
    NotAPath,
    #[error("brackets are nested more than {MAX_NESTING} deep")]
    TooDeep,
    #[error("`..` may stand in it once: more of them can take very long in a large reply")]
    Descents,
    #[error("`?` may stand in it once: more of them can take very long in a large reply")]
    Filters,
    #[error("`$` stands at the beginning only")]
    Root,
    #[error("it is empty")]
    Empty,
    #[error("`~` is followed by 0 or 1 in a JSON pointer: `~0` is `~`, and `~1` is `/`")]
    Escape,
}

impl SelectionProblem {
    fn at(self, at: usize) -> SelectionError {
        SelectionError { at, problem: self }
    }
}

/// Selects one node of a document (RFC 9535). Of its grammar, what could make a short selection take
/// long in a large document is refused: see [`SelectionProblem`]. The functions `match` and `search` do
/// not exist, since they take their patterns from the document.
#[derive(Clone)]
pub struct Selection {
    source: String,
    path: JsonPath,
}

impl Selection {
    pub fn parse(text: &str) -> Result<Self, SelectionError> {
        if text.len() > MAX_SOURCE {
            return Err(SelectionProblem::TooLong.at(MAX_SOURCE));
        }
        bound_cost(text)?;
        let path = JsonPath::parse(text)
            .map_err(|error| SelectionProblem::NotAPath.at(error.position().min(text.len())))?;
        Ok(Self { source: text.to_owned(), path })
    }

    /// The one node; `None` when there is none, or more than one.
    pub fn select<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.path.query(document).exactly_one().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Selection {}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selection({:?})", self.source)
    }
}

/// Each `..` and each filter visits the whole document, for every node that the parts before it select;
/// `$` inside a filter starts anew for each.
fn bound_cost(text: &str) -> Result<(), SelectionError> {
    let (mut nesting, mut descents, mut filters) = (0_usize, 0, 0);
    let mut quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(end), _) if character == end => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '(') => nesting += 1,
            (None, ']' | ')') => nesting = nesting.saturating_sub(1),
            (None, '?') => filters += 1,
            (None, '$') if at > 0 => return Err(SelectionProblem::Root.at(at)),
            (None, '.') if characters.next_if(|(_, next)| *next == '.').is_some() => descents += 1,
            _ => {}
        }
        for (count, most, problem) in [
            (nesting, MAX_NESTING, SelectionProblem::TooDeep),
            (descents, 1, SelectionProblem::Descents),
            (filters, 1, SelectionProblem::Filters),
        ] {
            if count > most {
                return Err(problem.at(at));
            }
        }
    }
    Ok(())
}

/// As a claim or an attribute is made text: strings as they are, numbers and booleans as JSON writes
/// them. `None` for null, lists and objects, and for numbers that have no text ([`number_text`]).
pub fn scalar_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => number_text(number).map(Cow::Owned),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A claim by its name, or by a JSON pointer (RFC 6901) when it begins with `/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimPath {
    /// The claim's name, then what leads into it; never empty.
    tokens: Vec<String>,
}

impl ClaimPath {
    pub fn parse(text: &str) -> Result<Self, SelectionError> {
        if text.is_empty() {
            return Err(SelectionProblem::Empty.at(0));
        }
        if text.len() > MAX_SOURCE {
            return Err(SelectionProblem::TooLong.at(MAX_SOURCE));
        }
        let Some(pointer) = text.strip_prefix('/') else {
            return Ok(Self { tokens: vec![text.to_owned()] });
        };
        if let Some((at, _)) = text.match_indices('~').find(|(at, _)| !is_escape(text, *at)) {
            return Err(SelectionProblem::Escape.at(at));
        }
        // In this order, so that `~01` is `~1` (RFC 6901, section 4).
        let tokens = pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
        Ok(Self { tokens: tokens.collect() })
    }

    /// The claim; `None` when there is none.
    pub fn select<'v>(&self, claims: &'v Value) -> Option<&'v Value> {
        self.tokens.iter().try_fold(claims, |value, token| match value {
            Value::Object(members) => members.get(token),
            Value::Array(items) => items.get(index(token)?),
            _ => None,
        })
    }

    /// The name of the claim that holds what is selected.
    pub fn claim(&self) -> &str {
        self.tokens.first().map_or("", String::as_str)
    }
}

/// As [`ClaimPath::parse`] reads it.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.tokens {
            [name] if !name.is_empty() && !name.starts_with('/') => f.write_str(name),
            tokens => tokens
                .iter()
                .try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1"))),
        }
    }
}

fn is_escape(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1'))
}

/// Digits without leading zeros (RFC 6901, section 4).
fn index(token: &str) -> Option<usize> {
    let is_index =
        token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    token.parse().ok().filter(|_| is_index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selection_finds_one_node() {
        let document = json!({
            "id": "a1", "person": { "mail": "m", "e-mail": "n" }, "list": [1, 2], "one": [{ "x": true }],
            "keys": [{ "use": "sig", "kid": 1 }, { "use": "enc", "kid": 2 }],
        });
        for (path, expected) in [
            ("$.id", Some(json!("a1"))),
            ("$", Some(document.clone())),
            ("$.person.mail", Some(json!("m"))),
            ("$.person['e-mail']", Some(json!("n"))),
            ("$.list[-1]", Some(json!(2))),
            ("$.one[*].x", Some(json!(true))),
            ("$..mail", Some(json!("m"))),
            ("$.keys[?@.use == 'enc'].kid", Some(json!(2))),
            ("$.keys[?length(@.use) == 3 && @['kid'] > 1].kid", Some(json!(2))),
            ("$.list[*]", None),
            ("$.none", None),
            ("$.id.x", None),
            ("$.keys[?@.use == 'no'].kid", None),
        ] {
            let selection = Selection::parse(path).expect(path);
            assert_eq!(selection.select(&document), expected.as_ref(), "{path}");
        }
        assert_eq!(Selection::parse("$.a"), Selection::parse("$.a"));
        assert_ne!(Selection::parse("$.a"), Selection::parse("$['a']"));
    }

    #[test]
    fn a_broken_selection_is_refused_at_its_place() {
        use SelectionProblem::*;
        for (path, at, problem) in [
            ("", 0, NotAPath),
            ("id", 0, NotAPath),
            ("$.", 2, NotAPath),
            ("$.a b", 3, NotAPath),
            ("$.a[", 3, NotAPath),
            ("$.é.a[?", 8, NotAPath),
            ("$..a..b", 4, Descents),
            ("$[?@.a[?@.b]]", 7, Filters),
            ("$[?@ == $.b]", 8, Root),
            ("$[?((((@.a))))]", 6, TooDeep),
            ("$[?match(@.a, 'x')]", 3, NotAPath),
            ("$[?search(@.a, @.b)]", 3, NotAPath),
        ] {
            assert_eq!(Selection::parse(path), Err(problem.at(at)), "{path}");
        }
        for path in ["$['a..b..c$?'].d", r"$['\'..'][?@.x]..a", "$[?((@.a))]"] {
            assert!(Selection::parse(path).is_ok(), "{path}");
        }
        assert_eq!(Selection::parse(&"$".repeat(MAX_SOURCE + 1)).unwrap_err(), TooLong.at(MAX_SOURCE));
    }

    #[test]
    fn a_claim_is_named_or_pointed_to() {
        let claims = json!({
            "email": "m", "address": { "locality": "Delft", "a/b": 1, "m~n": 2, "~1": 3, "": 4 }, "groups": ["a", "b"],
            "https://example.nl/role": "clerk", "0": "zero",
        });
        for (path, expected) in [
            ("email", Some(json!("m"))),
            ("/email", Some(json!("m"))),
            ("https://example.nl/role", Some(json!("clerk"))),
            ("/https:~1~1example.nl~1role", Some(json!("clerk"))),
            ("/address/locality", Some(json!("Delft"))),
            ("/address/a~1b", Some(json!(1))),
            ("/address/m~0n", Some(json!(2))),
            ("/address/~01", Some(json!(3))),
            ("/address/", Some(json!(4))),
            ("/groups/0", Some(json!("a"))),
            ("/groups/1", Some(json!("b"))),
            ("/0", Some(json!("zero"))),
            ("/groups/01", None),
            ("/groups/+1", None),
            ("/groups/-", None),
            ("/groups/2", None),
            ("/groups/", None),
            ("/email/x", None),
            ("address.locality", None),
            ("/", None),
        ] {
            let claim = ClaimPath::parse(path).expect(path);
            assert_eq!(claim.select(&claims), expected.as_ref(), "{path}");
        }
        assert_eq!(
            ClaimPath::parse("/address/locality").map(|path| path.claim().to_owned()),
            Ok("address".into())
        );
        for (path, at, problem) in [
            ("", 0, SelectionProblem::Empty),
            ("/a~", 2, SelectionProblem::Escape),
            ("/é~2", 3, SelectionProblem::Escape),
        ] {
            assert_eq!(ClaimPath::parse(path), Err(problem.at(at)), "{path}");
        }
        assert!(ClaimPath::parse("a~b").is_ok());
    }

    #[test]
    fn scalars_have_a_text() {
        for (value, expected) in [
            (json!("a"), Some("a")),
            (json!(""), Some("")),
            (json!(1980), Some("1980")),
            (json!(-1.5), Some("-1.5")),
            (json!(true), Some("true")),
            (json!(false), Some("false")),
            (json!(null), None),
            (json!([1]), None),
            (json!({ "a": 1 }), None),
        ] {
            assert_eq!(scalar_text(&value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_number_has_a_text_when_it_is_nobody_elses() {
        for (written, expected) in [
            ("9007199254740993", Some("9007199254740993")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("-9223372036854775808", Some("-9223372036854775808")),
            ("18446744073709551616", None),
            ("-9223372036854775809", None),
            ("12345678901234567890123", None),
            ("1e22", None),
            ("1e-7", None),
            // The parser makes it …990.0.
            ("9007199254740991.0", None),
            ("1234567890123456.5", None),
            ("-12345678901234.5", Some("-12345678901234.5")),
            ("123456789012345.5", None),
            ("0.1", Some("0.1")),
            ("1.0", Some("1.0")),
            ("-52.0907", Some("-52.0907")),
        ] {
            let value: Value = serde_json::from_str(written).expect(written);
            assert_eq!(scalar_text(&value).as_deref(), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn a_whole_number_is_nobody_elses(written in "-?[1-9][0-9]{0,40}") {
            let value: Value = serde_json::from_str(&written).expect("a number");
            if let Some(text) = scalar_text(&value) {
                prop_assert_eq!(text, written);
            }
        }

        #[test]
        fn a_short_fraction_is_what_was_written(written in "-?(0|[1-9][0-9]{0,9})\\.[0-9]{0,4}[1-9]") {
            let value: Value = serde_json::from_str(&written).expect("a number");
            let text = scalar_text(&value).map(Cow::into_owned);
            prop_assert_eq!(text, Some(written));
        }

        #[test]
        fn a_number_has_no_exponent(written in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?(e-?[0-9]{1,2})?") {
            let value: Value = serde_json::from_str(&written).expect("a number");
            prop_assert!(scalar_text(&value).is_none_or(|text| !text.contains(['e', 'E'])));
        }

        #[test]
        fn any_text_is_answered(text in "\\$?([$.@?*\\[\\]()'\"\\\\:,&|!<>= ~/]|\\.\\.|\\[\\?|[a-z0-9é]|length\\(){0,24}") {
            match Selection::parse(&text) {
                Ok(selection) => drop(selection.select(&json!({ "a": [1, { "b": [] }] })).map(scalar_text)),
                Err(error) => prop_assert!(error.at <= text.len()),
            }
            if let Ok(path) = ClaimPath::parse(&text) {
                let _ = path.select(&json!({ "a": [1] }));
            }
        }

        #[test]
        fn a_pointer_points_where_serde_says(text in "(/(a|b|0|1|01|-|~0|~1|)){1,4}") {
            let claims = json!({ "a": [1, { "b": [] }], "b": { "~": { "/": 1 }, "": { "": 2 } }, "0": 1, "": 3 });
            let path = ClaimPath::parse(&text).expect("a pointer");
            prop_assert_eq!(path.select(&claims), claims.pointer(&text));
        }
    }
}
