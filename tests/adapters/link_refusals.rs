//! Who is not sent on by a link, and is told so.

use crate::{
    link::{ROOM, Rooms, TEST},
    support::client::Response,
    world::{CONTINUE, PUBLIC, Setup, full, start},
};

fn assert_refused(answer: &Response, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{why}: {}", answer.text());
    assert!(answer.header("location").is_none(), "{why}");
    assert!(answer.text().contains("/choose/report_move"), "{why}: no way on");
    assert!(!answer.text().contains("jan@example.nl"), "{why}");
}

#[test]
fn only_the_sessions_own_result_opens_the_room() {
    let rooms = Rooms::of(ROOM);
    let mut browser = rooms.world.browser();
    let own = rooms.signed_in(&mut browser, "confirm");
    let other = rooms.signed_in(&mut browser, "confirm");
    let (page, result) = own.split_once("?result=").expect("a result");
    let (other_page, other_result) = other.split_once("?result=").expect("a result");
    let state = page.rsplit('/').next().expect("a state");
    let changed = format!("{}{}", &result[..result.len() - 1], if result.ends_with('A') { "Q" } else { "A" });
    for (why, query) in [
        ("none", String::new()),
        ("empty", "?result=".to_owned()),
        ("another's", format!("?result={other_result}")),
        ("made up", "?result=made-up".to_owned()),
        ("changed", format!("?result={changed}")),
        ("of another kind", format!("?result={state}")),
        ("two of them", format!("?result={result}&result={result}")),
        ("under another name", format!("?results={result}")),
    ] {
        assert_refused(&browser.get(&format!("{page}{query}")), 400, why);
    }
    assert_eq!(browser.get(&format!("{other_page}x?result={other_result}")).status, 404);
    assert_eq!(browser.get(&format!("{PUBLIC}/comm/video/{result}")).status, 404, "a result is no page");
    assert!(rooms.arrivals().is_empty());
    let line = rooms.world.gateway.wait_for_log(|line| line.message() == "link refused");
    assert_eq!(line.text_field("reason"), Some("no result came, or several"));
    assert_eq!((line.text_field("level"), line.text_field("method")), (Some("WARN"), Some("video")));
    assert!(!rooms.world.gateway.log_text().contains(result), "no token in the log");
    assert_eq!(browser.open(&own).status(), Some(200));
    assert_eq!(rooms.arrivals().len(), 1);
}

#[test]
fn one_methods_page_is_not_anothers() {
    let setup = Setup::default().auth("test", TEST).comm("video", ROOM).comm("plain", ROOM);
    let rooms = Rooms::new(&setup);
    let mut browser = rooms.world.browser();
    let own = rooms.signed_in(&mut browser, "confirm");
    // The purpose might not allow the other one.
    assert_eq!(browser.get(&own.replace("/comm/video/", "/comm/plain/")).status, 404);
    assert!(rooms.arrivals().is_empty());
}

#[test]
fn who_cancels_or_fails_goes_nowhere() {
    for action in ["cancel", "fail"] {
        let rooms = Rooms::of(ROOM);
        let mut browser = rooms.world.browser();
        let ended = rooms.signed_in(&mut browser, action);
        assert!(ended.starts_with(CONTINUE), "{action}: {ended}");
        let page = browser.get(&ended);
        assert_eq!(page.status, 200, "{action}");
        assert!(page.text().contains("/choose/report_move"), "{action}: {}", page.text());
        assert!(rooms.arrivals().is_empty());
    }
}

#[test]
fn a_template_that_cannot_be_filled_in_sends_nobody_on() {
    // `test` has no such value; the other one is no segment of a path.
    let lacking = "test: { attributes: { email: jan@example.nl } }";
    let climbing = "test: { attributes: { email: jan@example.nl, fullname: \"..\" } }";
    for (auth, wrong) in [
        (lacking, "`attributes.fullname` has no value, and there is no `default`"),
        (climbing, "a value cannot stand where it is named"),
    ] {
        let link = "link: { url: \"http://meet.test/{{ attributes.fullname }}/x\" }";
        let rooms = Rooms::new(&Setup::default().auth("test", auth).comm("video", link));
        let mut browser = rooms.world.browser();
        let link = rooms.signed_in(&mut browser, "confirm");
        assert_refused(&browser.get(&link), 502, auth);
        let line = rooms.world.gateway.wait_for_log(|line| line.message() == "link refused");
        let reason = line.text_field("reason").unwrap_or_default();
        assert_eq!(reason, format!("a template of plugins.yaml cannot be filled in: {wrong}"));
        assert!(!rooms.world.gateway.log_text().contains("jan@example.nl"));
        assert!(rooms.arrivals().is_empty());
    }
}

#[test]
fn nothing_happens_before_somebody_looks() {
    let rooms = Rooms::of(ROOM);
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    let prefetch = browser.request("GET", &link, &[("Purpose", "prefetch")], b"");
    assert_eq!((prefetch.status, prefetch.header("location")), (204, None));
    let head = browser.request("HEAD", &link, &[], b"");
    assert_eq!((head.status, head.header("location")), (200, None));
    assert_eq!(browser.request("POST", &link, &[], b"x").status, 405);
    let internal = link.replace("gateway.test", "internal.test");
    assert_ne!(rooms.world.send("server", "GET", &internal, &[], b"").status, 303);
    start(&mut browser, &full("test", "video"));
    assert!(rooms.arrivals().is_empty());
}
