//! Conversations at a REST service: rooms that are made, and attributes that are handed over once.

use std::thread;

use serde_json::json;

use crate::{
    service::json_answer,
    support::{
        answers,
        auth_plugin::{Finish, Posts, value_of},
        browser::links,
        stub::{Gate, Step},
    },
    world::{PUBLIC, World, json_body, refusal, room},
};

fn deliveries(world: &World) -> usize {
    world.service.requests("PUT /rooms/").len()
}

#[test]
fn a_room_is_made_and_gets_the_attributes() {
    let world = World::communicating(&room("", ""));
    let mut browser = world.browser();
    let (landing, _) = world.converse(&mut browser);
    assert_eq!(landing.url, format!("{}/room/r-1", world.service.url()), "no result goes along");
    assert_eq!(landing.text(), "Welcome.");
    let made = world.service.request("POST /rooms");
    assert_eq!(made.header("x-token"), Some("hunter2-token"));
    assert_eq!(made.json(), json!({ "name": "report_move" }));
    let told = world.service.request("PUT /rooms/r-1/attributes");
    let expected = json!({
        "attributes": { "email": value_of("email"), "fullname": value_of("fullname") },
        "mail": value_of("email"),
        "updates": null,
    });
    assert_eq!(told.json(), expected);
    assert_eq!(told.header("idempotency-key"), None, "without `hmac`");
    world.wait_for_event("handed_over", "ok");
}

#[test]
fn a_plugin_that_could_post_sends_its_result_along() {
    let world = World::communicating(&room("", ""));
    world.auth.plan(|plan| plan.session_url = Some("/updates/{n}"));
    let mut browser = world.browser();
    let sign_in = world.start(&mut browser, "irma", "room");
    assert!(browser.open(&sign_in).url.ends_with("/room/r-1"));
    let told = world.service.request("PUT /rooms/r-1/attributes").json();
    assert_eq!(told["attributes"]["email"], json!(value_of("email")));
    let session_url = told["updates"].as_str().expect("updates are wanted").to_owned();
    assert!(session_url.contains("/session/update/"), "{session_url}");
    assert_eq!(world.comm.update(&session_url, "logout").status, 204);
    assert_eq!(world.auth.updates(), ["/updates/0?type=logout"]);
    assert_eq!(deliveries(&world), 1);
    assert!(world.auth.last().posted.is_empty(), "the result came with the citizen");
}

#[test]
fn reloading_and_many_tabs_deliver_once() {
    let world = World::communicating(&room("", ""));
    let gate = Gate::default();
    let held = [vec![Step::Await(gate.clone())], answers::answer(200, &[], "")].concat();
    world.service.tell("PUT /rooms/", [held]);
    let mut browser = world.browser();
    let back = world.sign_in(&mut browser);
    thread::scope(|scope| {
        let tabs: Vec<_> = (0..4).map(|_| scope.spawn(|| browser.clone().open(&back))).collect();
        // The room, and the one delivery that everybody waits for.
        world.service.wait_for_requests(2);
        gate.open();
        for tab in tabs {
            assert!(tab.join().expect("the tab opens").url.ends_with("/room/r-1"));
        }
    });
    assert!(browser.open(&back).url.ends_with("/room/r-1"));
    assert_eq!(deliveries(&world), 1);
    // Another instance knows by the browser's cookie.
    let second = world.second_instance();
    world.use_instance(&second);
    assert!(browser.open(&back).url.ends_with("/room/r-1"));
    assert_eq!(deliveries(&world), 1);
}

#[test]
fn whoever_did_not_sign_in_has_no_conversation() {
    let world = World::communicating(&room("", ""));
    for (finish, told) in [
        (Finish::Failed, "Signing in did not succeed. No data has been shared."),
        (Finish::Cancel, "Signing in was cancelled. No data has been shared."),
    ] {
        world.auth.plan(|plan| (plan.finish, plan.posts) = (finish, Posts::BeforeRedirect));
        let mut browser = world.browser();
        let sign_in = world.start(&mut browser, "irma", "room");
        let landing = browser.open(&sign_in);
        assert!(landing.text().contains(told), "{landing:?}");
    }
    assert_eq!(deliveries(&world), 0);
}

#[test]
fn no_conversation_of_an_adapter_asks_for_a_sign_in_later() {
    let yaml = room("", "").replace("tag: room", "hosts: [chat.example.nl]\n    tag: room");
    let world = World::communicating(&yaml);
    let body =
        json!({ "purpose": "report_move", "auth_method": "irma", "comm_url": "https://chat.example.nl/x" });
    let headers = [("Content-Type", "application/json")];
    let answer = world.gateway.internal().post("x", "/start", &headers, body.to_string().as_bytes());
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("url_not_allowed")));
}

#[test]
fn without_authentication_nothing_is_delivered() {
    let world = World::communicating(&room("", ""));
    let body = json!({ "purpose": "report_move", "comm_method": "room" });
    let answer = world.browser().post_json(&format!("{PUBLIC}/start"), &body);
    assert_eq!(answer.json()["client_url"], json!(format!("{}/room/r-1", world.service.url())));
    assert_eq!(deliveries(&world), 0);
}

#[test]
fn a_method_that_wants_no_attributes_gets_none() {
    let yaml = room("", "");
    let yaml: Vec<_> = yaml.lines().filter(|line| !line.contains("deliver:")).collect();
    let world = World::communicating(&format!("{}\n", yaml.join("\n")));
    let (landing, _) = world.converse(&mut world.browser());
    assert!(landing.url.ends_with("/room/r-1"), "{landing:?}");
    assert_eq!(deliveries(&world), 0);
    world.wait_for_event("attributes_delivered", "ok");
}

#[test]
fn a_citizen_who_chooses_afterwards_brings_the_result() {
    let world = World::communicating(&room("", ""));
    let mut browser = world.browser();
    let body = json!({ "purpose": "report_move", "auth_method": "test" });
    let answer = browser.post_json(&format!("{PUBLIC}/start"), &body);
    let sign_in = answer.json()["client_url"].as_str().expect("a client_url").to_owned();
    let answer = browser.post_form(&sign_in, &[("action", "confirm")]);
    let choice = browser.follow_answer(&sign_in, answer);
    let held = crate::support::browser::field(choice.text(), "session").expect("the result waits");
    let start = [("purpose", "report_move"), ("comm_method", "room"), ("session", held.as_str())];
    let answer = browser.post_form(&format!("{PUBLIC}/start"), &start);
    assert!(answer.header("location").is_some_and(|url| url.ends_with("/room/r-1")), "{answer:?}");
    assert_eq!(deliveries(&world), 1);
}

/// What fails for good: without a key nothing is sent a second time.
fn failures() -> [(&'static str, Vec<Step>); 3] {
    [
        ("refuses", answers::answer(400, &[], "")),
        ("is in trouble", answers::answer(500, &[], "")),
        ("closes", vec![Step::Close]),
    ]
}

#[test]
fn a_failed_delivery_is_told_with_a_way_on() {
    for (what, failure) in failures() {
        let world = World::communicating(&room("", ""));
        world.service.tell("PUT /rooms/", [failure]);
        let mut browser = world.browser();
        let (landing, back) = world.converse(&mut browser);
        assert_eq!(landing.status(), Some(502), "{what}");
        assert!(links(landing.text()).iter().any(|link| link.ends_with("/room/r-1")), "{what}: a way on");
        assert_eq!(browser.open(&back).status(), Some(502), "{what}: and again");
        assert_eq!(deliveries(&world), 1, "{what}");
        world.wait_for_event("attributes_delivered", "delivery_failed");
    }
}

#[test]
fn the_log_names_what_a_delivery_lacks_and_shows_no_value() {
    let world = World::communicating(&room("", "").replace("attributes.email", "attributes.fullnam"));
    let (landing, _) = world.converse(&mut world.browser());
    assert_eq!(landing.status(), Some(502));
    assert!(!landing.text().contains("fullnam"), "citizens learn no names");
    let line = world.gateway.wait_for_log(|line| line.message() == "conversation at a service");
    let reason = "a template of plugins.yaml cannot be filled in: \
                  `attributes.fullnam` has no value, and there is no `default`";
    assert_eq!(line.text_field("reason"), Some(reason));
    assert_eq!(line.text_field("method"), Some("room"));
    let event = world.wait_for_event("attributes_delivered", "delivery_failed");
    assert_eq!(line.text_field("session"), event.text_field("session"));
    assert_eq!(line.text_field("request_id"), event.text_field("request_id"));
    let seen = world.seen_by_operators();
    assert!(!seen.contains(&value_of("email")) && !seen.contains(&value_of("fullname")), "{seen}");
}

#[test]
fn a_failed_delivery_is_no_matter_where_the_conversation_goes_on() {
    for (what, failure) in failures() {
        let world = World::communicating(&room("", "      on_failure: continue\n"));
        world.service.tell("PUT /rooms/", [failure]);
        let mut browser = world.browser();
        let (landing, back) = world.converse(&mut browser);
        assert!(landing.url.ends_with("/room/r-1"), "{what}: {landing:?}");
        assert!(browser.open(&back).url.ends_with("/room/r-1"), "{what}: and again");
        assert_eq!(deliveries(&world), 1, "{what}");
        world.wait_for_event("attributes_delivered", "delivery_failed");
    }
}

#[test]
fn a_failed_delivery_of_an_earlier_result_is_told_or_is_no_matter() {
    for (more, expected) in [("", 502), ("      on_failure: continue\n", 200)] {
        let world = World::communicating(&room("", more));
        world.service.tell("PUT /rooms/", [answers::answer(500, &[], "")]);
        // Any result of a method that trusts the gateway will do.
        world.start(&mut world.browser(), "irma", "chat");
        let result = world.auth.result(0);
        let body = json!({ "purpose": "report_move", "comm_method": "room", "auth_result": result });
        let answer = world.browser().post_json(&format!("{PUBLIC}/start"), &body);
        assert_eq!(answer.status, expected, "{more}: {}", answer.text());
        if expected == 502 {
            assert_eq!(refusal(&answer), (502, "delivery_failed".into()));
        }
        assert_eq!(deliveries(&world), 1);
    }
}

#[test]
fn a_result_of_another_session_is_refused() {
    let world = World::communicating(&room("", ""));
    let mut backs = [String::new(), String::new()];
    for back in &mut backs {
        *back = world.sign_in(&mut world.browser());
    }
    let (first, _) = backs[0].split_once('?').expect("a result");
    for wrong in ["", "x", "a.b.c.d.e"] {
        let landing = world.browser().open(&format!("{first}?result={wrong}"));
        assert!(!landing.url.ends_with("/room/r-1"), "{wrong}: {landing:?}");
    }
    assert_eq!(deliveries(&world), 0);
}

#[test]
fn nothing_answers_where_the_result_is_named() {
    let world = World::communicating(&room("", ""));
    let answer = world.gateway.internal().post("x", "/comm/room/attributes/x", &[], b"x");
    assert_eq!(answer.status, 404);
    assert_eq!(world.browser().get(&format!("{PUBLIC}/comm/room/attributes/x")).status, 404);
}

#[test]
fn what_the_room_is_called_stays_in_its_place() {
    for (id, expected) in [
        ("a b/c", Some("/room/a%20b%2Fc")),
        ("../admin", None),
        ("x/../../admin", None),
        ("?x=1#y", Some("/room/%3Fx%3D1%23y")),
        ("{{ secrets.token }}", Some("/room/%7B%7B%20secrets.token%20%7D%7D")),
        ("..", None),
        (".", None),
        ("", None),
        ("%2e%2e", Some("/room/%252e%252e")),
    ] {
        let world = World::communicating(&room("", ""));
        world.service.tell("POST /rooms", [json_answer(200, &json!({ "room_id": id }))]);
        let mut browser = world.browser();
        let answer = world.try_start(&mut browser, "test", "room");
        match expected {
            None => assert_eq!(refusal(&answer), (502, "comm_plugin_error".into()), "{id}"),
            Some(path) => {
                let (landing, _) = world.converse(&mut browser);
                assert!(landing.url.ends_with(path), "{id}: {landing:?}");
                let attributes = format!("{}/attributes", path.replacen("/room/", "/rooms/", 1));
                assert_eq!(world.service.request("PUT ").target(), attributes, "{id}");
            }
        }
    }
}

#[test]
fn attributes_are_data_whatever_they_hold() {
    let values = [
        "\"}, \"admin\": {\"x\": \"",
        "a\nb\r\nX-Evil: 1",
        "{{ secrets.token }}{% raw %}",
        "\u{202e}é\u{0}\\u0022\\",
        "</script>&amp;'",
    ];
    for value in values {
        // What the citizen is called comes from one REST service and goes to the other.
        let world = World::new(&crate::world::pin(""), &room("", ""));
        let body = json!({ "state": "done", "person": { "mail": value, "name": "Anna" } });
        world.service.tell_json("GET /api/sessions/", 200, &body);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "room");
        assert!(browser.open(&go).url.ends_with("/room/r-1"), "{value:?}");
        let told = world.service.request("PUT /rooms/r-1/attributes");
        let expected =
            json!({ "attributes": { "email": value, "fullname": "Anna" }, "mail": value, "updates": null });
        assert_eq!(json_body(&told.body.content), expected);
        assert_eq!(told.header("x-evil"), None);
    }
}
