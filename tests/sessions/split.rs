//! Authentication first, the channel afterwards: the result waits with the citizen, sealed.

use serde_json::json;

use crate::{
    support::{
        browser::{Browser, field},
        comm_plugin::Way,
    },
    updates::resealing,
    world::{CONTINUE, PUBLIC, PURPOSE, Setup, World, refusal, start},
};

/// A world with two channels and two purposes.
fn world() -> World {
    let mut setup = Setup::one("brokering: observe", "").comm("call", "disable_attributes_at_start: true");
    setup.purposes += "  - { tag: other, attributes: [email], allowed_auth: [irma], allowed_comm: [chat] }\n";
    setup.purposes +=
        "  - { tag: chat_only, attributes: [email], allowed_auth: [irma], allowed_comm: [chat] }\n";
    World::new(&setup)
}

/// Signs in for a purpose; what the citizen holds, and the page that holds it.
fn signed_in(browser: &mut Browser, purpose: &str) -> (String, String) {
    let sign_in = start(browser, &json!({"purpose": purpose, "auth_method": "irma"}));
    let landing = browser.open(&sign_in);
    assert_eq!(landing.status(), Some(200), "{}", landing.text());
    let held = field(landing.text(), "session").unwrap_or_else(|| panic!("no session in {}", landing.text()));
    (held, landing.text().to_owned())
}

fn choose(world: &World, purpose: &str, method: &str, held: &str) -> crate::support::client::Response {
    let body = json!({"purpose": purpose, "comm_method": method, "session": held});
    world.browser().post_json(&format!("{PUBLIC}/start"), &body)
}

#[test]
fn the_citizen_chooses_among_the_purposes_channels() {
    let world = world();
    let mut browser = world.browser();
    let (held, page) = signed_in(&mut browser, PURPOSE);
    assert!(page.contains("chat") && page.contains("call"), "{page}");
    let asked = world.auth.last();
    assert!(asked.continuation().starts_with(CONTINUE) && asked.attr_url().is_none());
    assert_eq!(world.comm.started(), 0, "no conversation before the choice");
    for (method, way) in [("chat", Way::Start), ("call", Way::Post)] {
        let fields = [("purpose", PURPOSE), ("comm_method", method), ("session", &held)];
        let answer = browser.post_form(&format!("{PUBLIC}/start"), &fields);
        assert_eq!(browser.follow_answer(PUBLIC, answer).status(), Some(200), "{method}");
        assert_eq!(world.comm.take_delivery().way, way, "{method}");
    }
}

#[test]
fn a_plugin_that_takes_the_result_at_the_start_is_told_once() {
    let world = world();
    let (held, _) = signed_in(&mut world.browser(), PURPOSE);
    world.comm.plan_of("chat", |plan| plan.client_url = "no URL".to_owned());
    let refusals = [(); 2].map(|()| refusal(&choose(&world, PURPOSE, "chat", &held)));
    assert_eq!(refusals, [(502, "comm_plugin_error".into()), (502, "delivery_failed".into())]);
    assert_eq!(world.comm.started(), 1, "it may have taken the result");
    let (held, _) = signed_in(&mut world.browser(), PURPOSE);
    world.comm.plan_of("chat", |plan| plan.client_url = format!("https://chat.test/{}", "x".repeat(4_000)));
    let refusals = [(); 2].map(|()| refusal(&choose(&world, PURPOSE, "chat", &held)));
    assert_eq!(refusals, [(502, "url_too_long".into()), (502, "delivery_failed".into())]);
    assert_eq!(world.comm.started(), 2, "it has taken the result");
}

#[test]
fn what_the_citizen_holds_is_good_for_its_own_purpose_only() {
    let world = world();
    let (held, _) = signed_in(&mut world.browser(), "chat_only");
    assert_eq!(refusal(&choose(&world, "other", "chat", &held)), (404, "unknown_session".into()));
    assert_eq!(refusal(&choose(&world, "chat_only", "call", &held)), (400, "comm_method_not_allowed".into()));
    let page = world.browser().get(&format!("{PUBLIC}/choose/other?session={held}"));
    assert_eq!(page.status, 404);
    assert_eq!(world.comm.started(), 0);
    assert_eq!(choose(&world, "chat_only", "chat", &held).status, 200);
}

#[test]
fn what_the_citizen_holds_cannot_be_made_up() {
    let world = world();
    let (held, _) = signed_in(&mut world.browser(), PURPOSE);
    let continuation = world.auth.continuation();
    let other_kind = continuation.strip_prefix(CONTINUE).expect("it is the gateway's");
    let cut = &held[..held.len() - 1];
    for forged in [other_kind, cut, "made-up", "....", &format!("{held}A")] {
        assert_eq!(
            refusal(&choose(&world, PURPOSE, "chat", forged)),
            (404, "unknown_session".into()),
            "{forged}"
        );
        let page = world.browser().get(&format!("{PUBLIC}/choose/{PURPOSE}?session={forged}"));
        assert_eq!(page.status, 404, "{forged}");
    }
    let elsewhere = world.browser().get(&format!("{CONTINUE}{held}?result=a.b.c.d.e"));
    assert_eq!(elsewhere.status, 404, "what is held is no continuation");
    assert_eq!(world.comm.started(), 0);
}

#[test]
fn a_long_result_waits_on_the_page_itself() {
    let names: Vec<_> = (0..40).map(|number| format!("attribute_number_{number}")).collect();
    let mut setup = Setup::one("brokering: observe", "");
    setup.purposes = format!(
        "  - {{ tag: {PURPOSE}, attributes: {names:?}, allowed_auth: [irma], allowed_comm: [chat] }}\n"
    );
    let world = World::new(&setup);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &json!({"purpose": PURPOSE, "auth_method": "irma"}));
    let landing = browser.open(&sign_in);
    assert!(landing.url.starts_with(CONTINUE), "in place: a Location would be too long");
    let held = field(landing.text(), "session").expect("the page holds the result");
    assert!(held.len() > 3_500, "{}", held.len());
    assert_eq!(choose(&world, PURPOSE, "chat", &held).status, 200);
    assert_eq!(world.comm.take_delivery().way, Way::Start);
}

#[test]
fn a_result_that_cannot_be_verified_starts_no_conversation() {
    let world = resealing("", None);
    world.auth.plan(|plan| plan.clock_ahead = -400);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &json!({"purpose": PURPOSE, "auth_method": "irma"}));
    let landing = browser.open(&sign_in);
    // Whether it is seen at once or at the choice: the conversation never sees it.
    if let Some(held) = field(landing.text(), "session") {
        let answer = choose(&world, PURPOSE, "chat", &held);
        assert_eq!(refusal(&answer), (400, "result_rejected".into()));
    } else {
        assert_eq!(landing.status(), Some(400));
    }
    assert!(world.comm.deliveries().is_empty());
}
