//! Signing in at a REST service that sends the citizen back.

use serde_json::json;

use crate::{
    service::{ID, Service, json_answer, signed_in, state},
    support::{answers, browser::links, stub::Step},
    world::{PUBLIC, TOKEN, World, attributes, pin, refusal},
};

#[test]
fn a_citizen_signs_in_and_the_attributes_arrive() {
    let world = World::signing_in(&pin(""));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    assert!(go.starts_with(&format!("{PUBLIC}/auth/pin/go/")), "{go}");
    let landing = browser.open(&go);
    assert!(landing.url.contains("/room/0"), "{landing:?}");
    assert_eq!(world.received(), attributes("anna@example.nl", "Anna"));

    let started = world.service.request("POST /api/sessions");
    assert_eq!(started.header("authorization"), Some("Bearer hunter2-token"));
    assert_eq!(started.header("content-type"), Some("application/json"));
    assert_eq!(started.json()["fields"], json!(["email", "fullname"]));
    assert!(world.service.return_url().starts_with(&format!("{PUBLIC}/auth/pin/return/")));
    let finished = world.service.request("GET /api/sessions/");
    assert_eq!(finished.target(), format!("/api/sessions/{ID}"));
    assert_eq!(finished.header("authorization"), Some("Bearer hunter2-token"));
    world.wait_for_event("handed_over", "ok");
}

#[test]
fn the_service_says_how_it_ended() {
    for (said, expected) in [
        ("done", Some(attributes("anna@example.nl", "Anna"))),
        ("expired", Some(None)),
        ("DONE", Some(None)),
        ("something else", Some(None)),
        ("cancelled", None),
    ] {
        let world = World::signing_in(&pin(""));
        world.service.tell("GET /api/sessions/", [state(said)]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        let landing = browser.open(&go);
        if let Some(received) = expected {
            assert_eq!(world.received(), received, "{said}");
        } else {
            assert!(landing.text().contains("cancelled"), "{said}: {landing:?}");
            assert!(world.comm.deliveries().is_empty(), "{said}");
        }
    }
}

#[test]
fn numbers_and_booleans_are_outcomes_and_attributes() {
    let yaml = pin("").replace("ok: [done]", "ok: [true, 7]").replace("$.person.name", "$.person.age");
    for (said, expected) in [
        (json!(true), attributes("anna@example.nl", "41")),
        (json!(7), attributes("anna@example.nl", "41")),
        (json!("true"), attributes("anna@example.nl", "41")),
        (json!(false), None),
        (json!(null), None),
        (json!([true]), None),
    ] {
        let world = World::signing_in(&yaml);
        let body = json!({ "state": said, "person": { "mail": "anna@example.nl", "age": 41 } });
        world.service.tell_json("GET /api/sessions/", 200, &body);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        browser.open(&go);
        assert_eq!(world.received(), expected, "{said}");
    }
}

#[test]
fn loading_the_pages_again_does_no_harm() {
    let world = World::signing_in(&pin(""));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.open(&go);
    let back = world.service.return_url();
    for url in [&go, &back, &back] {
        assert!(browser.open(url).url.contains("/room/0"), "{url}");
    }
    assert_eq!(world.received(), attributes("anna@example.nl", "Anna"), "and once");
}

#[test]
fn only_the_browser_that_left_can_come_back() {
    let world = World::signing_in(&pin(""));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.get(&go);
    let cookie = browser.cookies().iter().find(|cookie| cookie.name.starts_with("idc-http-"));
    let cookie = cookie.expect("leaving sets a cookie");
    assert!(cookie.http_only && cookie.attributes.contains("SameSite=Lax"), "{cookie:?}");
    assert_eq!(cookie.path, "/auth/pin");
    let mut stranger = world.browser();
    let landing = stranger.open(&world.service.return_url());
    assert_eq!(landing.status(), Some(403));
    assert!(landing.text().contains("another browser"), "{}", landing.text());
    // Another session's cookie is no help.
    let mut other = world.browser();
    let others = world.start(&mut other, "pin", "chat");
    let (first, _) = (world.service.return_url(), other.get(&others));
    browser.forget_cookies();
    assert_eq!(browser.open(&first).status(), Some(403));
    assert!(world.service.requests("GET /api/sessions/").is_empty());
    assert!(world.comm.deliveries().is_empty());
}

#[test]
fn a_service_that_is_away_at_the_end_can_be_asked_again() {
    let failures = [
        ("closes", vec![Step::Close]),
        ("is in trouble", answers::answer(503, &[], "")),
        ("speaks no HTTP", answers::garbage()),
    ];
    for (what, failure) in failures {
        let world = World::signing_in(&pin(""));
        // A request may be sent again where a pooled connection was closed.
        world.service.tell("GET /api/sessions/", [failure.clone(), failure.clone(), state("done")]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        let mut landing = browser.open(&go);
        assert_eq!(landing.status(), Some(502), "{what}");
        world.wait_for_event("auth_returned", "plugin_error");
        assert!(world.comm.deliveries().is_empty(), "{what}");
        for _ in 0..2 {
            if landing.status() == Some(502) {
                let again = links(landing.text()).into_iter().find(|link| link.contains("/return/"));
                landing = browser.open(&format!("{PUBLIC}{}", again.expect("a link to try again")));
            }
        }
        assert!(landing.url.contains("/room/0"), "{what}: {landing:?}");
        assert_eq!(world.received(), attributes("anna@example.nl", "Anna"), "{what}");
        world.wait_for_warning("");
    }
}

#[test]
fn wrong_answers_at_the_end_are_a_failed_sign_in() {
    let failures = [
        ("another status", json_answer(201, &signed_in("done"))),
        ("not found", answers::answer(404, &[], "no")),
        ("a crash", answers::answer(500, &[], "no")),
        ("a page", answers::answer(200, &[("Content-Type", "text/html")], "<h1>done</h1>")),
        ("nothing", answers::answer(200, &[], "")),
        ("half", answers::answer(200, &[], "{\"state\": \"done\"")),
        ("too much", json_answer(200, &json!({ "state": "done", "more": "x".repeat(70_000) }))),
        ("no attribute", json_answer(200, &json!({ "state": "done", "person": { "mail": "a@b" } }))),
        ("a list", json_answer(200, &json!({ "state": "done", "person": { "mail": ["a@b"], "name": "A" } }))),
        (
            "a huge attribute",
            json_answer(
                200,
                &json!({ "state": "done", "person": { "mail": "a".repeat(5_000), "name": "A" } }),
            ),
        ),
    ];
    for (what, failure) in failures {
        let world = World::signing_in(&pin(""));
        world.service.tell("GET /api/sessions/", [failure]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        assert!(browser.open(&go).url.contains("/room/0"), "{what}");
        assert_eq!(world.received(), None, "{what}");
        world.wait_for_warning("");
    }
}

#[test]
fn an_attribute_that_cannot_be_used_is_named_and_not_shown() {
    let huge = "surprise".repeat(1_000);
    for (mail, wrong) in [
        (
            json!(["surprise"]),
            "`email` from `$.person.mail` is a list, an object or a number that is too large",
        ),
        (json!(null), "`email` from `$.person.mail` is missing"),
        (json!(huge), "`email` from `$.person.mail` is longer than 4096 bytes"),
    ] {
        let world = World::signing_in(&pin(""));
        let answer = json!({ "state": "done", "person": { "mail": mail, "name": "surprise" } });
        world.service.tell("GET /api/sessions/", [json_answer(200, &answer)]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        browser.open(&go);
        let line = world.wait_for_warning(wrong);
        assert_eq!(line.text_field("method"), Some("pin"));
        assert!(line.text_field("session").is_some() && line.text_field("request_id").is_some());
        assert!(!world.seen_by_operators().contains("surprise"), "{wrong}");
    }
    let world = World::signing_in(&pin(""));
    let answer = json!({ "state": "done", "person": { "name": 7 } });
    world.service.tell("GET /api/sessions/", [json_answer(200, &answer)]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.open(&go);
    world.wait_for_warning("`email` is missing: `$.person.mail` selects nothing, or more than one value");
}

#[test]
fn a_start_that_fails_is_told() {
    for (what, answer, reason) in [
        (
            "another status",
            json_answer(200, &json!({})),
            "it answered with status 200 OK, which `expect` does not name",
        ),
        (
            "trouble",
            answers::answer(500, &[], ""),
            "it answered with status 500 Internal Server Error, which `expect` does not name",
        ),
        ("no JSON", answers::answer(201, &[], "surprise"), "its answer is not JSON"),
        ("closes", vec![Step::Close], ""),
    ] {
        let world = World::signing_in(&pin(""));
        world.service.tell("POST /api/sessions", [answer]);
        let refused = world.try_start(&mut world.browser(), "pin", "chat");
        assert_eq!(refusal(&refused), (502, "auth_plugin_error".into()), "{what}");
        assert_eq!(world.service.requests("POST /api/sessions").len(), 1, "{what}: sent once");
        world.wait_for_warning(reason);
    }
}

#[test]
fn nobody_but_a_browser_that_comes_to_stay_has_an_effect() {
    let world = World::signing_in(&pin(""));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.get(&go);
    let back = world.service.return_url();
    let head = browser.request("HEAD", &back, &[], b"");
    assert_eq!((head.status, head.header("location")), (200, None));
    let prefetch = browser.request("GET", &back, &[("Sec-Purpose", "prefetch")], b"");
    assert_eq!((prefetch.status, prefetch.header("location")), (204, None));
    assert_eq!(browser.request("POST", &back, &[], b"x").status, 405);
    for path in ["", "x", "go/", "go/x", "return/x", &format!("go/{}", &back[back.len() - 40..])] {
        assert_eq!(browser.get(&format!("{PUBLIC}/auth/pin/{path}")).status, 404, "{path}");
    }
    // A state opens at its own page only.
    let (go_state, return_state) = (go.rsplit('/').next(), back.rsplit('/').next());
    for (page, state) in [("return", go_state), ("go", return_state)] {
        let url = format!("{PUBLIC}/auth/pin/{page}/{}", state.expect("a state"));
        assert_eq!(browser.get(&url).status, 404, "{page}");
    }
    assert!(world.service.requests("GET /api/sessions/").is_empty());
}

#[test]
fn another_instance_goes_on() {
    let world = World::signing_in(&pin(""));
    let second = world.second_instance();
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    world.use_instance(&second);
    browser.get(&go);
    world.use_instance(&world.gateway);
    assert!(browser.open(&world.service.return_url()).url.contains("/room/0"));
    assert_eq!(world.received(), attributes("anna@example.nl", "Anna"));
}

#[test]
fn a_fixed_redirect_carries_return_url_and_nothing_else() {
    let redirect = "redirect: \"https://login.example.nl/start?back={{ return_url }}&p={{ purpose }}#x\"";
    let world = World::signing_in(&pin("").replace("redirect: \"{{ start.login }}\"", redirect));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let location = browser.get(&go).header("location").expect("a redirect").to_owned();
    let url = url::Url::parse(&location).expect("it is a URL");
    assert_eq!(url.host_str(), Some("login.example.nl"));
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let back = world.service.return_url();
    assert_eq!(
        pairs,
        [("back".into(), back), ("p".into(), "report_move".into())],
        "the same as at the start"
    );
}

#[test]
fn secrets_and_what_the_service_says_are_seen_by_nobody() {
    let world = World::signing_in(&pin(""));
    world.service.tell("GET /api/sessions/", [state("surprise-value"), state("done")]);
    for _ in 0..2 {
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        browser.open(&go);
        world.wait_for_event("auth_returned", "failed");
    }
    let broken = world.service.url();
    world.service.tell(
        "POST /api/sessions",
        [json_answer(201, &json!({ "id": "surprise-value", "login_url": broken }))],
    );
    let refused = world.try_start(&mut world.browser(), "pin", "chat");
    assert_eq!(refused.status, 502);
    world.wait_for_event("start", "plugin_error");
    let seen = format!("{}{}", world.seen_by_operators(), refused.text());
    for secret in [TOKEN, "surprise-value", ID, "anna@example", "/return/", "login?s"] {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
    assert!(seen.contains("finish_authentication"), "and it is counted");
}

#[test]
fn what_one_service_said_means_nothing_to_another() {
    let world = World::signing_in(&pin(
        "      update: { logout: { request: { method: DELETE, path: \"/api/sessions/{{ start.id }}\" } } }\n",
    ));
    let other = Service::start();
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.open(&go);
    let session_url = world.comm.open(&world.comm.take_delivery()).expect("the result opens").session_url;
    let go = world.start(&mut browser, "pin", "chat");
    browser.get(&go);
    world.reload(|plugins| plugins.replace(&world.service.url(), &other.url()));
    browser.open(&world.service.return_url());
    assert_eq!(world.received(), None, "nobody knows who it is");
    world.comm.update(&session_url.expect("updates"), "logout");
    world.wait_for_event("logout", "plugin_error");
    assert!(other.requests("").is_empty());
}

#[test]
fn a_start_is_sent_once() {
    let world = World::signing_in(&pin("").replace("method: POST", "method: PUT"));
    let answer =
        json_answer(201, &json!({ "id": ID, "login_url": format!("{}/login", world.service.url()) }));
    world.service.tell("PUT /api/sessions", [answer.clone(), vec![Step::Close], answer]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let return_url = world.service.request("PUT /api/sessions").json()["return"].clone();
    browser.get(&go);
    browser.open(return_url.as_str().expect("a URL to come back to"));
    // A connection waits for more now, and ends under the second start.
    assert_eq!(refusal(&world.try_start(&mut browser, "pin", "chat")), (502, "auth_plugin_error".into()));
    assert_eq!(world.service.requests("PUT /api/sessions").len(), 2);
}

#[test]
fn what_cannot_serve_later_fails_at_once() {
    let login = "http://127.0.0.1/login";
    for (id, login) in [("..", login), ("", login), (ID, "http://127\u{3002}0.0.1/login")] {
        let world = World::signing_in(&pin("").replace(", pattern: \"^[a-f0-9]{16}$\"", ""));
        world.service.tell_json("POST /api/sessions", 201, &json!({ "id": id, "login_url": login }));
        let answer = world.try_start(&mut world.browser(), "pin", "chat");
        assert_eq!(refusal(&answer), (502, "auth_plugin_error".into()), "{id} {login}");
    }
}

#[test]
fn a_form_that_somebody_else_sends_is_told_so() {
    let world = World::signing_in(&pin(""));
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    browser.get(&go);
    let answer = browser.post_form(&world.service.return_url(), &[("code", "x")]);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert!(answer.text().contains("cannot be opened like this"), "{}", answer.text());
    assert!(links(answer.text()).iter().any(|link| link.ends_with("/choose")), "{}", answer.text());
}
