//! Values and scopes for tests.

use super::{Kind, Name, Scope, Value, Values};

/// Every kind of name: `purpose` (text), `fields` (list), `return_url` (URL), `start.id` and others (closed
/// members), `attributes` (map of known members), `claims` (map of any).
pub fn scope() -> Scope {
    let members = [
        ("id", Kind::Text),
        ("login", Kind::Url),
        ("count", Kind::Number),
        ("done", Kind::Boolean),
        ("rooms", Kind::List),
        ("all", Kind::Map),
    ];
    Scope::new()
        .value("purpose")
        .list("fields")
        .url("return_url")
        .members("start", members.map(|(name, kind)| (name.to_owned(), kind)))
        .map("attributes", Some(vec!["email".into(), "first-name".into(), "met spatie".into()]))
        .map("claims", None)
}

/// The same value for every name, of the kind that [`scope`] gives it: texts are `text`.
pub struct Everything<'a>(pub &'a str);

impl Values for Everything<'_> {
    fn value(&self, name: &Name) -> Option<Value<'_>> {
        Some(value_of(name, self.0))
    }
}

/// A value of the kind that [`scope`] gives a name, made of one text.
pub fn value_of<'a>(name: &Name, text: &'a str) -> Value<'a> {
    match (name.root.as_str(), name.member.as_deref()) {
        ("fields", _) | (_, Some("rooms")) => Value::List(vec![text, text]),
        (_, Some("count")) => Value::Number(42.into()),
        (_, Some("done")) => Value::Boolean(true),
        ("attributes" | "claims", None) | (_, Some("all")) => Value::Map(vec![("email", text), (text, "x")]),
        _ => Value::text(text),
    }
}

/// No name has a value.
pub struct Nothing;

impl Values for Nothing {
    fn value(&self, _: &Name) -> Option<Value<'_>> {
        None
    }
}
