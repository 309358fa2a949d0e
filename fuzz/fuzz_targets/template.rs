//! Whatever an operator writes as a template, with whatever a stranger gives as a value. The first byte
//! says what is written: `0` a text or header, `1` a path, `2` a URL, `3` a string of a JSON document. The
//! template ends at a NUL; the value follows.
#![no_main]

use std::sync::LazyLock;

use id_contact_gateway::{
    model::PluginUrl,
    templates::{
        JsonTemplate, Kind, MAX_TEXT, Name, PathTemplate, Scope, Template, TemplateError, UrlTemplate, Value,
        Values,
    },
};
use libfuzzer_sys::fuzz_target;

static SCOPE: LazyLock<Scope> = LazyLock::new(|| {
    let members = [("id", Kind::Text), ("login", Kind::Url), ("count", Kind::Number)];
    Scope::new()
        .value("purpose")
        .list("fields")
        .url("return_url")
        .members("start", members.map(|(name, kind)| (name.to_owned(), kind)))
        .map("attributes", None)
});

/// Every text is the same.
struct All<'a>(&'a str);

impl Values for All<'_> {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        Some(match (name.root.as_str(), name.member.as_deref()) {
            ("fields", _) => Value::List(vec![self.0, self.0]),
            ("attributes", None) => Value::Map(vec![(self.0, self.0)]),
            ("start", Some("count")) => Value::Number(7.into()),
            ("attributes", Some("none")) => return None,
            _ => Value::text(self.0),
        })
    }
}

/// What the values must not change: the number of slashes in the path, what is no value in the query,
/// and whether there is a fragment.
fn shape(text: &str) -> (usize, Option<Vec<String>>, bool) {
    let (before, fragment) =
        text.split_once('#').map_or((text, None), |(before, after)| (before, Some(after)));
    let (path, query) = before.split_once('?').map_or((before, None), |(path, query)| (path, Some(query)));
    let key = |pair: &str| pair.split_once('=').map_or(pair.to_owned(), |(key, _)| format!("{key}="));
    (path.matches('/').count(), query.map(|query| query.split('&').map(key).collect()), fragment.is_some())
}

/// The path as servers such as nginx take it apart, which decode it first: each of the operator's segments
/// has a name, even where slashes are merged, and no name is dots. Some servers take `\` for `/`; some forget
/// what follows `;`.
fn assert_stays(path: &str) {
    let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let decoded = decoded(segment.as_bytes());
        let names = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
        let names = names.map(|name| name.split(|byte| *byte == b';').next().unwrap_or_default());
        assert!(names.clone().all(|name| name != b"." && name != b".."), "{path}");
        let may_be_empty = at + 1 == segments.len() && segment.is_empty();
        assert!(may_be_empty || names.clone().any(|name| !name.is_empty()), "{path}");
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter().copied();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let mut output = Vec::new();
    while let Some(byte) = bytes.next() {
        output.push(match byte {
            // What renders has no `%` without two digits.
            b'%' => 16 * digit(bytes.next().unwrap()) + digit(bytes.next().unwrap()),
            byte => byte,
        });
    }
    output
}

fn parsed<T>(text: &str, result: Result<T, TemplateError>) -> Option<T> {
    // The place of a mistake can be shown.
    result.map_err(|error| assert!(text.get(error.range.clone()).is_some(), "{error:?}")).ok()
}

fn text(text: &str, value: &str) {
    let Some(template) = parsed(text, Template::parse(text, &SCOPE)) else { return };
    if let Ok(rendered) = template.text(&All(value)) {
        assert!(rendered.len() <= MAX_TEXT);
        assert_eq!(template.text(&All(value)).as_ref(), Ok(&rendered));
    }
    if let Ok(header) = template.header(&All(value)) {
        assert!(header.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
        assert_eq!(template.text(&All(value)).as_deref(), Ok(header.to_str().unwrap()));
    }
}

fn path(text: &str, value: &str) {
    let Some(template) = parsed(text, PathTemplate::parse(text, &SCOPE)) else { return };
    let Ok(path) = template.render(&All(value)) else { return };
    let url = PluginUrl::parse_client_url(format!("http://h{path}")).unwrap();
    let url = url.web().unwrap();
    assert_eq!((url.host_str(), url.fragment()), (Some("h"), None));
    // Nothing was left for the URL standard to mend, so there are no dot segments.
    assert_eq!(url.path(), path.split('?').next().unwrap());
    assert_stays(url.path());
    if let Ok(sample) = template.render(&All("x")) {
        assert_eq!(shape(&path), shape(&sample));
    }
}

fn url(text: &str, value: &str) {
    let Some(template) = parsed(text, UrlTemplate::parse(text, &SCOPE)) else { return };
    let Ok(url) = template.render(&All(value)) else { return };
    let is_whole = text.starts_with("{{");
    let Some(web) = url.web() else { return assert!(is_whole || template.is_telephone()) };
    assert!(web.username().is_empty() && web.password().is_none());
    if is_whole {
        return assert_eq!(url.as_str(), value);
    }
    assert_stays(web.path());
    if let Ok(sample) = template.render(&All("x")) {
        let parsed_sample = sample.web().unwrap();
        assert_eq!(web.origin(), parsed_sample.origin());
        assert_eq!(shape(url.as_str()), shape(sample.as_str()));
        assert_eq!(web.path_segments().unwrap().count(), parsed_sample.path_segments().unwrap().count());
    }
}

fn json(text: &str, value: &str) {
    let Some(template) = parsed(text, JsonTemplate::string(text, &SCOPE)) else { return };
    let document = JsonTemplate::List(vec![template.clone(), JsonTemplate::Null]);
    let Ok(rendered) = document.render(&All(value)) else { return };
    let read: serde_json::Value = serde_json::from_str(&rendered.to_string()).unwrap();
    assert_eq!(read, rendered);
    assert!(read.as_array().is_some_and(|items| items.len() == 2 && items[1].is_null()));
    let JsonTemplate::String(inner) = &template else { unreachable!("it was made of a string") };
    match inner.whole().map(|expression| expression.kind()) {
        Some(Kind::List) => assert!(read[0].is_array()),
        Some(Kind::Map) => assert!(read[0].is_object()),
        Some(_) => assert!(!read[0].is_array() && !read[0].is_object()),
        None => assert!(read[0].is_string()),
    }
}

fuzz_target!(|data: &[u8]| {
    let data = String::from_utf8_lossy(data);
    let Some((template, value)) = data.split_once('\0') else { return };
    let mut characters = template.chars();
    match (characters.next(), characters.as_str()) {
        (Some('0'), template) => text(template, value),
        (Some('1'), template) => path(template, value),
        (Some('2'), template) => url(template, value),
        (Some(_), template) => json(template, value),
        (None, _) => {}
    }
});
