//! Rewriting, seen from outside: examples of every rule, then the properties that hold for all
//! input. A browser's own URL parser is the judge of where a reference leads.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use id_contact_gateway::{
    config::{HeaderEdit, Rewrite, Route, Timeouts, Upstream, UpstreamId},
    model::{BaseUrl, RouteId, UpstreamName},
    routing::{ClientView, Mapping, normalise},
};
use proptest::prelude::*;
use url::Url;

const VIEW: ClientView<'static> = ClientView { scheme: "https", authority: "Contact.example:8443" };
const SERVERS: [&str; 4] = ["http://up:8000", "http://Plain", "https://secure", "http://[::1]:81"];

fn mapping(path: &str, strip_path: bool) -> Mapping {
    let route = Route {
        id: RouteId::parse("chat").unwrap(),
        host: None,
        path: path.to_owned(),
        upstream: UpstreamId(0),
        strip_path,
        rewrite: Rewrite { redirects: true, cookies: true },
        request_headers: HeaderEdit::default(),
        response_headers: HeaderEdit::default(),
        body_limit: None,
    };
    let upstream = Upstream {
        name: UpstreamName::parse("chat").unwrap(),
        servers: SERVERS.iter().map(|server| BaseUrl::parse(server).unwrap()).collect(),
        timeouts: Timeouts::default(),
    };
    Mapping::new(&route, &upstream)
}

fn stripping() -> Mapping {
    mapping("/chat", true)
}

fn keeping() -> Mapping {
    mapping("/chat", false)
}

fn check(map: impl Fn(&str) -> Option<String>, cases: &[(&str, &str)], untouched: &[&str]) {
    for (value, expected) in cases {
        assert_eq!(map(value).as_deref(), Some(*expected), "{value:?}");
    }
    for value in untouched {
        assert_eq!(map(value), None, "{value:?}");
    }
}

#[test]
fn the_upstream_sees_the_path_without_the_prefix() {
    for (path, expected) in [
        ("/chat", "/"),
        ("/chat/", "/"),
        ("/chat/x%2Cy", "/x%2Cy"),
        ("/chat//x", "//x"),
        ("/chat/chat", "/chat"),
    ] {
        assert_eq!(stripping().upstream_path(path), expected);
        assert_eq!(keeping().upstream_path(path), path);
        assert_eq!(mapping("/", true).upstream_path(path), path);
    }
    assert_eq!(stripping().stripped_prefix(), Some("/chat"));
    assert_eq!(mapping("/", true).stripped_prefix(), None);
}

#[test]
fn locations_on_the_upstream_lead_to_the_client_and_get_the_prefix_back() {
    let mapping = stripping();
    check(
        |value| mapping.location(value, &VIEW),
        &[
            ("http://up:8000/x?a=%2F#f", "https://Contact.example:8443/chat/x?a=%2F#f"),
            ("HTTP://UP:8000", "https://Contact.example:8443/chat/"),
            ("http://up:8000?q", "https://Contact.example:8443/chat/?q"),
            ("http://up:8000#f", "https://Contact.example:8443/chat/#f"),
            ("http://plain/", "https://Contact.example:8443/chat/"),
            ("http://plain:80/", "https://Contact.example:8443/chat/"),
            ("http://plain:/", "https://Contact.example:8443/chat/"),
            ("https://secure:443/", "https://Contact.example:8443/chat/"),
            ("http://[::1]:81/x", "https://Contact.example:8443/chat/x"),
            ("//up:8000/x", "https://Contact.example:8443/chat/x"),
            ("//secure/x", "https://Contact.example:8443/chat/x"),
            ("http://up:8000//evil.example/", "https://Contact.example:8443/chat//evil.example/"),
            ("/", "/chat/"),
            ("/x/y?u=http://up:8000/\\z", "/chat/x/y?u=http://up:8000/\\z"),
            ("/chat/x", "/chat/chat/x"),
            ("/a/../b", "/chat/a/../b"),
            ("/é", "/chat/é"),
        ],
        &[
            "",
            "x",
            "./x",
            "../x",
            "?q",
            "#f",
            "http://other/x",
            "http://up/x",
            "http://up:8001/x",
            "https://up:8000/x",
            "http://secure/x",
            "http://plain:443/",
            "ftp://up:8000/x",
            "http://u@up:8000/",
            "http://u:p@up:8000/",
            "http://up:8000@evil.example/",
            "http://up:8000.evil.example/",
            "http://up:8000:8000/",
            "http://up:+8000/",
            "http:/up:8000/x",
            "http:up:8000/x",
            "http:///up:8000/x",
            "http:\\\\up:8000\\x",
            "http://up:8000\\@evil/",
            "/\\evil.example",
            "\\\\evil.example",
            "//evil.example/x",
            "///evil.example",
            "/\t/evil.example",
            "/x\r\nSet-Cookie: a=b",
            " /x",
            "/..",
            "/.. ",
            "/x/%2e%2E/../y",
            "http://up:8000/../x",
            "tel:+31201234567",
            "*",
        ],
    );
}

#[test]
fn without_stripping_only_absolute_locations_change() {
    let mapping = keeping();
    check(
        |value| mapping.location(value, &VIEW),
        &[
            ("http://up:8000/chat/x", "https://Contact.example:8443/chat/x"),
            ("http://up:8000", "https://Contact.example:8443/"),
            ("http://up:8000/../x", "https://Contact.example:8443/../x"),
        ],
        &["/", "/chat/x", "x", "http://other/chat/x"],
    );
}

#[test]
fn refresh_keeps_its_time_and_form() {
    let mapping = stripping();
    check(
        |value| mapping.refresh(value, &VIEW),
        &[
            ("5; url=http://up:8000/x", "5; url=https://Contact.example:8443/chat/x"),
            ("0;URL=/x", "0;URL=/chat/x"),
            ("0.5 , Url = '/x' tail", "0.5 , Url = '/chat/x' tail"),
            ("5; url=\"/x", "5; url=\"/chat/x"),
            ("5 /x", "5 /chat/x"),
            ("5; /x ", "5; /chat/x "),
        ],
        &[
            "5",
            "5;",
            "",
            "; url=/x",
            "x; url=/y",
            "5; url=",
            "5; url",
            "5; url=x",
            "5; url=http://other/",
            "5url=/x",
            "5; é",
        ],
    );
}

#[test]
fn link_targets_change_and_parameters_stay() {
    let mapping = stripping();
    check(
        |value| mapping.link(value, &VIEW),
        &[
            ("</x>; rel=next", "</chat/x>; rel=next"),
            (
                "<http://up:8000/a,b>; title=\"x, </y>; \\\", </z>\" , <http://other/>, </c;d>;anchor=\"/e\"",
                "<https://Contact.example:8443/chat/a,b>; title=\"x, </y>; \\\", </z>\" , <http://other/>, \
                 </chat/c;d>;anchor=\"/e\"",
            ),
            (",, </x>", ",, </chat/x>"),
            ("</x>;a=</y>,</z", "</chat/x>;a=</y>,</z"),
            ("</x>; a=\"open, </y>", "</chat/x>; a=\"open, </y>"),
        ],
        &["", "<", "<x>", "<>", "/x", "x, </y>", "<http://other/>; rel=\"</x>\""],
    );
}

#[test]
fn cookies_follow_the_prefix_and_the_host() {
    let mapping = stripping();
    check(
        |value| mapping.set_cookie(value, &VIEW),
        &[
            ("a=b; Path=/", "a=b; Path=/chat"),
            ("a=\"=,\";HttpOnly;path= /x ;Secure", "a=\"=,\";HttpOnly;path=/chat/x;Secure"),
            (
                "a=b; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/x/; Domain=.UP; X=/",
                "a=b; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/chat/x/; Domain=contact.example; X=/",
            ),
            ("a=b; Domain=secure", "a=b; Domain=contact.example"),
            ("a=b; Path=/; Path=/y;", "a=b; Path=/chat; Path=/chat/y;"),
            ("__Secure-a=b; Path=/", "__Secure-a=b; Path=/chat"),
        ],
        &[
            "",
            "a=b",
            "a=b;",
            "a=b; Secure",
            "a=b; Path",
            "a=b; Path=",
            "a=b; Path=x",
            "a=b; Domain=other",
            "a=b; Domain=sub.up",
            "a=b; Domain=..up",
            "__Host-a=b; Path=/; Secure",
            "__host-a=b; Path=/",
            "path=/x",
            "a=b; Path=/\r\n",
        ],
    );
    assert_eq!(keeping().set_cookie("a=b; Path=/x", &VIEW), None);
    assert_eq!(keeping().set_cookie("a=b; Domain=up", &VIEW).as_deref(), Some("a=b; Domain=contact.example"));
}

fn answer(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    lines.iter().map(line).collect()
}

#[test]
fn several_cookies_keep_apart_and_in_order() {
    let headers = answer(&[
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2; Path=/"),
        ("set-cookie", "c=3; Secure"),
        ("location", "/x"),
        ("content-location", "http://other/"),
    ]);
    let changes =
        |redirects, cookies| stripping().answer_changes(&headers, Rewrite { redirects, cookies }, &VIEW);
    let all = changes(true, true);
    assert_eq!(all[0], (http::header::LOCATION, vec![HeaderValue::from_static("/chat/x")]));
    assert_eq!(all[1].1, ["a=1", "b=2; Path=/chat", "c=3; Secure"].map(HeaderValue::from_static));
    assert_eq!(all.len(), 2);
    assert_eq!(changes(true, false).len(), 1);
    assert_eq!(changes(false, true).len(), 1);
    assert!(changes(false, false).is_empty());
}

#[test]
fn a_header_that_is_not_utf_8_stays() {
    let mut headers = HeaderMap::new();
    headers.insert("location", HeaderValue::from_bytes(b"/\xff").unwrap());
    let rewrite = Rewrite { redirects: true, cookies: true };
    assert!(stripping().answer_changes(&headers, rewrite, &VIEW).is_empty());
}

/// References of the pieces that matter.
fn reference() -> impl Strategy<Value = String> {
    const STARTS: &[&str] = &[
        "http://up:8000",
        "HTTP://plain",
        "https://secure:443",
        "//up:8000",
        "//evil.example",
        "http://evil.example",
        "/",
        "//",
        "http:",
        "http:/",
        "\\",
        "",
        "?",
        "http://up:8000@evil.example",
        "http://up",
        "//[::1]:81",
    ];
    const PIECES: &[&str] = &[
        "/",
        "//",
        "x",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "?",
        "#",
        "\\",
        "@",
        ":",
        "evil.example",
        "é",
        " ",
        "%2F",
        "\t",
        ";",
    ];
    (prop::sample::select(STARTS), prop::collection::vec(prop::sample::select(PIECES), 0..8))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

fn upstreams() -> Vec<Url> {
    SERVERS.iter().map(|server| Url::parse(server).unwrap()).collect()
}

fn is_upstream(url: &Url) -> bool {
    upstreams().iter().any(|server| server.origin() == url.origin())
}

fn client() -> Url {
    Url::parse(&format!("{}://{}/chat/here", VIEW.scheme, VIEW.authority)).unwrap()
}

proptest! {
    /// What a browser resolves from the mapped reference is what the upstream meant, moved.
    #[test]
    fn a_mapped_reference_leads_to_the_same_place_below_the_prefix(value in reference()) {
        for (mapping, prefix) in [(stripping(), "/chat"), (keeping(), "")] {
            let Some(mapped) = mapping.location(&value, &VIEW) else { continue };
            let seen = client().join(&mapped).unwrap();
            prop_assert_eq!(seen.origin(), client().origin(), "{}", mapped);
            let meant = upstreams()[0].join(&value).unwrap();
            prop_assert!(is_upstream(&meant), "{}", meant);
            prop_assert_eq!(seen.path(), format!("{prefix}{}", meant.path()));
            prop_assert_eq!((seen.query(), seen.fragment()), (meant.query(), meant.fragment()));
        }
    }

    #[test]
    fn a_reference_to_elsewhere_never_changes(value in reference()) {
        let meant = upstreams().iter().any(|server| server.join(&value).is_ok_and(|url| is_upstream(&url)));
        if !meant {
            prop_assert_eq!(stripping().location(&value, &VIEW), None);
            prop_assert_eq!(keeping().location(&value, &VIEW), None);
        }
    }

    #[test]
    fn what_the_upstream_says_about_its_path_is_what_the_client_asked(rest in "(/[a-z%2C.~]{0,4}){0,4}") {
        let raw = format!("/chat{rest}");
        if let Ok(path) = normalise(&raw).map(Cow::into_owned) {
            let seen = stripping().upstream_path(&path).to_owned();
            let expected = if path == "/chat" { "/chat/" } else { &path };
            let back = stripping().location(&format!("http://up:8000{seen}"), &VIEW);
            prop_assert_eq!(back, Some(format!("https://Contact.example:8443{expected}")));
            if !seen.starts_with("//") {
                let back = stripping().location(&seen, &VIEW);
                prop_assert_eq!(back.as_deref(), Some(expected));
            }
        }
    }

    /// RFC 6265, section 5.1.4, on both sides.
    #[test]
    fn a_cookie_is_sent_with_the_requests_that_its_upstream_meant(
        cookie in "/|(/[ab]{0,1}){1,3}", request in "(/[ab]{1,2}){0,4}/?",
    ) {
        let covers = |cookie: &str, path: &str| {
            path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
        };
        let mapping = stripping();
        let set = mapping.set_cookie(&format!("a=b; Path={cookie}"), &VIEW).unwrap();
        let mapped = set.strip_prefix("a=b; Path=").unwrap();
        let request = format!("/chat{request}");
        prop_assert_eq!(covers(mapped, &request), covers(&cookie, mapping.upstream_path(&request)), "{}", mapped);
        prop_assert!(!covers(mapped, "/other"));
    }

    #[test]
    fn any_text_is_answered(value in "(\\PC|[</>\";,=url5 \\\\])*") {
        let (mapping, view) = (stripping(), VIEW);
        let _ = (mapping.location(&value, &view), mapping.refresh(&value, &view));
        let _ = (mapping.link(&value, &view), mapping.set_cookie(&value, &view));
    }
}
