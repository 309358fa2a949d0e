//! How a sign-in can end, and what must not count as an end.

use id_contact_gateway::tokens::{AuthenticationOutcome, TokenError};

use crate::{
    support::{
        auth_plugin::{Append, Finish, Posts},
        browser::{PAGE, links},
        client::Response,
        comm_plugin::Way,
        keys::{Kind, key},
    },
    updates::resealing,
    world::{Setup, World, irma_and_chat, refusal, start},
};

fn world(auth: &str, in_band: bool) -> World {
    let world = World::new(&Setup::one(auth, ""));
    if in_band {
        world.comm.plan(|plan| plan.attr_url = None);
    }
    world
}

const OBSERVE: &str = "brokering: observe";

#[test]
fn who_comes_back_without_a_result_did_not_sign_in() {
    for (options, in_band) in [
        (OBSERVE, true),
        ("brokering: observe, disable_attr_url: true", false),
        ("brokering: bind", true),
        ("brokering: bind", false),
    ] {
        let world = world(options, in_band);
        world.auth.plan(|plan| plan.finish = Finish::Cancel);
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        let landing = browser.open(&sign_in);
        assert_eq!(landing.status(), Some(200), "{options}: {}", landing.text());
        let again = links(landing.text());
        assert!(again.iter().any(|link| link.contains("/choose/report_move")), "{options}: {again:?}");
        assert!(world.comm.deliveries().is_empty(), "{options}");
        assert_eq!(world.events("auth_returned", "cancelled"), 1, "{options}");
        assert_eq!(world.events("handed_over", "ok"), 0, "{options}");
        let line = world.wait_for_event("auth_returned", "cancelled");
        assert!(landing.text().contains(line.text_field("session").expect("a reference")), "{options}");
        // The citizen goes back and signs in after all.
        world.auth.plan(|plan| plan.finish = Finish::Success);
        assert_eq!(browser.open(&sign_in).status(), Some(200), "{options}");
        world.comm.take_delivery();
    }
}

#[test]
fn who_cancels_out_of_band_goes_on_as_the_plugin_says() {
    // The post may still be on its way: only the conversation knows whether it came.
    let world = world(OBSERVE, false);
    world.auth.plan(|plan| plan.finish = Finish::Cancel);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let landing = browser.open(&sign_in);
    assert!(landing.url.contains("/room/"), "{landing:?}");
    assert!(world.comm.deliveries().is_empty());
}

#[test]
fn who_never_comes_back_leaves_nothing_behind() {
    let world = world(OBSERVE, false);
    world.auth.plan(|plan| plan.finish = Finish::Never);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    assert_eq!(browser.open(&sign_in).text(), "Please sign in.");
    assert!(world.comm.deliveries().is_empty());
    assert_eq!(world.events("start", "ok"), 1);
    assert_eq!(world.events("auth_returned", "ok"), 0);
}

#[test]
fn a_failed_result_reaches_the_conversation() {
    for (options, in_band) in [
        (", brokering: observe", true),
        (", brokering: observe", false),
        (", brokering: observe, disable_attr_url: true", false),
        (", brokering: bind", false),
    ] {
        let world = resealing(options, None);
        world.auth.plan(|plan| plan.finish = Finish::Failed);
        if in_band {
            world.comm.plan(|plan| plan.attr_url = None);
        }
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        assert_eq!(browser.open(&sign_in).status(), Some(200), "{options}");
        let delivery = world.comm.take_delivery();
        assert_eq!(delivery.way, if in_band { Way::ClientUrl } else { Way::Post }, "{options}");
        assert_eq!(world.comm.open(&delivery).expect("it opens").outcome, AuthenticationOutcome::Failed);
        let counted =
            world.events("auth_returned", "failed") + world.events("attributes_delivered", "failed");
        assert!(counted > 0, "{options}: an operator sees that it failed");
    }
}

#[test]
fn the_citizen_may_arrive_before_the_attributes() {
    for redirect in [302, 303] {
        let world = world(OBSERVE, false);
        world.auth.plan(|plan| (plan.posts, plan.redirect) = (Posts::Later, redirect));
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        let landing = browser.open(&sign_in);
        assert!(landing.url.contains("/room/"), "{landing:?}");
        assert!(world.comm.deliveries().is_empty());
        assert_eq!(world.auth.post(0), 200);
        assert_eq!(world.comm.take_delivery().way, Way::Post);
        assert_eq!(world.events("attributes_delivered", "ok"), 1);
    }
}

#[test]
fn plugins_add_the_result_each_in_its_own_way() {
    for (client_url, landed) in [
        ("{url}/room/{n}", "/room/0?result="),
        ("{url}/room/{n}?b=2&a=1%20x", "/room/0?b=2&a=1%20x&result="),
        ("{url}/room/{n}#top", "/room/0?result="),
        ("{url}/room/{n}?a#top", "/room/0?a&result="),
        ("{url}/room/{n}?", "/room/0?"),
    ] {
        for append in [Append::AtEnd, Append::Sorted] {
            let world = world(OBSERVE, true);
            world.auth.plan(|plan| plan.append = append);
            world.comm.plan(|plan| client_url.clone_into(&mut plan.client_url));
            let mut browser = world.browser();
            let sign_in = start(&mut browser, &irma_and_chat());
            let landing = browser.open(&sign_in);
            assert_eq!(landing.status(), Some(200), "{client_url}: {}", landing.text());
            assert!(landing.url.contains(landed), "{client_url} {append:?}: {}", landing.url);
            assert_eq!(landing.url.ends_with("#top"), client_url.ends_with("#top"), "{}", landing.url);
            assert!(world.comm.open(&world.comm.take_delivery()).is_ok(), "{client_url}");
        }
    }
}

#[test]
fn without_brokering_plugins_do_it_as_ever() {
    let world = world("brokering: off", true);
    world.comm.plan(|plan| plan.client_url = "{url}/room/{n}?a=b#top".into());
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let landing = browser.open(&sign_in);
    assert!(landing.url.contains("?a=b#top&result="), "at the very end of the string: {}", landing.url);
    world.comm.land(&landing.url);
    assert_eq!(world.comm.take_delivery().way, Way::ClientUrl);
}

#[test]
fn heads_and_prefetches_have_no_effect() {
    for (options, in_band) in [(OBSERVE, true), ("brokering: observe, disable_attr_url: true", false)] {
        let world = world(options, in_band);
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
        let asked =
            |method: &str, headers: &[(&str, &str)]| world.send("browser", method, &back, headers, b"");
        for prefetch in [
            ("Sec-Purpose", "prefetch"),
            ("Sec-Purpose", "prefetch;prerender"),
            ("Purpose", "prefetch"),
            ("X-Moz", "prefetch"),
            ("X-Purpose", "preview"),
        ] {
            let answer = asked("GET", &[PAGE, prefetch]);
            assert_eq!((answer.status, answer.header("location")), (204, None), "{prefetch:?}");
        }
        let head = asked("HEAD", &[PAGE]);
        assert_eq!((head.status, head.header("location")), (200, None));
        assert_eq!(asked("HEAD", &[PAGE, ("Sec-Purpose", "prefetch")]).status / 100, 2);
        assert_eq!(asked("OPTIONS", &[]).status, 405);
        assert!(world.comm.deliveries().is_empty(), "{options}");
        for outcome in ["ok", "cancelled", "rejected", "failed"] {
            assert_eq!(world.events("auth_returned", outcome), 0, "{options} {outcome}");
        }
        assert_eq!(browser.open(&back).status(), Some(200), "{options}");
        world.comm.take_delivery();
    }
}

/// A result that cannot be believed, and how its refusal is counted.
type Wrong = (&'static str, &'static str, fn(&World));

const WRONG: [Wrong; 6] = [
    ("signed by a stranger", "rejected", |world| {
        world.auth.plan(|plan| plan.signing = key("stranger", Kind::P256).signing());
    }),
    ("encrypted to another", "rejected", |world| {
        world.auth.plan(|plan| plan.encryption = key("comm", Kind::P256).encryption());
    }),
    ("expired", "expired", |world| world.auth.plan(|plan| plan.clock_ahead = -400)),
    ("from the future", "rejected", |world| world.auth.plan(|plan| plan.clock_ahead = 400)),
    ("no token", "rejected", |world| world.auth.plan(|plan| plan.instead = Some("a.b.c.d.e".into()))),
    ("hardly a token", "rejected", |world| world.auth.plan(|plan| plan.instead = Some("x".into()))),
];

#[test]
fn what_cannot_be_verified_never_reaches_the_conversation() {
    for (options, in_band) in [(", brokering: observe", true), (", brokering: bind", false)] {
        for (what, outcome, spoil) in WRONG {
            let world = resealing(options, None);
            if in_band {
                world.comm.plan(|plan| plan.attr_url = None);
            }
            spoil(&world);
            let mut browser = world.browser();
            let sign_in = start(&mut browser, &irma_and_chat());
            let landing = browser.open(&sign_in);
            assert_eq!(landing.status(), Some(400), "{what} {options}: {}", landing.text());
            assert!(!links(landing.text()).is_empty(), "{what}: a way on");
            assert!(world.comm.deliveries().is_empty(), "{what} {options}");
            assert_eq!(world.events("auth_returned", outcome), 1, "{what} {options}");
            let program: Response = world.send("program", "GET", &landing.url, &[], b"");
            if options != ", brokering: bind" {
                assert_eq!(refusal(&program), (400, "result_rejected".into()), "{what} {options}");
            }
        }
    }
}

#[test]
fn what_cannot_be_verified_is_refused_to_the_plugin_that_posts_it() {
    for (what, outcome, spoil) in WRONG {
        let world = resealing(", brokering: observe", None);
        spoil(&world);
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        let landing = browser.open(&sign_in);
        assert_eq!(world.auth.last().posted, [400], "{what}");
        // The plugin ignores it, and sends the citizen on: they would wait for nothing.
        assert_eq!(landing.status(), Some(400), "{what}: {}", landing.text());
        assert!(!links(landing.text()).is_empty(), "{what}: a way on");
        assert!(world.comm.deliveries().is_empty(), "{what}");
        let counted = world.events("auth_returned", outcome) + world.events("attributes_delivered", outcome);
        assert_eq!(counted, 1, "{what}");
    }
}

#[test]
fn a_resealed_result_ends_no_later_than_the_original() {
    let world = resealing(", brokering: observe", None);
    world.auth.plan(|plan| plan.clock_ahead = -200);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    browser.open(&sign_in);
    let result = world.comm.open(&world.comm.take_delivery()).expect("it opens");
    let left = result.expires_at - crate::support::now();
    assert!(left <= 100, "{left} seconds are left");
}

#[test]
fn an_opaque_result_passes_unread_even_when_nobody_can_open_it() {
    let world = world(OBSERVE, true);
    world.auth.plan(|plan| plan.encryption = key("stranger", Kind::P256).encryption());
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    browser.open(&sign_in);
    let delivery = world.comm.take_delivery();
    assert_eq!(world.comm.open(&delivery), Err(TokenError::Undecryptable));
}
