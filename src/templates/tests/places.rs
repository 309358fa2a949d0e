//! Paths and URLs: what may be written, and what values may become in them.

use super::*;

fn path(template: &str, value: &str) -> Result<String, RenderError> {
    PathTemplate::parse(template, &scope()).expect(template).render(&Everything(value))
}

fn url(template: &str, value: &str) -> Result<String, RenderError> {
    let template = UrlTemplate::parse(template, &scope()).expect(template);
    template.render(&Everything(value)).map(|url| url.as_str().to_owned())
}

#[test]
fn a_value_is_one_segment_or_one_parameter() {
    for (template, value, expected) in [
        ("/", "", "/"),
        ("/api/{{ purpose }}/x/", "a/b", "/api/a%2Fb/x/"),
        ("/{{ purpose }}", "!a:b?#%2e", "/%21a%3Ab%3F%23%252e"),
        ("/x{{ purpose }}", "", "/x"),
        ("/{{ purpose }}.{{ purpose }}", "a", "/a.a"),
        ("/{{ purpose }}", "...", "/..."),
        ("/{{ purpose }}", ".a", "/.a"),
        ("/a?b={{ purpose }}&c=x{{ purpose }}", "&d=é", "/a?b=%26d%3D%C3%A9&c=x%26d%3D%C3%A9"),
        ("/a?b={{ purpose }}", "..", "/a?b=.."),
        ("/a?b={{ purpose }}", "", "/a?b="),
        ("/%7Ea/{{ start.count }}?x", "", "/%7Ea/42?x"),
        ("/{{ purpose }}/x", "/a//b/", "/%2Fa%2F%2Fb%2F/x"),
        ("/{{ purpose }}", "a/..b/c..;d", "/a%2F..b%2Fc..%3Bd"),
        ("/a%2F{{ purpose }}/", "b", "/a%2Fb/"),
    ] {
        assert_eq!(path(template, value).as_deref(), Ok(expected), "{template}");
    }
    for (template, value) in [
        ("/{{ purpose }}", ""),
        ("/{{ purpose }}", "."),
        ("/{{ purpose }}/x", ".."),
        ("/a/{{ purpose }}?b", ".."),
        ("/a/{{ purpose }}?b", ""),
        ("/.{{ purpose }}", ""),
        ("/.{{ purpose }}", "."),
        ("/{{ purpose }}{{ purpose }}", "."),
        ("/{{ purpose }}%2E", "."),
        ("/{{ purpose }};v=1", ".."),
        ("/{{ purpose }}", "..;x"),
        ("/{{ purpose }}/{{ purpose }}/", ""),
    ] {
        assert_eq!(path(template, value), Err(RenderError::Unsafe), "{template}");
    }
}

/// As nginx, which decodes `%2F` and merges slashes before it looks for a location, servers that take `\`
/// for `/`, and Tomcat, which forgets what follows `;`.
#[test]
fn a_value_leaves_its_segment_for_no_reader() {
    for (template, value) in [
        ("/public/{{ purpose }}", "x/../../admin/delete"),
        ("/public/{{ purpose }}", "x/.."),
        ("/public/{{ purpose }}/x", "../x"),
        ("/public/{{ purpose }}", "x/./y"),
        ("/public/{{ purpose }}", "x\\..\\..\\admin"),
        ("/public/{{ purpose }}", "x/..;a=b/..;/admin"),
        ("/public/{{ purpose }}", "x/.;/y"),
        ("/public/x{{ purpose }}.{{ purpose }}y", "/"),
        ("/public/a%2f{{ purpose }}", ".."),
        ("/public/a%5C{{ purpose }}%5cb", ".."),
        ("/public/a%2F{{ purpose }}{{ purpose }}", "."),
        // The segment is gone where slashes are merged.
        ("/users/{{ purpose }}/x", "/"),
        ("/users/{{ purpose }}", "\\/"),
        ("/users/{{ purpose }}", ";x"),
        ("/users/{{ purpose }};v=1", ""),
        ("/users/a%2F{{ purpose }}/x", ""),
        ("/users/a%2F{{ purpose }}/x", "/"),
    ] {
        assert_eq!(path(template, value), Err(RenderError::Unsafe), "{template} {value}");
        let (template, expected) = (format!("https://h{template}"), Err(RenderError::Unsafe));
        assert_eq!(url(&template, value), expected, "{template} {value}");
    }
}

#[test]
fn an_encoded_value_has_a_length() {
    let spaces = " ".repeat(MAX_TEXT / 2);
    assert_eq!(path("/{{ purpose }}", &spaces), Err(RenderError::TooLarge));
}

#[test]
fn a_path_is_written_as_it_is_sent() {
    use TemplateProblem::*;
    assert_refused(
        PathTemplate::parse,
        &[
            ("«»", NotAPath),
            ("«a»/b", NotAPath),
            ("«/»/host/x", NotAPath),
            ("«{»{ purpose }}", NotAPath),
            ("/a«#»b", Fragment),
            ("/a« »b", NotUrlCharacter),
            ("/«é»", NotUrlCharacter),
            ("/{{ purpose }}«\\»", NotUrlCharacter),
            ("/«%»", NotUrlCharacter),
            ("/«%»2{{ purpose }}", NotUrlCharacter),
            ("/«%»zz", NotUrlCharacter),
            ("/«{»purpose}", NotUrlCharacter),
            ("/a?b=« »", NotUrlCharacter),
            ("«/a/../{{ purpose }}»", Segment),
            ("«/{{ purpose }}/%2e%2E»", Segment),
            ("«/a//{{ purpose }}»", Segment),
            ("«/..;x/y»", Segment),
            ("«/a%2f..%2Fb»", Segment),
            ("«/a%5C.;x/{{ purpose }}»", Segment),
            ("«/%2F/{{ purpose }}»", Segment),
            ("/a?«{{ purpose }}»", ParameterName),
            ("/a?b=c&x«{{ purpose }}»=d", ParameterName),
            ("/a/«{{ purpose | urlencode }}»", EncodedTwice),
            ("/{{ «x» }}", unknown("x")),
        ],
    );
}

#[test]
fn a_url_keeps_its_form() {
    for (template, value, expected) in [
        ("https://chat.example.nl", "", "https://chat.example.nl"),
        ("https://h/#/room/{{ purpose }}", "!a:h", "https://h/#/room/%21a%3Ah"),
        (
            "https://h/{{ purpose }}?a={{ purpose }}#{{ purpose }}",
            "é#",
            "https://h/%C3%A9%23?a=%C3%A9%23#%C3%A9%23",
        ),
        ("https://h?a={{ purpose }}", "", "https://h?a="),
        ("HTTP://[::1]:8080/{{ purpose }}", "x", "HTTP://[::1]:8080/x"),
        ("{{ return_url }}", "https://x/y?z", "https://x/y?z"),
        ("{{ start.login }}", "tel:123", "tel:123"),
        ("tel:+31201234567,,{{ purpose }}#", "12", "tel:+31201234567,,12#"),
        ("tel:{{ purpose }}", "+31 6*#", "tel:+31%206%2A%23"),
    ] {
        assert_eq!(url(template, value).as_deref(), Ok(expected), "{template}");
    }
    for (template, value) in [
        ("https://h/{{ purpose }}", ".."),
        ("https://h/{{ purpose }}#x", ""),
        ("{{ return_url }}", "javascript:alert(1)"),
        ("{{ return_url }}", "https://u@h/"),
        ("{{ return_url }}", "/x"),
        ("tel:{{ purpose }}", ""),
    ] {
        assert_eq!(url(template, value), Err(RenderError::Unsafe), "{template}");
    }
    let template = |text| UrlTemplate::parse(text, &scope()).expect(text);
    assert!(template("TEL:1").is_telephone() && !template("{{ return_url }}").is_telephone());
    assert_eq!(template("{{ return_url }}").names().count(), 1);
    assert_eq!(template("https://h/{{ purpose }}?a={{ start.id }}").names().count(), 2);
}

#[test]
fn a_url_names_its_host() {
    use TemplateProblem::*;
    assert_refused(
        UrlTemplate::parse,
        &[
            ("«»", Scheme),
            ("«/x»", Scheme),
            ("«ftp://h/»", Scheme),
            ("«javascript:{{ purpose }}»", Scheme),
            ("«{{ return_url }}/x»", Scheme),
            ("«{{ purpose }}://h/»", Scheme),
            ("«{{ purpose }}»", UncheckedUrl),
            ("«{{ return_url | lower }}»", UncheckedUrl),
            ("«{{ return_url | default('https://h') }}»", UncheckedUrl),
            ("«https://»{{ purpose }}/", Authority),
            ("«https://h»{{ purpose }}", Authority),
            ("«https://h:»{{ purpose }}/x", Authority),
            ("«https://»/x{{ purpose }}", NotAUrl),
            ("«https://u@h»/x", NotAUrl),
            ("«https://h:x»/", NotAUrl),
            ("«https://h h»/", NotAUrl),
            ("https://h/« »", NotUrlCharacter),
            ("https://h/«\\»x", NotUrlCharacter),
            ("https://h/#a«#»{{ purpose }}", NotUrlCharacter),
            ("https://h«/../{{ purpose }}»", Segment),
            ("https://h/?«{{ purpose }}»", ParameterName),
            ("https://h/?a=«{{ purpose | urlencode }}»", EncodedTwice),
            ("tel:12« »{{ purpose }}", NotUrlCharacter),
            ("https://h/«{{ fields }}»", NotText(Kind::List)),
        ],
    );
}
