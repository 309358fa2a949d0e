//! Waiting for a citizen who signs in somewhere else, such as on their phone.

use crate::{
    service::state,
    support::{
        answers,
        browser::{Browser, Landing, links, refresh},
    },
    world::{PUBLIC, World, attributes, polled},
};

fn look_again(browser: &mut Browser, landing: &Landing) -> Landing {
    let again = refresh(landing.text()).expect("the page looks again");
    browser.open(&format!("{PUBLIC}{again}"))
}

#[test]
fn a_citizen_waits_until_the_service_knows() {
    for redirects in [false, true] {
        let world = World::signing_in(&polled("{ every: 2s, for: 60s }", redirects));
        world.service.tell("GET /api/sessions/", [state("waiting"), state("waiting"), state("done")]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        let mut landing = browser.open(&go);
        assert_eq!(world.service.requests("GET /login").len(), usize::from(redirects));
        for asked in 1..=2 {
            assert_eq!(landing.status(), Some(200));
            assert!(landing.text().contains("Waiting"), "{}", landing.text());
            assert!(landing.text().contains("content=\"2;url=/auth/pin/return/"), "{}", landing.text());
            assert_eq!(world.service.requests("GET /api/sessions/").len(), asked, "each page asks once");
            landing = look_again(&mut browser, &landing);
        }
        assert!(landing.url.contains("/room/0"), "{landing:?}");
        assert_eq!(world.received(), attributes("anna@example.nl", "Anna"));
    }
}

#[test]
fn a_citizen_may_look_themself() {
    let world = World::signing_in(&polled("{ every: 1s, for: 60s }", false));
    world
        .service
        .tell("GET /api/sessions/", [state("waiting"), state("waiting"), state("waiting"), state("done")]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let own = |landing: &Landing| -> Vec<_> {
        links(landing.text()).into_iter().filter(|link| link.starts_with("/auth/pin/return/")).collect()
    };
    let landing = browser.open(&go);
    let [look, by_hand] = &own(&landing)[..] else { panic!("{landing:?}") };
    assert_eq!(by_hand, &format!("{look}?refresh=off"));
    let landing = browser.open(&format!("{PUBLIC}{by_hand}"));
    assert_eq!(refresh(landing.text()), None);
    let [again, by_itself] = &own(&landing)[..] else { panic!("{landing:?}") };
    assert_eq!((again, by_itself), (by_hand, look));
    assert!(refresh(browser.open(&format!("{PUBLIC}{by_itself}")).text()).is_some());
    assert!(browser.open(&format!("{PUBLIC}{again}")).url.contains("/room/0"));
}

#[test]
fn a_citizen_who_waits_can_stop() {
    let world = World::signing_in(&polled("{ every: 1s, for: 60s }", false));
    world.service.tell("GET /api/sessions/", [state("waiting")]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let landing = browser.open(&go);
    let cancel = links(landing.text()).into_iter().find(|link| link.contains("/session/continue/"));
    let landing = browser.open(&cancel.expect("a way to stop"));
    assert!(landing.text().contains("cancelled"), "{landing:?}");
    assert!(world.comm.deliveries().is_empty());
}

#[test]
fn a_service_that_is_away_for_a_moment_is_asked_again() {
    let world = World::signing_in(&polled("{ every: 1s, for: 60s }", false));
    world.service.tell("GET /api/sessions/", [answers::answer(503, &[], ""), state("done")]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let landing = browser.open(&go);
    assert!(landing.text().contains("Waiting"), "{landing:?}");
    assert!(look_again(&mut browser, &landing).url.contains("/room/0"));
}

#[test]
fn two_tabs_wait_without_disturbing_each_other() {
    let world = World::signing_in(&polled("{ every: 1s, for: 60s }", false));
    world.service.tell("GET /api/sessions/", [state("waiting"), state("waiting"), state("done")]);
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    let tabs = [browser.open(&go), browser.open(&go)];
    for tab in &tabs {
        assert!(look_again(&mut browser, tab).url.contains("/room/0"));
    }
    assert_eq!(world.received(), attributes("anna@example.nl", "Anna"), "and once");
}

#[test]
fn whoever_never_signs_in_has_failed_in_the_end() {
    for answer in [state("waiting"), answers::answer(503, &[], "")] {
        let world = World::signing_in(&polled("{ every: 1s, for: 1s }", false));
        world.service.tell("GET /api/sessions/", [answer]);
        let mut browser = world.browser();
        let go = world.start(&mut browser, "pin", "chat");
        let mut landing = browser.open(&go);
        // As a browser that follows the page without patience; the time is up after a second.
        while landing.text().contains("Waiting") {
            landing = look_again(&mut browser, &landing);
        }
        assert!(landing.url.contains("/room/0"), "{landing:?}");
        assert_eq!(world.received(), None);
    }
}
