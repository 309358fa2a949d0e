//! The language: what is read, what is refused and where, what it renders to.

mod places;
mod properties;

use serde_json::json;

use super::{
    testing::{Everything, Nothing, scope},
    *,
};

/// A text in which `«` and `»` stand around the bytes that an error is to name.
fn marked(text: &str) -> (String, std::ops::Range<usize>) {
    let start = text.find('«').expect("a mark");
    let end = text.find('»').expect("a mark") - '«'.len_utf8();
    (text.replace(['«', '»'], ""), start..end)
}

fn assert_refused<T: std::fmt::Debug>(
    parse: impl Fn(&str, &Scope) -> Result<T, TemplateError>,
    cases: &[(&str, TemplateProblem)],
) {
    for (text, problem) in cases {
        let (plain, range) = marked(text);
        let error = parse(&plain, &scope()).expect_err(text);
        assert_eq!(error, problem.clone().at(range), "{text}");
    }
}

fn unknown(name: &str) -> TemplateProblem {
    let names = ["attributes", "claims", "fields", "purpose", "return_url", "start"];
    TemplateProblem::UnknownName { name: name.into(), candidates: names.map(str::to_owned).to_vec() }
}

fn text(template: &str, value: &str) -> Result<String, RenderError> {
    Template::parse(template, &scope()).expect(template).text(&Everything(value))
}

fn json(template: &str, value: &str) -> Result<serde_json::Value, RenderError> {
    JsonTemplate::string(template, &scope()).expect(template).render(&Everything(value))
}

#[test]
fn values_stand_where_they_are_named() {
    for (template, expected) in [
        ("", ""),
        ("plain { text } { {", "plain { text } { {"),
        ("{{purpose}}", "Ab "),
        ("<{{ purpose }}{{purpose}}>", "<Ab Ab >"),
        ("{{\n purpose\t}}", "Ab "),
        ("{{ start.count }}{{ start.done }}", "42true"),
        ("{{ attributes.first-name }}", "Ab "),
        ("{{ attributes.'met spatie' }}", "Ab "),
        ("{{ claims.\"a.b\" }}", "Ab "),
        ("{{ '{{ x }}' }} {{ \"it's\" }}", "{{ x }} it's"),
        ("{{ 7 }}{{ true }}{{ false }}{{ null }}", "7truefalse"),
    ] {
        assert_eq!(text(template, "Ab ").as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn filters_apply_from_left_to_right() {
    for (template, value, expected) in [
        ("{{ purpose|lower }}", "ÀB", "àb"),
        ("{{ purpose | upper }}", "àß", "ÀSS"),
        ("{{ purpose | trim }}", " a b\n", "a b"),
        ("{{ purpose | lower | trim | upper }}", " a ", "A"),
        ("{{ fields | join(', ') }}", "a", "a, a"),
        ("{{ fields | join('') | upper }}", "a", "AA"),
        ("{{ purpose | base64url }}", "?>é", "Pz7DqQ"),
        ("{{ purpose | urlencode }}", "a-._~ /é", "a-._~%20%2F%C3%A9"),
        ("{{ purpose | tojson }}", "\"\n", r#""\"\n""#),
        ("{{ start.count | tojson }}", "", "42"),
        ("{{ fields | tojson }}", "a", r#"["a","a"]"#),
        ("{{ attributes | tojson }}", "a", r#"{"email":"a","a":"x"}"#),
        ("{{ purpose | truncate(2) }}", "éàü", "éà"),
        ("{{ purpose | truncate( 9 ) }}", "éàü", "éàü"),
        ("{{ start.count | truncate(1) }}", "", "42"),
        ("{{ purpose | default('x') }}", "a", "a"),
        ("{{ purpose | default('x') }}", "", "x"),
        ("{{ purpose | trim | default(0) }}", " ", "0"),
        ("{{ purpose | default(null) }}", "", ""),
    ] {
        assert_eq!(text(template, value).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn an_absent_value_needs_a_default() {
    let render = |template| Template::parse(template, &scope()).expect(template).text(&Nothing);
    let absent = |root: &str, member: Option<&str>| {
        let name = Name { root: root.to_owned(), member: member.map(str::to_owned) };
        RenderError::Absent(name)
    };
    assert_eq!(render("{{ attributes.email }}"), Err(absent("attributes", Some("email"))));
    assert_eq!(
        render("{{ attributes.email }}").expect_err("absent").to_string(),
        "`attributes.email` has no value, and there is no `default`"
    );
    assert_eq!(render("{{ attributes.email | lower | tojson }}"), Err(absent("attributes", Some("email"))));
    assert_eq!(render("{{ attributes.email | lower | default('X') }}").as_deref(), Ok("X"));
    assert_eq!(render("{{ attributes.email | default('') }}").as_deref(), Ok(""));
    let json = |template| JsonTemplate::string(template, &scope()).expect(template).render(&Nothing);
    assert_eq!(json("{{ attributes }}"), Err(absent("attributes", None)));
    assert_eq!(json("{{ attributes.email | default(null) }}"), Ok(json!(null)));
    let path = PathTemplate::parse("/{{ purpose }}", &scope()).expect("a path");
    assert_eq!(path.render(&Nothing), Err(absent("purpose", None)));
}

#[test]
fn a_number_that_was_rounded_stands_in_no_text() {
    struct Huge;
    impl Values for Huge {
        fn value(&self, _: &Name) -> Option<Value<'_>> {
            serde_json::from_str("12345678901234567890123").ok().map(Value::Number)
        }
    }
    for template in ["/{{ start.count }}", "/{{ start.count | lower }}"] {
        let path = PathTemplate::parse(template, &scope()).expect(template);
        assert_eq!(path.render(&Huge), Err(RenderError::Unsafe), "{template}");
    }
}

#[test]
fn a_template_tells_what_it_uses() {
    let template =
        Template::parse("{{ purpose }} {{ start.id | lower }} {{ 'x' }}", &scope()).expect("a text");
    let names: Vec<_> = template.names().map(Name::to_string).collect();
    assert_eq!(names, ["purpose", "start.id"]);
    assert!(!template.is_constant() && template.whole().is_none());
    let template = Template::parse("{{ start.count }}", &scope()).expect("a text");
    assert_eq!(template.whole().map(Expression::kind), Some(Kind::Number));
    assert!(Template::parse("a {{ 'x' }}", &scope()).expect("a text").is_constant());
}

#[test]
fn what_is_no_expression_is_refused() {
    use TemplateProblem::*;
    let name = "a name";
    let next = "`|` or `}}`";
    assert_refused(
        Template::parse,
        &[
            ("é «{%» if x %}", Statement),
            ("{{ purpose }} «{#» x #}", Comment),
            ("a «}}» b {{", StrayEnd),
            ("a «{{» purpose", Unclosed),
            ("a «{{»", Unclosed),
            ("a «{{» purpose |", Unclosed),
            ("a «{{» purpose | join('a'", Unclosed),
            ("{{ purpose «}» }", Expected(next)),
            ("{{ «}»}", Expected(name)),
            ("{{«{» purpose }}}", Expected(name)),
            ("{{ purpose «purpose» }}", Expected(next)),
            ("{{ purpose | «}»}", Expected("a filter")),
            ("{{ purpose | «|» lower }}", Expected("a filter")),
            ("{{ purpose | «'»a' }}", Expected("a filter")),
            ("{{ purpose.«}»}", Expected("a member")),
            ("{{ attributes.« »email }}", Expected("a member")),
            ("{{ «é» }}", Expected(name)),
            ("{{ «(»purpose) }}", Expected(name)),
            ("{{ purpose«(») }}", Expected(next)),
            ("{{ «'»x }}", UnclosedQuote),
            ("{{ 'a«\\»n' }}", Backslash),
            ("{{ «99999999999999999999» }}", NumberTooLarge),
        ],
    );
}

#[test]
fn operators_are_refused() {
    let cases = [
        "{{ purpose «*» 2 }}",
        "{{ purpose «**» 2 }}",
        "{{ purpose «~» purpose }}",
        "{{ purpose «+» purpose }}",
        "{{ 7 «-» 1 }}",
        "{{«-» purpose }}",
        "{{ purpose«-»x }}",
        "{{ «-»1 }}",
        "{{ 8 «/» 2 }}",
        "{{«%» x }}",
        "{{ purpose «==» purpose }}",
        "{{ purpose «!=» purpose }}",
        "{{ purpose «<» purpose }}",
        "{{ «not» purpose }}",
        "{{ purpose «if» true else 'x' }}",
        "{{ purpose «and» purpose }}",
        "{{ purpose «is» defined }}",
        "{{ «[»purpose] }}",
        "{{ fields«[»0] }}",
        "{{ fields | join('a' «~» 'b') }}",
        "{{ purpose | truncate(«-»1) }}",
        "{{ purpose | default('a'«*»9) }}",
    ];
    assert_refused(Template::parse, &cases.map(|text| (text, TemplateProblem::Operator)));
}

#[test]
fn names_are_checked_when_the_file_is_read() {
    use TemplateProblem::*;
    let members = || ["all", "count", "done", "id", "login", "rooms"].map(str::to_owned).to_vec();
    assert_refused(
        Template::parse,
        &[
            ("{{ «purpos» }}", unknown("purpos")),
            ("{{ «Purpose».x }}", unknown("Purpose")),
            ("{{ purpose }}{{ «secrets».token.x }}", unknown("secrets")),
            (
                "{{ «start.ids» }}",
                UnknownMember { name: "start".into(), member: "ids".into(), candidates: members() },
            ),
            (
                "{{ «attributes.'e.mail'» | lower }}",
                UnknownMember {
                    name: "attributes".into(),
                    member: "e.mail".into(),
                    candidates: vec!["email".into(), "first-name".into(), "met spatie".into()],
                },
            ),
            ("{{ «purpose.x» }}", NoMembers { name: "purpose".into() }),
            ("{{ «attributes.email».x }}", NoMembers { name: "attributes.email".into() }),
            ("{{ «start» }}", MemberWanted { name: "start".into(), candidates: members() }),
        ],
    );
    let error = Template::parse("{{ purpos }}", &scope()).expect_err("no such name");
    assert_eq!((error.problem.written(), error.problem.candidates().len()), (Some("purpos"), 6));
}

#[test]
fn filters_are_checked_when_the_file_is_read() {
    use TemplateProblem::*;
    let arguments = |filter, wanted| FilterArguments { filter, wanted };
    assert_refused(
        Template::parse,
        &[
            ("{{ purpose | «capitalize» }}", UnknownFilter { name: "capitalize".into() }),
            ("{{ purpose | «replace»('a', 'b') }}", UnknownFilter { name: "replace".into() }),
            ("{{ purpose | «lower(1)» }}", arguments("lower", "no arguments")),
            ("{{ purpose | «default» }}", arguments("default", "one argument, such as `default('none')`")),
            (
                "{{ purpose | «default('a', 'b')» }}",
                arguments("default", "one argument, such as `default('none')`"),
            ),
            ("{{ fields | «join(7)» }}", arguments("join", "one text, such as `join(', ')`")),
            ("{{ purpose | «truncate(0)» }}", arguments("truncate", "one whole number from 1 to 16384")),
            ("{{ purpose | «truncate('1')» }}", arguments("truncate", "one whole number from 1 to 16384")),
            ("{{ purpose | «truncate(16385)» }}", arguments("truncate", "one whole number from 1 to 16384")),
            ("{{ purpose | «join(',')» }}", FilterInput { filter: "join", kind: Kind::Text }),
            ("{{ fields | «lower» }}", FilterInput { filter: "lower", kind: Kind::List }),
            ("{{ attributes | «default('x')» }}", FilterInput { filter: "default", kind: Kind::Map }),
            ("{{ purpose|trim|trim|trim|trim|trim|trim|trim|trim|«trim» }}", TooManyFilters),
            (
                "{{ purpose | default(«purpose») }}",
                Expected("a text in quotes, a number, true, false or null"),
            ),
            ("{{ purpose | default(«)» }}", Expected("a text in quotes, a number, true, false or null")),
            ("{{ purpose | default('a' «'»b') }}", Expected("`,` or `)`")),
        ],
    );
}

#[test]
fn lists_and_maps_stand_only_where_they_have_a_form() {
    use TemplateProblem::NotText;
    assert_refused(
        Template::parse,
        &[
            ("«{{ fields }}»", NotText(Kind::List)),
            ("all: «{{ attributes }}»", NotText(Kind::Map)),
            ("{{ purpose }}«{{ start.rooms }}»", NotText(Kind::List)),
        ],
    );
    assert_refused(JsonTemplate::string, &[("all: «{{ attributes }}»", NotText(Kind::Map))]);
    assert_refused(PathTemplate::parse, &[("/«{{ fields }}»", NotText(Kind::List))]);
    assert_eq!(json("{{ fields }}", "a"), Ok(json!(["a", "a"])));
}

#[test]
fn a_template_has_a_length() {
    let long = "x".repeat(MAX_TEXT + 1);
    assert_refused(Template::parse, &[(&format!("«{long}»"), TemplateProblem::TooLong)]);
    let half = "x".repeat(MAX_TEXT / 2);
    assert_eq!(text("{{ purpose }}{{ purpose }}", &half).map(|text| text.len()), Ok(MAX_TEXT));
    assert_eq!(text("{{ purpose }}{{ purpose }}.", &half), Err(RenderError::TooLarge));
    assert_eq!(text("{{ purpose | truncate(3) }}", &long).as_deref(), Ok("xxx"));
    assert_eq!(text("{{ fields | join('xx') }}", &half), Err(RenderError::TooLarge));
    let quotes = "\"".repeat(MAX_TEXT / 2);
    assert_eq!(text("{{ purpose | tojson | tojson | tojson }}", &quotes), Err(RenderError::TooLarge));
    let strings = (0..5).map(|_| JsonTemplate::string("{{ purpose }}", &scope()).expect("a name"));
    let list = JsonTemplate::List(strings.collect());
    let value = "x".repeat(MAX_DOCUMENT / 5);
    assert!(list.render(&Everything(&value)).is_ok());
    assert_eq!(list.render(&Everything(&format!("{value}x"))), Err(RenderError::TooLarge));
}

#[test]
fn a_whole_expression_keeps_its_type() {
    for (template, expected) in [
        ("{{ purpose }}", json!("a")),
        ("{{ start.count }}", json!(42)),
        ("{{ start.done }}", json!(true)),
        ("{{ attributes }}", json!({ "email": "a", "a": "x" })),
        ("{{ 7 }}", json!(7)),
        ("{{ 'null' }}", json!("null")),
        ("{{ start.count | lower }}", json!("42")),
        (" {{ start.count }}", json!(" 42")),
        ("{{ start.count }}{{ 1 }}", json!("421")),
    ] {
        assert_eq!(json(template, "a"), Ok(expected), "{template}");
    }
    let name = || JsonTemplate::string("{{ purpose }}", &scope()).expect("a name");
    let document = JsonTemplate::Object(vec![
        ("z".into(), JsonTemplate::List(vec![JsonTemplate::Null, JsonTemplate::Bool(true), name()])),
        ("a".into(), JsonTemplate::Number(1.into())),
    ]);
    let rendered = document.render(&Everything("\",\"")).expect("a document");
    assert_eq!(rendered.to_string(), r#"{"z":[null,true,"\",\""],"a":1}"#);
    assert_eq!(document.names().len(), 1);
}

#[test]
fn a_header_is_one_line_as_it_is_received() {
    let header =
        |value| Template::parse("Bearer {{ purpose }}", &scope()).expect("a text").header(&Everything(value));
    let value = header("a b,\"c\"").expect("a header");
    assert_eq!((value.as_bytes(), value.is_sensitive()), (&b"Bearer a b,\"c\""[..], true));
    for value in ["", " ", "a ", "a\r\nX: y", "a\n", "a\0", "a\tb", "é", "a\x7f"] {
        assert_eq!(header(value).unwrap_err(), RenderError::Unsafe, "{value:?}");
    }
}

#[test]
fn nothing_of_a_value_is_shown() {
    for value in [Value::text("secret"), Value::List(vec!["secret"]), Value::Map(vec![("secret", "secret")])]
    {
        assert!(!format!("{value:?}").contains("secret"));
    }
}
