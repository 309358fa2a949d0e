//! A service that wants citizens elsewhere, requests elsewhere, or more than there is room for.

use serde_json::{Value, json};

use crate::{
    service::{ID, json_answer},
    support::answers,
    world::{World, pin, refusal},
};

/// What a start with this answer of the service ends with.
fn start_with(yaml: &str, answer: &Value) -> (u16, String) {
    let world = World::signing_in(yaml);
    world.service.tell("POST /api/sessions", [json_answer(201, answer)]);
    let refused = world.try_start(&mut world.browser(), "pin", "chat");
    if refused.status == 200 { (200, String::new()) } else { refusal(&refused) }
}

const REFUSED: (u16, &str) = (502, "auth_plugin_error");

#[test]
fn citizens_go_to_the_hosts_that_are_named_and_nowhere_else() {
    for wrong in [
        "https://evil.example/login",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://evil.example#127.0.0.1",
        "//127.0.0.1/x",
        "/login",
        "javascript:alert(1)",
        "data:text/html,127.0.0.1",
        "tel:127.0.0.1",
        "http://127.0.0.1/\r\nSet-Cookie: a=b",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\\@evil.example/",
        "",
    ] {
        let (status, code) = start_with(&pin(""), &json!({ "id": ID, "login_url": wrong }));
        assert_eq!((status, code.as_str()), REFUSED, "{wrong:?}");
    }
    let right = json!({ "id": ID, "login_url": "HTTP://127.0.0.1:8/x?y#z" });
    assert_eq!(start_with(&pin(""), &right).0, 200);
}

#[test]
fn what_is_kept_is_what_it_has_to_be() {
    let login = "http://127.0.0.1/";
    for wrong in [
        json!("../../admin"),
        json!("0123456789abcdef\n"),
        json!("0123456789abcdeg"),
        json!("0123456789ABCDEF"),
        json!("x0123456789abcdefx"),
        json!(["0123456789abcdef"]),
        json!({ "id": ID }),
        json!(true),
        json!(null),
        json!(""),
    ] {
        let (status, code) = start_with(&pin(""), &json!({ "id": wrong, "login_url": login }));
        assert_eq!((status, code.as_str()), REFUSED, "{wrong}");
    }
    for wrong in [json!({ "login_url": login }), json!([]), json!("x"), json!({ "id": ID, "login_url": 7 })] {
        let (status, code) = start_with(&pin(""), &wrong);
        assert_eq!((status, code.as_str()), REFUSED, "{wrong}");
    }
}

#[test]
fn what_cannot_be_kept_is_named_in_the_log_and_not_shown() {
    let login = "http://127.0.0.1/surprise";
    let long = format!("http://127.0.0.1/{}", "surprise".repeat(300));
    for (answer, reason) in [
        (json!({ "login_url": login }), "`save.id` cannot be used: its selection `from` finds nothing"),
        (json!({ "id": ["surprise"], "login_url": login }), "`save.id` cannot be used: what is there is not"),
        (json!({ "id": "surprise", "login_url": login }), "`save.id` cannot be used: it does not fit its"),
        (json!({ "id": "surprise\n", "login_url": login }), "`save.id` cannot be used: it has control"),
        (
            json!({ "id": "surprise".repeat(65), "login_url": login }),
            "`save.id` cannot be used: it is longer",
        ),
        (
            json!({ "id": ID, "login_url": 7 }),
            "`save.login` cannot be used: what is there is not of its `type`",
        ),
        (json!({ "id": ID, "login_url": long }), "`save.login` cannot be used: it is longer than 2000 bytes"),
        (
            json!({ "id": ID, "login_url": "https://surprise.example/" }),
            "`save.login` cannot be used: its host",
        ),
    ] {
        let world = World::signing_in(&pin(""));
        world.service.tell("POST /api/sessions", [json_answer(201, &answer)]);
        let refused = world.try_start(&mut world.browser(), "pin", "chat");
        assert_eq!(refusal(&refused), (REFUSED.0, REFUSED.1.to_owned()), "{reason}");
        let line = world.wait_for_warning(reason);
        assert_eq!(line.text_field("method"), Some("pin"));
        let event = world.wait_for_event("start", "plugin_error");
        assert_eq!(line.text_field("session"), event.text_field("session"), "{reason}");
        assert_eq!(line.text_field("request_id"), event.text_field("request_id"), "{reason}");
        assert!(!world.seen_by_operators().contains("surprise"), "{reason}");
        assert!(!refused.text().contains("save."), "browsers learn no names: {}", refused.text());
    }
}

#[test]
fn answers_that_are_no_json_or_too_large_are_refused() {
    for (what, answer) in [
        ("a page", answers::answer(201, &[("Content-Type", "text/html")], "<html>")),
        ("nothing", answers::answer(201, &[], "")),
        ("too much", answers::answer(201, &[], " ".repeat(70_000))),
        ("without end", answers::answer(201, &[], "[".repeat(60_000))),
        ("another encoding", answers::answer(201, &[], b"{\"id\": \"\xff\"}")),
    ] {
        let world = World::signing_in(&pin(""));
        world.service.tell("POST /api/sessions", [answer]);
        let refused = world.try_start(&mut world.browser(), "pin", "chat");
        assert_eq!(refusal(&refused), (REFUSED.0, REFUSED.1.to_owned()), "{what}");
    }
}

/// The method whose `id` may be anything.
fn anything() -> String {
    pin("").replace(", pattern: \"^[a-f0-9]{16}$\"", "")
}

#[test]
fn values_stay_in_their_place_in_a_path() {
    for (id, expected) in [
        (json!("a/admin?x=1#y"), "/api/sessions/a%2Fadmin%3Fx%3D1%23y"),
        (json!("a%2e b"), "/api/sessions/a%252e%20b"),
        (json!("{{ secrets.token }}"), "/api/sessions/%7B%7B%20secrets.token%20%7D%7D"),
        (json!(42), "/api/sessions/42"),
    ] {
        let world = World::signing_in(&anything());
        let login = format!("{}/login", world.service.url());
        world
            .service
            .tell("POST /api/sessions", [json_answer(201, &json!({ "id": id, "login_url": login }))]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        assert!(browser.open(&go).url.contains("/room/0"), "{id}");
        assert_eq!(world.service.request("GET /api/").target(), expected);
    }
}

#[test]
fn a_value_cannot_end_a_header() {
    let yaml = anything().replace(
        "Bearer {{ secrets.token }}\" }\n        expect: { status: [200] }",
        "{{ start.id }}\" }\n        expect: { status: [200] }",
    );
    for id in ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b", "\u{85}x"] {
        let (status, code) = start_with(&yaml, &json!({ "id": id, "login_url": "http://127.0.0.1/" }));
        assert_eq!((status, code.as_str()), REFUSED, "{id:?} is not kept");
    }
}

#[test]
fn what_is_kept_has_to_fit_into_urls() {
    let login = "http://127.0.0.1/";
    let of = |length: usize| json!({ "id": "x".repeat(length), "login_url": login });
    assert_eq!(start_with(&anything(), &of(512)).0, 200);
    assert_eq!(start_with(&anything(), &of(513)), (REFUSED.0, REFUSED.1.to_owned()));
    let names = ["a", "b", "c", "d", "e", "f"];
    let save: Vec<_> = names.iter().map(|name| format!("{name}: {{ from: $.id }}")).collect();
    let path: Vec<_> = names.iter().map(|name| format!("{{{{ start.{name} }}}}")).collect();
    let yaml = anything()
        .replace("save: { id: { from: $.id }", &format!("save: {{ {}", save.join(", ")))
        .replace("{{ start.id }}", &path.join("/"));
    assert_eq!(start_with(&yaml, &of(100)).0, 200);
    let (status, code) = start_with(&yaml, &of(512));
    assert_eq!((status, code.as_str()), (502, "url_too_long"));
}
