//! Whatever the values are, they stay in their places.

use ::url::{Position, Url};
use proptest::prelude::*;

use super::{super::testing::value_of, *};

/// Texts of the pieces that break out of things, and of any characters.
fn value() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        ".",
        "..",
        "/",
        "\\",
        "%2e",
        "%2F",
        "/../",
        "\\..",
        "/..;",
        "%",
        "?",
        "#",
        "&",
        "=",
        ";",
        "+",
        " ",
        "\r\n",
        "\n",
        "\t",
        "\0",
        "\"",
        "'",
        "{{ purpose }}",
        "{%",
        "}}",
        "<",
        "@",
        ":",
        "//",
        "é",
        "\u{202e}",
        "\u{2028}",
        "😀",
        "a",
        "javascript:",
        "null",
        "1",
        "\u{7f}",
        ",",
    ];
    prop_oneof![
        prop::collection::vec(prop::sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat()),
        any::<String>(),
    ]
}

/// What stands between slashes that are merged. Some servers take `\` for `/`; some forget what follows `;`.
fn names(text: &str, forgets: bool) -> Vec<String> {
    let name =
        |piece: &str| if forgets { piece.split(';').next().unwrap_or_default() } else { piece }.to_owned();
    text.replace('\\', "/").split('/').map(name).filter(|name| !name.is_empty()).collect()
}

/// The path as nginx reads it, by another reader than the one under test: decoded before it is taken apart,
/// and dots resolved; `None` above the root.
fn resolved(path: &str, forgets: bool) -> Option<Vec<String>> {
    let mut above = Vec::new();
    for name in names(&decoded(path), forgets) {
        match &*name {
            "." => {}
            ".." => drop(above.pop()?),
            _ => above.push(name),
        }
    }
    Some(above)
}

/// Whether resolving dots leaves a reader as many names as the operator and the values wrote, each in its
/// segment.
fn stays(path: &str, segments: &[&str]) -> bool {
    [false, true].into_iter().all(|forgets| {
        let written = segments.iter().flat_map(|segment| names(segment, forgets)).collect();
        segments.iter().all(|segment| !names(segment, forgets).is_empty())
            && resolved(path, forgets) == Some(written)
    })
}

/// Whether one of these segments could be read as none, or holds what could be read as `.` or `..`.
fn are_unsafe(segments: &[&str]) -> bool {
    segments.iter().any(|segment| {
        let names = names(segment, true);
        names.is_empty() || names.iter().any(|name| name == "." || name == "..")
    })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Two values: `purpose`, and every other text.
struct Two<'a>(&'a str, &'a str);

impl Values for Two<'_> {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        Some(value_of(name, if name.root == "purpose" { self.0 } else { self.1 }))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_path_keeps_its_segments_and_parameters(first in value(), second in value()) {
        let template = "/a/{{ purpose }}/b-{{ start.id }}?q={{ start.id }}&r=x{{ purpose }}";
        let template = PathTemplate::parse(template, &scope()).expect("a path");
        let last = format!("b-{second}");
        let written = ["a", &first, &last];
        match template.render(&Two(&first, &second)) {
            Ok(path) => {
                prop_assert!(stays(path.split('?').next().expect("a path"), &written), "{:?}", path);
                let url = Url::parse(&format!("http://h{path}")).expect("a URL");
                let segments: Vec<_> = url.path_segments().expect("a path").map(decoded).collect();
                prop_assert_eq!(segments, written);
                let parameters: Vec<_> = url.query_pairs().into_owned().collect();
                let expected = [("q".to_owned(), second), ("r".to_owned(), format!("x{first}"))];
                prop_assert_eq!(parameters, expected);
                prop_assert_eq!(url.fragment(), None);
                prop_assert_eq!(&url[Position::BeforePath..], path);
            }
            Err(error) => prop_assert!(error == RenderError::Unsafe && are_unsafe(&written), "{:?}", written),
        }
    }

    #[test]
    fn a_url_keeps_everything_but_the_value(first in value(), second in value()) {
        let template = "https://meet.example.nl:8443/{{ purpose }}/x?jwt={{ start.id }}&y#/r/{{ purpose }}/{{ start.id }}";
        let template = UrlTemplate::parse(template, &scope()).expect("a URL");
        let rendered = template.render(&Two(&first, &second));
        // What is only text is what would have been taken apart.
        let text = template.text(&Two(&first, &second));
        prop_assert_eq!(text, rendered.clone().map(|url| url.as_str().to_owned()));
        match rendered {
            Ok(rendered) => {
                let url = rendered.web().expect("a web URL");
                prop_assert!(stays(url.path(), &[&first, "x"]), "{:?}", url.path());
                prop_assert_eq!(url.origin().ascii_serialization(), "https://meet.example.nl:8443");
                prop_assert!(url.username().is_empty() && url.password().is_none());
                let segments: Vec<_> = url.path_segments().expect("a path").map(decoded).collect();
                prop_assert_eq!(segments, [first.as_str(), "x"]);
                let parameters: Vec<_> = url.query_pairs().into_owned().collect();
                prop_assert_eq!(parameters, [("jwt".to_owned(), second.clone()), ("y".to_owned(), String::new())]);
                let fragment = url.fragment().expect("a fragment");
                let segments: Vec<_> = fragment.split('/').map(decoded).collect();
                prop_assert_eq!(segments, ["", "r", &first, &second]);
                prop_assert_eq!(url.as_str(), rendered.as_str());
            }
            Err(error) => prop_assert!(error == RenderError::Unsafe && are_unsafe(&[&first]), "{:?}", first),
        }
    }

    #[test]
    fn a_telephone_number_is_dialled_as_it_is_written(first in value()) {
        let template = UrlTemplate::parse("tel:+31201234567,,{{ purpose }}#", &scope()).expect("a number");
        let url = template.render(&Everything(&first)).expect("a number");
        let inner = url.as_str().strip_prefix("tel:+31201234567,,").and_then(|rest| rest.strip_suffix('#'));
        let inner = inner.expect("the operator's part");
        prop_assert_eq!(decoded(inner), first);
        prop_assert!(inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%+".contains(&byte)));
    }

    #[test]
    fn a_header_is_one_value(first in value()) {
        let template = Template::parse("Bearer {{ purpose }}", &scope()).expect("a text");
        let is_sendable = first.bytes().all(|byte| (32..127).contains(&byte)) && first.trim_end() == first;
        match template.header(&Everything(&first)) {
            Ok(header) => {
                prop_assert!(is_sendable);
                prop_assert_eq!(header.to_str().expect("ASCII"), format!("Bearer {first}"));
            }
            Err(error) => prop_assert!(error == RenderError::Unsafe && (!is_sendable || first.is_empty())),
        }
    }

    #[test]
    fn a_document_keeps_its_shape_and_types(first in value(), second in value()) {
        let string = |text| JsonTemplate::string(text, &scope()).expect(text);
        let template = JsonTemplate::Object(vec![
            ("whole".into(), string("{{ purpose }}")),
            ("inside".into(), string("a {{ start.id }} {{ purpose }}")),
            ("list".into(), JsonTemplate::List(vec![string("{{ start.count }}"), string("{{ start.id | tojson }}")])),
            ("all".into(), string("{{ attributes }}")),
        ]);
        let rendered = template.render(&Two(&first, &second)).expect("a document").to_string();
        let document: serde_json::Value = serde_json::from_str(&rendered).expect("JSON");
        let mut all = serde_json::Map::new();
        all.insert("email".into(), second.clone().into());
        all.insert(second.clone(), "x".into());
        prop_assert_eq!(document, json!({
            "whole": first,
            "inside": format!("a {second} {first}"),
            "list": [42, json!(second).to_string()],
            "all": all,
        }));
    }

    #[test]
    fn any_text_is_answered(text in "([{}]{2}|[a-z|.() '\"%#/?&=]|purpose|start\\.id|\\PC){0,12}", first in value()) {
        let scope = scope();
        if let Err(error) = Template::parse(&text, &scope) {
            prop_assert!(text.get(error.range.clone()).is_some(), "{:?}", error);
        }
        for prefix in ["", "/", "https://h/", "tel:"] {
            let text = format!("{prefix}{text}");
            if let Err(error) = PathTemplate::parse(&text, &scope) {
                prop_assert!(text.get(error.range.clone()).is_some(), "{:?}", error);
            }
            match UrlTemplate::parse(&text, &scope) {
                Ok(template) => drop(template.render(&Everything(&first))),
                Err(error) => prop_assert!(text.get(error.range.clone()).is_some(), "{:?}", error),
            }
        }
    }
}
