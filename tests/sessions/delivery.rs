//! Results are delivered once, and a delivery that fails is seen.

use std::{net::TcpListener, thread};

use crate::{
    support::{
        answers,
        auth_plugin::Posts,
        browser::{Browser, links},
        comm_plugin::Way,
        stub::{Gate, Step},
    },
    world::{ATTRIBUTES, Setup, World, irma_and_chat, one_reference, refusal, start},
};

/// The gateway posts, when the browser brings the result.
const GATEWAY_POSTS: &str = "brokering: observe, disable_attr_url: true";
/// The plugin posts, through the gateway.
const PLUGIN_POSTS: &str = "brokering: observe";

fn world(auth: &str) -> World {
    World::new(&Setup::one(auth, ""))
}

/// The same, with a receiver that fails in this way.
fn failing_world(auth: &str, what: &str, steps: Option<Vec<Step>>) -> World {
    // Patient, where nobody has to wait for its end: a busy machine is slow.
    let patience = if what == "stalls" { "timeout: 500ms" } else { "" };
    let world = World::new(&Setup::one(auth, patience));
    fail(&world, steps);
    world
}

/// A session that has just signed in: the browser, and the URL that it is sent back to.
fn signed_in(world: &World) -> (Browser, String) {
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
    (browser, back)
}

fn posts(world: &World) -> usize {
    world.comm.requests().iter().filter(|request| request.target().contains("/attr/")).count()
}

#[test]
fn going_back_and_reloading_deliver_once() {
    for options in [GATEWAY_POSTS, "brokering: bind", "brokering: off, disable_attr_url: true"] {
        let world = world(options);
        let (mut browser, back) = signed_in(&world);
        for visit in 0..4 {
            let landing = browser.open(&back);
            assert!(landing.url.contains("/room/0"), "{options}, visit {visit}: {landing:?}");
        }
        assert_eq!((posts(&world), world.comm.deliveries().len()), (1, 1), "{options}");
        assert_eq!(world.events("attributes_delivered", "ok"), 1, "{options}");
        assert_eq!(world.events("attributes_delivered", "delivery_failed"), 0, "{options}");
        one_reference(&world.lines_until("handed_over", "ok"));
    }
}

#[test]
fn a_browser_without_cookies_delivers_once_too() {
    let world = world(GATEWAY_POSTS);
    let (mut browser, back) = signed_in(&world);
    for _ in 0..3 {
        assert!(browser.open(&back).url.contains("/room/0"));
        browser.forget_cookies();
    }
    assert_eq!(posts(&world), 1);
}

#[test]
fn in_band_a_reload_gives_the_result_again() {
    let world = world("brokering: observe");
    world.comm.plan(|plan| plan.attr_url = None);
    let (mut browser, back) = signed_in(&world);
    for _ in 0..2 {
        assert!(browser.open(&back).url.contains("/room/0?result="));
    }
    assert_eq!(posts(&world), 0);
}

#[test]
fn two_visits_at_once_deliver_once() {
    let world = World::new(&Setup::one(GATEWAY_POSTS, ""));
    let gate = Gate::default();
    let held = [vec![Step::Await(gate.clone())], answers::answer(200, &[], "")].concat();
    world.comm.plan(|plan| plan.delivery = Some(held));
    let (browser, back) = signed_in(&world);
    let visits: Vec<_> = (0..4)
        .map(|_| {
            let (mut browser, back) = (browser.clone(), back.clone());
            thread::spawn(move || browser.get(&back))
        })
        .collect();
    world.comm.wait_for_requests(2);
    gate.open();
    for visit in visits {
        assert_eq!(visit.join().expect("the visit ends").status, 303);
    }
    assert_eq!(posts(&world), 1);
}

/// A receiver that fails, and what the plugin that posts is told.
type Failure = (&'static str, Option<Vec<Step>>, u16);

fn failures() -> Vec<Failure> {
    vec![
        ("is not there", None, 502),
        ("answers 500", Some(answers::answer(500, &[], "")), 500),
        ("answers 404 at once", Some(answers::answer(404, &[], "")), 404),
        ("redirects", Some(answers::redirect(302, "http://127.0.0.1/")), 502),
        ("resets", Some(vec![Step::Reset]), 502),
        ("closes", Some(vec![Step::Close]), 502),
        ("stalls", Some(vec![Step::Stall]), 504),
        ("sends garbage", Some(answers::garbage()), 502),
    ]
}

fn fail(world: &World, steps: Option<Vec<Step>>) {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    world.comm.plan(|plan| {
        if steps.is_none() {
            plan.attr_url = Some(format!("http://{closed}/attr/{{n}}"));
        }
        plan.delivery = steps;
    });
}

#[test]
fn a_delivery_of_the_gateways_that_fails_is_a_page_a_count_and_a_line() {
    for (what, steps, _) in failures() {
        let world = failing_world(GATEWAY_POSTS, what, steps);
        let (mut browser, back) = signed_in(&world);
        let landing = browser.open(&back);
        assert_eq!(landing.status(), Some(502), "{what}: {}", landing.text());
        let ways = links(landing.text());
        assert!(ways.iter().any(|link| link.contains("/choose/report_move")), "{what}: {ways:?}");
        assert_eq!(world.events("attributes_delivered", "delivery_failed"), 1, "{what}");
        let line = world.wait_for_event("attributes_delivered", "delivery_failed");
        assert_eq!(line.text_field("level"), Some("WARN"), "{what}: {}", line.text);
        let reference = one_reference(&world.lines_until("attributes_delivered", "delivery_failed"));
        assert!(landing.text().contains(&reference), "{what}");
        assert!(posts(&world) <= 1, "{what}: never repeated by itself");
    }
}

#[test]
fn a_citizen_whose_result_was_lost_may_go_on_without() {
    for options in [GATEWAY_POSTS, PLUGIN_POSTS] {
        let world = world(options);
        fail(&world, Some(answers::answer(500, &[], "")));
        let (mut browser, back) = signed_in(&world);
        let landing = browser.open(&back);
        let ways = links(landing.text());
        assert!(ways.iter().any(|link| link.ends_with("/room/0")), "{options}: {ways:?}");
    }
}

#[test]
fn a_plugin_that_posts_is_told_what_its_receiver_said() {
    for (what, steps, status) in failures() {
        let world = failing_world(PLUGIN_POSTS, what, steps);
        let (mut browser, back) = signed_in(&world);
        assert_eq!(world.auth.last().posted, [status], "{what}");
        assert_eq!(world.events("attributes_delivered", "delivery_failed"), 1, "{what}");
        // The plugin ignores it. The gateway does not.
        let landing = browser.open(&back);
        assert_eq!(landing.status(), Some(502), "{what}: {}", landing.text());
        assert!(!links(landing.text()).is_empty(), "{what}: a way on");
        let program = world.send("program", "GET", &back, &[], b"");
        assert_eq!(refusal(&program), (502, "delivery_failed".into()), "{what}");
        one_reference(&world.lines_until("attributes_delivered", "delivery_failed"));
    }
}

#[test]
fn what_a_receiver_may_have_taken_is_not_sent_again() {
    // After 500, or silence, nobody knows: a second delivery might be one too many.
    for (what, steps, sent_again) in [
        ("is not there", None, true),
        ("answers 500", Some(answers::answer(500, &[], "")), false),
        ("resets", Some(vec![Step::Reset]), false),
    ] {
        let world = failing_world(GATEWAY_POSTS, what, steps.clone());
        let (mut browser, back) = signed_in(&world);
        for _ in 0..3 {
            assert_eq!(browser.open(&back).status(), Some(502), "{what}");
        }
        assert_eq!(calls(&world, "chat"), if sent_again { 3 } else { 1 }, "{what}");
        let world = failing_world(PLUGIN_POSTS, what, steps);
        signed_in(&world);
        for _ in 0..2 {
            assert!(world.auth.post(0) >= 500, "{what}");
        }
        assert_eq!(calls(&world, "chat"), if sent_again { 3 } else { 1 }, "{what}");
    }
}

/// How often a result was sent to a plugin, or tried to.
fn calls(world: &World, plugin: &str) -> u64 {
    let labels = ["operation=\"deliver_attributes\"".to_owned(), format!("plugin=\"{plugin}\"")];
    world.metric("idcontact_plugin_requests_total", &labels.each_ref().map(String::as_str))
}

#[test]
fn a_second_post_is_not_passed_on() {
    let world = world(PLUGIN_POSTS);
    let (mut browser, back) = signed_in(&world);
    assert_eq!(world.auth.post(0), 404, "as its receiver would answer");
    assert_eq!(world.auth.post(0), 404);
    assert_eq!((posts(&world), world.comm.refused()), (1, 0));
    assert_eq!(world.events("attributes_delivered", "ok"), 1);
    assert_eq!(world.events("attributes_delivered", "delivery_failed"), 0);
    assert!(browser.open(&back).url.contains("/room/0"), "all is well for the citizen");
}

#[test]
fn a_post_is_passed_on_as_it_came() {
    let world = world(PLUGIN_POSTS);
    world.auth.plan(|plan| plan.posts = Posts::Later);
    for content_type in [Some("application/jwt"), Some("text/plain; charset=utf-8"), None] {
        signed_in(&world);
        let session = world.auth.sessions().len() - 1;
        let (token, asked) = (world.auth.result(session), world.auth.last());
        let attr_url = asked.attr_url().expect("an attr_url");
        assert!(attr_url.starts_with(ATTRIBUTES));
        let headers: Vec<_> = content_type.iter().map(|value| ("Content-Type", *value)).collect();
        let answer = world.send("auth", "POST", attr_url, &headers, token.as_bytes());
        assert_eq!((answer.status, answer.body.content.len()), (200, 0), "{content_type:?}");
        assert_eq!(world.comm.take_delivery().token, token);
    }
    let last = world.comm.requests().into_iter().rfind(|request| request.target().contains("/attr/"));
    let last = last.expect("a post");
    assert_eq!(last.header("content-type"), Some("application/jwt"));
    assert!(last.header("x-request-id").is_some(), "one id through all logs");
}

#[test]
fn no_attribute_and_no_token_is_logged_or_counted() {
    let world = world(GATEWAY_POSTS);
    let (mut browser, back) = signed_in(&world);
    browser.open(&back);
    let token = world.comm.take_delivery().token;
    let metrics = world.gateway.admin().get("admin", "/metrics", &[]).text().to_owned();
    let seen = format!("{}{metrics}", world.gateway.log_text());
    let state = world.auth.continuation().rsplit('/').next().expect("a state").to_owned();
    for secret in ["the citizen's", &token[token.len() - 40..], &state[state.len() - 40..], "result="] {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
}

#[test]
fn a_plugin_that_ignores_attr_url_is_served_all_the_same() {
    let world = world(PLUGIN_POSTS);
    world.auth.plan(|plan| plan.ignores_attr_url = true);
    let (mut browser, back) = signed_in(&world);
    assert!(back.contains("?result="));
    for _ in 0..2 {
        let landing = browser.open(&back);
        assert!(landing.url.ends_with("/room/0"), "{landing:?}");
    }
    assert_eq!((posts(&world), world.comm.take_delivery().way), (1, Way::Post));
}

#[test]
fn a_plugin_that_does_both_delivers_once() {
    let world = world(PLUGIN_POSTS);
    let (mut browser, back) = signed_in(&world);
    let both = format!("{back}?result={}", world.auth.result(0));
    assert!(browser.open(&both).url.ends_with("/room/0"));
    assert_eq!((posts(&world), world.comm.refused()), (1, 0));
}

#[test]
fn a_citizen_who_is_faster_than_the_post_waits_for_it() {
    let world = World::new(&Setup::one(PLUGIN_POSTS, ""));
    world.auth.plan(|plan| plan.posts = Posts::Later);
    let gate = Gate::default();
    let held = [vec![Step::Await(gate.clone())], answers::answer(500, &[], "")].concat();
    world.comm.plan(|plan| plan.delivery = Some(held));
    let (browser, back) = signed_in(&world);
    thread::scope(|scope| {
        let post = scope.spawn(|| world.auth.post(0));
        world.comm.wait_for_requests(2);
        let visit = scope.spawn(|| browser.clone().get(&back));
        gate.open();
        assert_eq!(post.join().expect("the post ends"), 500);
        // Before or after: a page or the conversation, but an answer.
        let status = visit.join().expect("the visit ends").status;
        assert!(matches!(status, 303 | 502), "{status}");
    });
}

#[test]
fn a_post_has_a_largest_size_and_a_body() {
    let world = world(PLUGIN_POSTS);
    world.auth.plan(|plan| plan.posts = Posts::Later);
    signed_in(&world);
    let asked = world.auth.last();
    let attr_url = asked.attr_url().expect("an attr_url");
    let jwt = [("Content-Type", "application/jwt")];
    let send = |body: &[u8]| world.send("auth", "POST", attr_url, &jwt, body);
    assert_eq!(refusal(&send(b"")), (400, "invalid_request".into()));
    assert_eq!(refusal(&send(&vec![b'x'; 70_000])), (413, "request_too_large".into()));
    assert_eq!(posts(&world), 0);
    assert_eq!(world.auth.post(0), 200, "and then the right one");
    assert_eq!(world.events("attributes_delivered", "rejected"), 1, "the empty one is seen");
}

#[test]
fn a_result_cannot_break_out_of_its_place() {
    let world = world("brokering: observe");
    world.comm.plan(|plan| plan.attr_url = None);
    let (_, back) = signed_in(&world);
    let (state, _) = back.split_once('?').expect("a result");
    for wrong in
        ["%0d%0aSet-Cookie:%20a=b", "x%26session=y", "%22%3e%3cscript%3e", "x%23y", "%00", "%ff", "a%20b"]
    {
        let answer = world.send("forger", "GET", &format!("{state}?result={wrong}"), &[], b"");
        assert_eq!(answer.header_values("set-cookie"), Vec::<&str>::new(), "{wrong}");
        let Some(location) = answer.header("location") else {
            assert!((400..500).contains(&answer.status), "{wrong}: {}", answer.status);
            continue;
        };
        let (before, value) = location.split_once("?result=").expect("the result goes along");
        assert!(before.ends_with("/room/0"), "{wrong}: {location}");
        assert!(!value.contains(['&', '#', '"', '<', ' ']), "{wrong}: {location}");
    }
    let empty = world.send("forger", "GET", &format!("{state}?result="), &[], b"");
    assert_eq!((empty.status, empty.header("location")), (200, None), "no result is none");
}
