//! `headers`: a front proxy says who the citizen is, and they confirm it.

use id_contact_gateway::model::Dialect;

use crate::{
    support::{
        browser::{Browser, Landing, PAGE, field},
        client::{RawClient, Response, request},
        gateway::{Files, TestGateway},
        keys::{Kind, key},
        network::Network,
    },
    world::{PUBLIC, RESEAL_COMM, Setup, World, full, start, start_gateway},
};

/// Everybody in these tests connects from there.
pub const FROM_HERE: &str =
    "headers: { from: [127.0.0.1], attributes: { email: X-Remote-Mail, fullname: X-Remote-Name } }";
const FROM_ELSEWHERE: &str =
    "headers: { from: [192.0.2.1], attributes: { email: X-Remote-Mail, fullname: X-Remote-Name } }";
const JAN: [(&str, &str); 2] = [("X-Remote-Mail", "jan@example.nl"), ("X-Remote-Name", "Jan <Jansen>")];

fn setup() -> Setup {
    Setup::default().auth("sso", FROM_HERE).auth("far", FROM_ELSEWHERE).comm("chat", RESEAL_COMM)
}

fn world() -> World {
    let world = World::new(&setup());
    world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
    world
}

fn get(browser: &mut Browser, url: &str, asserted: &[(&str, &str)]) -> Response {
    let headers = [&[PAGE, ("Accept-Language", "en")], asserted].concat();
    browser.request("GET", url, &headers, b"")
}

pub fn post(browser: &mut Browser, url: &str, asserted: &[(&str, &str)], body: &str) -> Response {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let headers = [&[PAGE, ("Accept-Language", "en"), form], asserted].concat();
    browser.request("POST", url, &headers, body.as_bytes())
}

/// The body of the form that a page has, with one of its buttons.
pub fn form(page: &Response, action: &str) -> String {
    let token = field(page.text(), "token").unwrap_or_else(|| panic!("no token in {}", page.text()));
    format!("action={action}&token={token}")
}

/// Opens the page behind a proxy that knows the citizen, and presses a button.
fn press(browser: &mut Browser, url: &str, action: &str) -> Landing {
    let page = get(browser, url, &JAN);
    assert_eq!(page.status, 200, "{}", page.text());
    let answer = post(browser, url, &JAN, &form(&page, action));
    browser.follow_answer(url, answer)
}

#[test]
fn the_citizen_confirms_what_the_proxy_says() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    assert!(url.starts_with(&format!("{PUBLIC}/auth/sso/")), "{url}");
    let page = get(&mut browser, &url, &JAN);
    assert!(page.text().contains("jan@example.nl") && page.text().contains("Jan &#60;Jansen&#62;"));
    assert!(page.header("content-security-policy").unwrap_or_default().contains("frame-ancestors 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(world.comm.deliveries().is_empty(), "nothing is released before");
    let answer = post(&mut browser, &url, &JAN, &form(&page, "confirm"));
    let landing = browser.follow_answer(&url, answer);
    assert!(landing.url.contains("/room/0"), "{landing:?}");
    let released = world.comm.attributes(&world.comm.take_delivery(), Dialect::IdContact);
    let expected = [("email", "jan@example.nl"), ("fullname", "Jan <Jansen>")];
    assert!(
        released.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected),
        "{released:?}"
    );
    world.wait_for_event("attributes_delivered", "ok");
    let log = world.gateway.log_text();
    assert!(!log.contains("jan@example.nl") && !log.contains("Jansen"), "{log}");
}

#[test]
fn who_cancels_releases_nothing() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    let landing = press(&mut browser, &url, "cancel");
    assert_eq!(landing.status(), Some(200));
    assert!(world.comm.deliveries().is_empty());
    world.wait_for_event("auth_returned", "cancelled");
    // They may think better of it.
    assert!(press(&mut browser, &url, "confirm").url.contains("/room/0"));
}

#[test]
fn a_stranger_is_nobody_whatever_the_headers_say() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("far", "chat"));
    let answers = [
        get(&mut browser, &url, &JAN),
        get(&mut browser, &url, &[]),
        post(&mut browser, &url, &JAN, "action=confirm&token=00000000000000000000000000000000"),
        post(&mut browser, &url, &JAN, "action=cancel"),
    ];
    for page in answers {
        assert_eq!(page.status, 403, "{}", page.text());
        assert!(page.text().contains("/choose/report_move") && !page.text().contains("jan@example.nl"));
        assert!(page.header("set-cookie").is_none());
    }
    let forwarded = [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1"), JAN[0], JAN[1]];
    assert_eq!(get(&mut browser, &url, &forwarded).status, 403, "who connects counts, not who is said to");
    let line = world.gateway.wait_for_log(|line| line.message() == "sign-in refused");
    assert_eq!(line.text_field("level"), Some("WARN"));
    assert_eq!(line.text_field("method"), Some("far"));
    assert_eq!(
        line.text_field("reason"),
        Some("the request does not come from the front proxy: it connects from an address not in `from`")
    );
    assert!(!line.text.contains("127.0.0.1") && !line.text.contains("192.0.2.1"), "{}", line.text);
    assert!(world.comm.deliveries().is_empty());
}

#[test]
fn a_header_that_is_missing_or_doubtful_ends_the_sign_in() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    let page = get(&mut browser, &url, &JAN);
    let doubtful: [&[(&str, &str)]; 5] = [
        &[],
        &JAN[..1],
        &[JAN[0], ("X-Remote-Name", "")],
        &[JAN[0], JAN[1], ("x-remote-name", "Piet")],
        // Some servers take the one for the other; here it is another header.
        &[JAN[0], ("X_Remote_Name", "Piet")],
    ];
    for asserted in doubtful {
        let shown = get(&mut browser.clone(), &url, asserted);
        let posted = post(&mut browser, &url, asserted, &form(&page, "confirm"));
        for answer in [shown, posted] {
            assert_eq!(answer.status, 502, "{asserted:?}");
            assert!(world.events("auth_returned", "plugin_error") > 0, "{asserted:?}");
            assert!(!answer.text().contains("jan@example.nl") && !answer.text().contains("Piet"));
        }
    }
    let line = world.gateway.wait_for_log(|line| {
        line.message() == "sign-in refused"
            && line.text_field("reason") == Some("the header `x-remote-name`, for `fullname`, came twice")
    });
    assert_eq!(line.text_field("method"), Some("sso"));
    assert!(line.text_field("session").is_some() && line.text_field("request_id").is_some());
    assert!(!world.gateway.log_text().contains("jan@") && !world.gateway.log_text().contains("Piet"));
    // Bytes that are no UTF-8.
    let target = url.strip_prefix(PUBLIC).expect("it is the gateway's");
    let mut bytes = request("GET", "gateway.test", target, &[JAN[0], ("X-Remote-Name", "#")], b"");
    let at = bytes.iter().position(|byte| *byte == b'#').expect("the mark is there");
    bytes[at] = 0xe9;
    assert_eq!(RawClient::connect(world.gateway.public).exchange(bytes).status, 502);
    assert!(world.comm.deliveries().is_empty());
    let answer = post(&mut browser, &url, &JAN, &form(&page, "confirm"));
    assert!(browser.follow_answer(&url, answer).url.contains("/room/0"));
}

#[test]
fn another_site_cannot_confirm() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    let page = get(&mut browser, &url, &JAN);
    let good = form(&page, "confirm");
    let other = start(&mut browser, &full("sso", "chat"));
    let other_form = form(&get(&mut browser, &other, &JAN), "confirm");
    let mut elsewhere = world.browser();
    for (browser, body) in [
        (&mut elsewhere, good.as_str()),
        (&mut browser.clone(), "action=confirm"),
        (&mut browser.clone(), "action=confirm&token="),
        (&mut browser.clone(), other_form.as_str()),
    ] {
        let answer = post(browser, &url, &JAN, body);
        assert_eq!(answer.status, 403, "{body}");
        assert!(answer.text().contains(&url.replace('=', "&#61;")), "a way to try again");
    }
    assert!(world.comm.deliveries().is_empty());
    let answer = post(&mut browser, &url, &JAN, &good);
    assert!(browser.follow_answer(&url, answer).url.contains("/room/0"));
}

#[test]
fn nothing_happens_before_somebody_looks() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    let prefetch = [&[("Sec-Purpose", "prefetch")], JAN.as_slice()].concat();
    assert_eq!(get(&mut browser, &url, &prefetch).status, 204);
    let head = browser.request("HEAD", &url, &JAN, b"");
    assert_eq!((head.status, head.header("set-cookie")), (200, None));
    assert!(browser.cookies().is_empty());
    assert_eq!(browser.request("PUT", &url, &JAN, b"x").status, 405);
    for forged in [format!("{PUBLIC}/auth/sso/made-up"), url.replace("/auth/sso/", "/auth/far/")] {
        assert_eq!(get(&mut browser, &forged, &JAN).status, 404, "{forged}");
    }
    let internal = world.send("server", "GET", &url.replace("gateway.test", "internal.test"), &JAN, b"");
    assert_eq!(internal.status, 404, "plugins have no business here");
}

#[test]
fn a_reload_takes_effect_within_a_session() {
    let world = world();
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    let page = get(&mut browser, &url, &JAN);
    reload(&world.gateway, &setup_files(&world, &setup().auth("new", FROM_HERE)));
    let answer = post(&mut browser, &url, &JAN, &form(&page, "confirm"));
    assert!(browser.follow_answer(&url, answer).url.contains("/room/0"), "the session goes on");
    let url = start(&mut browser, &full("sso", "chat"));
    let page = get(&mut browser, &url, &JAN);
    let moved = Setup::default().auth("sso", FROM_ELSEWHERE).comm("chat", RESEAL_COMM);
    reload(&world.gateway, &setup_files(&world, &moved));
    assert_eq!(post(&mut browser, &url, &JAN, &form(&page, "confirm")).status, 403, "it is not believed now");
    assert_eq!(world.comm.deliveries().len(), 1);
}

fn setup_files(world: &World, setup: &Setup) -> Files {
    setup.files(&world.auth.url(), &world.comm.url())
}

/// Puts another plugins.yaml into force.
pub fn reload(gateway: &TestGateway, files: &Files) {
    gateway.replace("plugins.yaml", &files.plugins);
    let answer = gateway.admin().post("admin", "/reload", &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn another_instance_goes_on() {
    let world = world();
    let second = start_gateway(&setup_files(&world, &setup()));
    let mut browser = world.browser();
    let url = start(&mut browser, &full("sso", "chat"));
    point(&world.network, second.public);
    let page = get(&mut browser, &url, &JAN);
    assert_eq!(page.status, 200);
    point(&world.network, world.gateway.public);
    let answer = post(&mut browser, &url, &JAN, &form(&page, "confirm"));
    point(&world.network, second.public);
    assert!(browser.follow_answer(&url, answer).url.contains("/room/0"));
    assert_eq!(world.comm.deliveries().len(), 1);
}

fn point(network: &Network, address: std::net::SocketAddr) {
    network.point("gateway.test", address);
}
