//! Results are delivered once, and a delivery that fails is seen.

use std::{net::TcpListener, thread};

use crate::{
    support::{
        answers,
        auth_plugin::Posts,
        browser::{Browser, links},
        stub::{Gate, Step},
    },
    world::{ATTRIBUTES, Setup, World, irma_and_chat, one_reference, refusal, start},
};

/// The gateway posts, when the browser brings the result.
const GATEWAY_POSTS: &str = "brokering: observe, disable_attr_url: true";
/// The plugin posts, through the gateway.
const PLUGIN_POSTS: &str = "brokering: observe";

fn world(auth: &str) -> World {
    World::new(&Setup::one(auth, "timeout: 400ms"))
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
        let world = world(GATEWAY_POSTS);
        fail(&world, steps);
        let (mut browser, back) = signed_in(&world);
        let landing = browser.open(&back);
        assert_eq!(landing.status(), Some(502), "{what}: {}", landing.text());
        let ways = links(landing.text());
        assert!(ways.iter().any(|link| link.contains("/choose/report_move")), "{what}: {ways:?}");
        assert!(ways.iter().any(|link| link.contains("/room/0")), "{what}: go on without: {ways:?}");
        assert_eq!(world.events("attributes_delivered", "delivery_failed"), 1, "{what}");
        let line = world.wait_for_event("attributes_delivered", "delivery_failed");
        assert_eq!(line.text_field("level"), Some("WARN"), "{what}: {}", line.text);
        let reference = one_reference(&world.lines_until("attributes_delivered", "delivery_failed"));
        assert!(landing.text().contains(&reference), "{what}");
        assert!(posts(&world) <= 1, "{what}: never repeated by itself");
    }
}

#[test]
fn a_plugin_that_posts_is_told_what_its_receiver_said() {
    for (what, steps, status) in failures() {
        let world = world(PLUGIN_POSTS);
        fail(&world, steps);
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
    assert_eq!(last.header("x-request-id").is_some(), true, "one id through all logs");
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
