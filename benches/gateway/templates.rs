//! What adapters pay to render what was compiled when the configuration was read, and to select from a
//! reply.

use std::{borrow::Cow, hint::black_box};

use criterion::Criterion;
use id_contact_gateway::templates::{
    JsonTemplate, Kind, Name, PathTemplate, Scope, Selection, Template, UrlTemplate, Value, Values,
};

/// A session's values, found by name as an adapter finds them.
struct Session;

impl Values for Session {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        let text = match (name.root.as_str(), name.member.as_deref()) {
            ("purpose", None) => "report_move",
            ("room", None) => "report_move-8f2c6d7e9a",
            ("return_url", None) => "https://contact.example.nl/auth/pin/return/eyJhbGciOiJkaXIi",
            ("start", Some("id")) => "0f1e2d3c4b5a6978",
            ("secrets", Some("token")) => "c2VjcmV0LXRva2Vu",
            ("attributes", Some("fullname")) => "Jan-Peter van 't Hof",
            _ => return None,
        };
        Some(Value::Text(Cow::Borrowed(text)))
    }
}

fn scope() -> Scope {
    Scope::new()
        .value("purpose")
        .value("room")
        .url("return_url")
        .members("start", [("id".to_owned(), Kind::Text)])
        .members("secrets", [("token".to_owned(), Kind::Text)])
        .map("attributes", None)
}

pub fn rendering(criterion: &mut Criterion) {
    let scope = scope();
    let mut group = criterion.benchmark_group("template");

    let path = PathTemplate::parse("/api/sessions/{{ start.id }}", &scope).expect("a path");
    group.bench_function("path, one name", |b| b.iter(|| black_box(&path).render(&Session).expect("a path")));

    let url = "https://meet.example.nl/{{ room }}?name={{ attributes.fullname | trim }}";
    let url = UrlTemplate::parse(url, &scope).expect("a URL");
    group.bench_function("url, two names and a filter", |b| {
        b.iter(|| black_box(&url).text(&Session).expect("a URL"));
    });

    let header = Template::parse("Bearer {{ secrets.token }}", &scope).expect("a text");
    group.bench_function("header, one name", |b| {
        b.iter(|| black_box(&header).header(&Session).expect("a header"));
    });

    let string = |text| JsonTemplate::string(text, &scope).expect("a string");
    let body = JsonTemplate::Object(vec![
        ("return".into(), string("{{ return_url }}")),
        ("name".into(), string("{{ attributes.fullname }}")),
        ("topic".into(), string("about {{ purpose }}")),
    ]);
    group.bench_function("json, three names", |b| {
        b.iter(|| black_box(&body).render(&Session).expect("a document"));
    });
    group.bench_function("json, three names, as bytes", |b| {
        b.iter(|| serde_json::to_vec(&black_box(&body).render(&Session).expect("a document")).expect("JSON"));
    });
    group.finish();
}

pub fn selection(criterion: &mut Criterion) {
    let reply = serde_json::json!({
        "id": "0f1e2d3c4b5a6978", "state": "done", "person": { "mail": "jan@example.nl", "bsn": "999999990" },
    });
    let selection = Selection::parse("$.person.mail").expect("a selection");
    criterion.bench_function("template/selection", |b| {
        b.iter(|| black_box(&selection).select(black_box(&reply)).expect("a node"));
    });
}
