//! A channel that is chosen after signing in, and more than once: whoever goes back, clicks twice, or comes
//! to another instance.

use std::{collections::BTreeSet, thread};

use serde_json::json;

use crate::{
    service::json_answer,
    support::{
        answers,
        browser::{Browser, links},
        client::Response,
        stub::{Gate, Step},
    },
    world::{HMAC, PUBLIC, World, room},
};

/// A webhook, which has no conversation of its own.
const HOOK: &str = r#"  - tag: room
    name: Terugbellen
    image_path: /static/phone.svg
    http:
      base: "{service}"
      deliver: { request: { method: POST, path: /hook, json: { ticket: "{{ random }}" } }, hmac: { header: X-Signature, secret: { env: HOOK } } }
      client_url: "{service}/room/{{ random }}"
"#;

/// Begins to sign in; where that is done.
fn start(browser: &mut Browser) -> String {
    let body = json!({ "purpose": "report_move", "auth_method": "back" });
    let answer = browser.post_json(&format!("{PUBLIC}/start"), &body);
    answer.json()["client_url"].as_str().expect("an answer has a client_url").to_owned()
}

/// What the citizen holds who comes by this URL, until they have chosen.
fn held(browser: &mut Browser, url: &str) -> String {
    browser.open(url).url.split_once("session=").expect("a held result").1.to_owned()
}

fn signed_in(browser: &mut Browser) -> String {
    let sign_in = start(browser);
    held(browser, &sign_in)
}

fn choose(browser: &mut Browser, held: &str) -> Response {
    browser.post_form(&format!("{PUBLIC}/start"), &[("comm_method", "room"), ("session", held)])
}

fn destination(browser: &mut Browser, held: &str) -> String {
    choose(browser, held).header("location").expect("a redirect").to_owned()
}

#[test]
fn a_choice_that_is_made_twice_leads_to_one_conversation() {
    for hmac in ["", HMAC] {
        let world = World::communicating(&room(hmac, ""));
        let rooms = ["r-1", "r-2"].map(|id| json_answer(200, &json!({ "room_id": id })));
        world.service.tell("POST /rooms", rooms);
        let mut browser = world.browser();
        let held = signed_in(&mut browser);
        let destinations = [destination(&mut browser, &held), destination(&mut browser, &held)];
        assert!(destinations.iter().all(|url| url.ends_with("/room/r-1")), "{destinations:?}");
        world.service.request("POST /rooms");
        world.service.request("PUT /rooms/r-1/attributes");
    }
}

#[test]
fn who_signs_in_again_has_a_conversation_of_their_own() {
    let world = World::communicating(&room("", ""));
    let rooms = ["r-1", "r-2"].map(|id| json_answer(200, &json!({ "room_id": id })));
    world.service.tell("POST /rooms", rooms);
    let mut browser = world.browser();
    let sign_in = start(&mut browser);
    for room in ["r-1", "r-2"] {
        let held = held(&mut browser, &sign_in);
        assert!(destination(&mut browser, &held).ends_with(&format!("/room/{room}")));
        world.service.request(&format!("PUT /rooms/{room}/attributes"));
    }
}

#[test]
fn who_clicks_twice_waits_for_the_one_delivery() {
    let world = World::communicating(&room("", ""));
    let gate = Gate::default();
    let answer = [vec![Step::Await(gate.clone())], answers::answer(200, &[], "")].concat();
    world.service.tell("PUT /rooms/", [answer]);
    let held = signed_in(&mut world.browser());
    thread::scope(|scope| {
        let clicks = [(); 2].map(|()| scope.spawn(|| destination(&mut world.browser(), &held)));
        world.service.wait_for_requests(2);
        gate.open();
        for click in clicks {
            assert!(click.join().expect("the click leads on").ends_with("/room/r-1"));
        }
    });
    world.service.request("PUT /rooms/r-1/attributes");
}

#[test]
fn what_failed_is_not_sent_again_and_there_is_a_way_on() {
    let world = World::communicating(&room("", ""));
    world.service.tell("PUT /rooms/", [answers::answer(500, &[], "")]);
    let mut browser = world.browser();
    let held = signed_in(&mut browser);
    for _ in 0..2 {
        let answer = choose(&mut browser, &held);
        assert_eq!(answer.status, 502);
        let links = links(answer.text());
        for end in ["/room/r-1", "/choose/report_move"] {
            assert!(links.iter().any(|link| link.ends_with(end)), "{end}: {links:?}");
        }
    }
    world.service.request("PUT /rooms/r-1/attributes");
    // Another channel may be chosen all the same.
    let fields = [("comm_method", "chat"), ("session", held.as_str())];
    assert_eq!(browser.post_form(&format!("{PUBLIC}/start"), &fields).status, 303);
}

#[test]
fn a_keyed_delivery_is_tried_again_in_the_same_conversation() {
    let world = World::communicating(&room(HMAC, ""));
    let (trouble, thanks) = (answers::answer(503, &[], ""), answers::answer(200, &[], ""));
    world.service.tell("PUT /rooms/", [trouble.clone(), trouble.clone(), trouble, thanks]);
    let mut browser = world.browser();
    let held = signed_in(&mut browser);
    assert_eq!(choose(&mut browser, &held).status, 502);
    assert!(destination(&mut browser, &held).ends_with("/room/r-1"));
    world.service.request("POST /rooms");
    assert_eq!(keys(&world, "PUT /rooms/r-1/attributes"), (4, 1));
}

#[test]
fn at_another_instance_a_webhook_is_the_same_and_a_room_another() {
    for (yaml, deliveries, distinct) in
        [(HOOK.to_owned(), "POST /hook", 1), (room(HMAC, ""), "PUT /rooms/", 2)]
    {
        let world = World::communicating(&yaml);
        let mut browser = world.browser();
        let sign_in = start(&mut browser);
        let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
        let first = held(&mut browser, &back);
        destination(&mut browser, &first);
        let second = world.second_instance();
        world.use_instance(&second);
        let again = held(&mut browser, &back);
        assert_ne!(first, again);
        destination(&mut browser, &again);
        assert_eq!(keys(&world, deliveries), (2, distinct), "{deliveries}");
    }
}

/// How many deliveries there were, and how many different keys they had.
fn keys(world: &World, deliveries: &str) -> (usize, usize) {
    let requests = world.service.requests(deliveries);
    let keys: BTreeSet<_> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    (requests.len(), keys.len())
}
