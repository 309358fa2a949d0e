//! How long URLs may become (protocol.md, "URL budget").

use crate::{
    support::{
        answers,
        browser::{links, refresh},
        comm_plugin::Way,
        stub::StubServer,
    },
    world::{Setup, World, full, irma_and_chat, refusal, start},
};
use serde_json::json;

/// A URL of exactly so many characters.
fn url_of(length: usize) -> String {
    let start = "https://chat.example/";
    format!("{start}{}", "x".repeat(length - start.len()))
}

#[test]
fn sealed_state_is_small() {
    let world = World::new(&Setup::one("brokering: observe", ""));
    world.comm.plan(|plan| {
        plan.client_url =
            "https://chat.municipality.example/conversation/6f1c2a9e-8d1f-4b5e-9f57-1d0e1f2a3b4c".into();
        plan.attr_url = Some(
            "http://comm-chat.internal:3000/internal/attributes/6f1c2a9e-8d1f-4b5e-9f57-1d0e1f2a3b4c".into(),
        );
    });
    start(&mut world.browser(), &irma_and_chat());
    let asked = world.auth.last();
    let (continuation, attr_url) = (asked.continuation().len(), asked.attr_url().expect("an attr_url").len());
    println!("a continuation of {continuation} characters, an attr_url of {attr_url}");
    assert!(continuation <= 520, "{continuation}");
    assert!(attr_url <= 400, "{attr_url}");
}

#[test]
fn so_many_characters_may_be_handed_out_that_a_plugin_can_embed_them_and_not_one_more() {
    let world = World::new(&Setup::one("brokering: observe", ""));
    let handed = |length: usize| {
        world.comm.plan(|plan| plan.client_url = url_of(length));
        let answer = world.browser().post_json("http://gateway.test/start", &irma_and_chat());
        (answer.status == 200).then(|| {
            let asked = world.auth.last();
            asked.continuation().len() + asked.attr_url().map_or(0, str::len)
        })
    };
    let some = handed(300).expect("that is short enough");
    // Three bytes are four characters.
    let fitting = 300 + (1_350 - some) * 3 / 4;
    let lengths: Vec<_> = (fitting - 4..fitting + 8).map(handed).collect();
    let longest = lengths.iter().flatten().max().expect("one of them fits");
    assert!((1_348..=1_350).contains(longest), "{lengths:?}");
    assert!(lengths.last().is_some_and(Option::is_none), "{lengths:?}");
}

#[test]
fn what_a_plugin_could_not_embed_is_refused_at_the_start() {
    refuses_client_url("brokering: observe", 1_351);
    let world = World::new(&Setup::one("brokering: observe", ""));
    world.comm.plan(|plan| plan.attr_url = Some(url_of(1_351)));
    let answer = world.browser().post_json("http://gateway.test/start", &irma_and_chat());
    assert_eq!(refusal(&answer), (502, "url_too_long".into()), "{}", answer.text());
}

#[test]
fn what_no_browser_could_be_sent_to_is_refused_without_brokering_too() {
    refuses_client_url("brokering: off", 3_501);
}

fn refuses_client_url(options: &str, length: usize) {
    let world = World::new(&Setup::one(options, ""));
    world.comm.plan(|plan| plan.client_url = url_of(length));
    let answer = world.browser().post_json("http://gateway.test/start", &irma_and_chat());
    assert_eq!(refusal(&answer), (502, "url_too_long".into()), "{options}: {}", answer.text());
    assert!(world.auth.requests().is_empty(), "{options}: refused before the sign-in starts");
    let line = world.wait_for_event("start", "plugin_error");
    assert!(!line.text.contains("xxxxxxxx"), "{options}: no URL in the log");
}

#[test]
fn a_sign_in_page_whose_url_is_too_long_is_refused() {
    for (length, status) in [(3_500, 200), (3_501, 502)] {
        let auth = StubServer::always(answers::json(&json!({ "client_url": url_of(length) })));
        let options = format!("brokering: observe, start: \"{}\"", auth.url());
        let world = World::new(&Setup::one(&options, ""));
        let answer = world.browser().post_json("http://gateway.test/start", &irma_and_chat());
        assert_eq!(answer.status, status, "{length}: {}", answer.text());
    }
}

#[test]
fn a_long_result_goes_on_by_a_page() {
    let names: Vec<_> = (0..40).map(|number| format!("attribute_number_{number}")).collect();
    let mut setup = Setup::one("brokering: observe", "").comm("video", "");
    setup.purposes = format!(
        "  - {{ tag: report_move, attributes: {names:?}, allowed_auth: [irma], allowed_comm: [chat, video] }}\n"
    );
    let world = World::new(&setup);
    world.comm.plan(|plan| plan.attr_url = None);
    world.comm.plan_of("video", |plan| plan.client_url += "?a=b#c");
    for (method, end) in [("chat", ""), ("video", "#c")] {
        let mut browser = world.browser();
        let landing = browser.open(&start(&mut browser.clone(), &full("irma", method)));
        assert_eq!(landing.status(), Some(200));
        assert!(landing.url.starts_with("http://gateway.test/session/continue/"), "{}", landing.url.len());
        let onward = refresh(landing.text()).unwrap_or_else(|| panic!("no way on in {}", landing.text()));
        assert!(onward.len() > 3_500 && onward.ends_with(end), "{}", onward.len());
        assert!(links(landing.text()).contains(&onward), "the same as a link");
        assert_eq!(browser.open(&onward).status(), Some(200));
        let delivery = world.comm.take_delivery();
        assert_eq!(delivery.way, Way::ClientUrl);
        assert!(world.comm.open(&delivery).is_ok());
    }
    // Posted, the same result makes no long URL.
    world.comm.plan(|plan| plan.attr_url = Some("{url}/attr/{n}".into()));
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &full("irma", "chat"));
    assert!(browser.open(&sign_in).url.contains("/room/"));
    assert_eq!(world.comm.take_delivery().way, Way::Post);
}
