//! `brokering: bind`: a session ends in the browser that started it.

use crate::{
    support::{browser::links, comm_plugin::Way},
    world::{CONTINUE, PUBLIC, Setup, World, full, irma_and_chat, start},
};

fn world() -> World {
    World::new(&Setup::one("brokering: bind", ""))
}

#[test]
fn the_browser_that_starts_gets_a_cookie_of_its_session() {
    let world = world();
    let form = [("purpose", "report_move"), ("auth_method", "irma"), ("comm_method", "chat")];
    let mut as_json = world.browser();
    let answer = as_json.post_json(&format!("{PUBLIC}/start"), &irma_and_chat());
    assert_eq!(answer.status, 200);
    let mut as_form = world.browser();
    let answer = as_form.post_form(&format!("{PUBLIC}/start"), &form);
    assert_eq!(answer.status, 303);
    for browser in [as_json, as_form] {
        let [cookie] = browser.cookies() else { panic!("one cookie: {:?}", browser.cookies()) };
        assert!(cookie.name.starts_with("idc-") && cookie.name.len() == "idc-".len() + 8, "{cookie:?}");
        assert!(cookie.http_only && !cookie.secure && cookie.path == "/", "{cookie:?}");
        for attribute in ["SameSite=Lax", "Max-Age=3600"] {
            assert!(cookie.attributes.contains(attribute), "{cookie:?}");
        }
        assert!(cookie.value.len() >= 22, "128 bits and more: {cookie:?}");
    }
    let asked = world.auth.last();
    assert!(asked.continuation().starts_with(CONTINUE));
    assert_eq!(asked.attr_url(), None, "the result has to come through the browser");
}

#[test]
fn behind_a_proxy_with_tls_the_cookie_belongs_to_the_host_alone() {
    let setup = Setup {
        public_url: "https://gateway.test",
        gateway: ", trusted_proxies: [127.0.0.0/8]".into(),
        ..Setup::one("brokering: bind", "")
    };
    let world = World::new(&setup);
    let mut browser = world.browser();
    let answer = browser.post_json("https://gateway.test/start", &irma_and_chat());
    let sign_in = crate::world::client_url(&answer);
    let [cookie] = browser.cookies() else { panic!("one cookie: {:?}", browser.cookies()) };
    assert!(cookie.name.starts_with("__Host-idc-") && cookie.secure && cookie.http_only, "{cookie:?}");
    assert!(world.auth.continuation().starts_with("https://gateway.test/session/continue/"));
    assert_eq!(browser.open(&sign_in).status(), Some(200));
    assert_eq!(world.comm.take_delivery().way, Way::Post);
    // Without TLS in public, another host could have set this cookie: it is worth nothing here.
    let mut forged = world.browser();
    let sign_in =
        crate::world::client_url(&forged.clone().post_json("https://gateway.test/start", &irma_and_chat()));
    let landing = forged.open(&sign_in);
    assert_eq!(landing.status(), Some(403));
}

#[test]
fn another_browser_gets_a_page_and_nothing_happens() {
    for in_band in [false, true] {
        let world = world();
        if in_band {
            world.comm.plan(|plan| plan.attr_url = None);
        }
        let (mut attacker, mut victim) = (world.browser(), world.browser());
        let sign_in = start(&mut attacker, &irma_and_chat());
        // The attacker sends the link; the citizen signs in.
        let landing = victim.open(&sign_in);
        assert_eq!(landing.status(), Some(403), "{}", landing.text());
        assert!(!links(landing.text()).is_empty(), "a way on: {}", landing.text());
        let result = landing.url.split("result=").nth(1).expect("the plugin brought the result");
        assert!(!landing.text().contains(result), "the result is not shown");
        assert!(world.comm.deliveries().is_empty());
        assert_eq!(world.events("auth_returned", "rejected"), 1);
        let line = world.wait_for_event("auth_returned", "rejected");
        let reference = line.text_field("session").expect("a reference");
        assert!(landing.text().contains(reference), "the page names the session");
        let program = world.send("program", "GET", &landing.url, &[], b"");
        assert_eq!(crate::world::refusal(&program), (403, "other_browser".into()));
        // The browser that started can still go on.
        assert_eq!(attacker.open(&landing.url).status(), Some(200));
        world.comm.take_delivery();
    }
}

#[test]
fn a_cookie_of_another_session_or_a_changed_one_does_not_help() {
    let world = world();
    let (mut one, mut two) = (world.browser(), world.browser());
    let sign_in = start(&mut one, &irma_and_chat());
    start(&mut two, &irma_and_chat());
    let back = one.clone().get(&sign_in).header("location").expect("a redirect").to_owned();
    let [mine] = one.cookies() else { panic!("one cookie") };
    let [other] = two.cookies() else { panic!("one cookie") };
    assert_ne!((&mine.name, &mine.value), (&other.name, &other.value));
    let (name, value) = (&mine.name, &mine.value);
    for cookie in [
        format!("{}={}", other.name, other.value),
        format!("{name}={}", other.value),
        format!("{name}="),
        name.clone(),
        format!("{name}={}", &value[1..]),
        format!("{name}={value}0"),
        format!("{name}x={value}"),
        format!("__Host-{name}={value}"),
        String::new(),
    ] {
        let answer = world.send("browser", "GET", &back, &[("Cookie", &cookie)], b"");
        assert_eq!(answer.status, 403, "{cookie}");
    }
    assert!(world.comm.deliveries().is_empty());
    // Cookies of other programs may hold what is no ASCII.
    for cookie in [format!("a=b; {name}={value}; c=d"), format!("plaats=Súdwest; {name}={value}")] {
        assert_eq!(world.send("browser", "GET", &back, &[("Cookie", &cookie)], b"").status, 303, "{cookie}");
    }
}

#[test]
fn tabs_of_one_browser_do_not_disturb_each_other() {
    let world = World::new(&Setup::one("brokering: bind", "").comm("call", ""));
    let mut browser = world.browser();
    let sessions = ["chat", "call", "chat"].map(|method| start(&mut browser, &full("irma", method)));
    for sign_in in sessions.iter().rev() {
        assert_eq!(browser.open(sign_in).status(), Some(200));
        assert_eq!(world.comm.take_delivery().way, Way::Post);
    }
}

#[test]
fn a_split_choice_is_bound_too() {
    let world = world();
    let mut browser = world.browser();
    let body = serde_json::json!({"purpose": "report_move", "auth_method": "irma"});
    let sign_in = start(&mut browser, &body);
    assert_eq!(world.browser().open(&sign_in).status(), Some(403));
    assert_eq!(browser.open(&sign_in).status(), Some(200));
}

#[test]
fn a_choice_that_waits_belongs_to_the_browser_that_started() {
    let world = world();
    let mut browser = world.browser();
    let body = serde_json::json!({"purpose": "report_move", "auth_method": "irma"});
    let sign_in = start(&mut browser, &body);
    let choice = browser.open(&sign_in).url;
    assert!(choice.contains("/choose/report_move?session="), "{choice}");
    assert_eq!(world.browser().open(&choice).status(), Some(403));
    let (_, session) = choice.split_once("session=").expect("a held result");
    let form = [("comm_method", "chat"), ("session", session)];
    assert_eq!(world.browser().post_form(&format!("{PUBLIC}/start"), &form).status, 403);
    assert!(world.comm.requests().is_empty(), "nobody else's choice starts anything");
    assert_eq!(browser.post_form(&format!("{PUBLIC}/start"), &form).status, 303);
}

/// The limit of it (docs/sessions.md): a server cannot hand its cookie on.
#[test]
fn what_a_server_starts_inside_is_not_bound() {
    let world = world();
    let sign_in = crate::world::client_url(&world.start_internally(&irma_and_chat()));
    assert_eq!(world.browser().open(&sign_in).status(), Some(200));
    assert_eq!(world.comm.take_delivery().way, Way::Post);
}
