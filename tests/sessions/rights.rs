//! What a start may name: which purposes, and which URLs of whom.

use serde_json::{Value, json};

use crate::{
    signed::Signed,
    support::client::Response,
    world::{PUBLIC, PURPOSE, Setup, World, refusal},
};

const RIGHTS: &str = r#"{ kid: chat, verify: { env: INITIATOR }, purposes: [report_move], comm_urls: ["https://Chat.example.nl/chat", "https://bücher.example/"], attr_urls: ["http://comm-chat:3000/attr/"] }"#;

fn world() -> World {
    let mut setup = Setup::one("brokering: observe", "hosts: [video.example.nl]").initiator(RIGHTS);
    setup.purposes += "  - { tag: other, attributes: [], allowed_auth: [\"*\"], allowed_comm: [] }\n";
    World::new(&setup)
}

fn during_communication(comm_url: &str, attr_url: Option<&str>) -> Value {
    let mut body = json!({"purpose": PURPOSE, "auth_method": "irma", "comm_url": comm_url});
    if let Some(attr_url) = attr_url {
        body["attr_url"] = attr_url.into();
    }
    body
}

fn start_signed(world: &World, request: &Value) -> Response {
    let headers = [("Content-Type", "application/jwt"), ("Accept", "application/json")];
    let token = Signed::new(request).token();
    world.send("server", "POST", &format!("{PUBLIC}/start"), &headers, token.as_bytes())
}

#[test]
fn methods_of_one_server_are_told_apart() {
    let mut setup = Setup::one("brokering: observe", "").comm("call", "");
    setup.purposes = format!(
        "  - {{ tag: {PURPOSE}, attributes: [], allowed_auth: [irma], allowed_comm: [call] }}\n\
         \x20 - {{ tag: both, attributes: [], allowed_auth: [irma], allowed_comm: [chat, call] }}\n"
    );
    let world = World::new(&setup);
    // Both are on the stub's server; only one is for the purpose.
    let body = during_communication(&format!("{}/room/7", world.comm.url()), None);
    assert_eq!(world.start_internally(&body).status, 200);
    let mut body = during_communication(&format!("{}/call/room/7", world.comm.url()), None);
    body["purpose"] = "both".into();
    assert_eq!(world.start_internally(&body).status, 200);
    for purpose in [PURPOSE, "both"] {
        let labels = [format!("purpose=\"{purpose}\""), "comm_method=\"call\"".to_owned()];
        let started =
            world.metric("idcontact_sessions_started_total", &labels.each_ref().map(String::as_str));
        assert_eq!(started, 1, "{purpose}");
    }
}

/// Below the right URL, in every spelling that means it.
const COVERED: [&str; 7] = [
    "https://chat.example.nl/chat",
    "https://chat.example.nl/chat/",
    "https://chat.example.nl/chat/7?a=b#c",
    "https://CHAT.Example.NL/chat/7",
    "HTTPS://chat.example.nl:443/chat/7",
    "https://bücher.example/7",
    "https://xn--bcher-kva.example/7",
];

/// Not below it, whatever it looks like.
const NOT_COVERED: [&str; 28] = [
    "https://chat.example.nl/",
    "https://chat.example.nl/chatter",
    "https://chat.example.nl/Chat/7",
    "https://chat.example.nl/other/chat",
    "https://chat.example.nl:8443/chat/7",
    "https://chat.example.nl:80/chat/7",
    "http://chat.example.nl/chat/7",
    "https://chat.example.nl.evil.example/chat/7",
    "https://evil.example/chat/7",
    "https://evil.example/https://chat.example.nl/chat/7",
    "https://evil.example?https://chat.example.nl/chat/7",
    "https://evil.example#https://chat.example.nl/chat/7",
    "https://chat.example.nl@evil.example/chat/7",
    "https://chat.example.nl:x@evil.example/chat/7",
    "https://citizen@chat.example.nl/chat/7",
    "https://evil.example\\@chat.example.nl/chat/7",
    // Whether dots go up is a matter of who reads: such paths are refused wherever they lead.
    "https://chat.example.nl/x/../chat/7",
    "https://chat.example.nl/chat/../admin",
    "https://chat.example.nl/chat/%2e%2e/admin",
    "https://chat.example.nl/chat/.%2E/admin",
    "https://chat.example.nl/chat\\..\\admin",
    "https://chat.example.nl/chat/..%2fadmin",
    "https://chat.example.nl/chat/%2e%2e%2fadmin",
    "https://chat.example.nl/chat/..%5cadmin",
    "https://chat.example.nl/chat%2f7",
    // A Cyrillic с, and a Latin u without its dots.
    "https://\u{441}hat.example.nl/chat/7",
    "https://bucher.example/7",
    "tel:+31201234567",
];

#[test]
fn an_initiator_may_name_urls_below_its_own() {
    let world = world();
    for url in COVERED {
        let answer = start_signed(&world, &during_communication(url, None));
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    }
    let asked = world.auth.requests().len();
    for url in NOT_COVERED {
        let answer = start_signed(&world, &during_communication(url, None));
        assert_refused_url(&answer, url);
    }
    for (attr_url, allowed) in [
        ("http://comm-chat:3000/attr/7", true),
        ("http://COMM-CHAT:3000/attr/7?x=1", true),
        ("http://comm-chat:3000/attribute", false),
        ("http://comm-chat:3001/attr/7", false),
        ("http://comm-chat/attr/7", false),
        ("https://comm-chat:3000/attr/7", false),
        ("https://chat.example.nl/chat/7", false),
    ] {
        let answer = start_signed(&world, &during_communication(COVERED[0], Some(attr_url)));
        if allowed {
            assert_eq!(answer.status, 200, "{attr_url}: {}", answer.text());
        } else {
            assert_refused_url(&answer, attr_url);
        }
    }
    assert_eq!(world.auth.requests().len(), asked + 2, "who is refused reaches no plugin");
}

/// No URL at all is 400, another's is 403.
fn assert_refused_url(answer: &Response, url: &str) {
    let (status, code) = refusal(answer);
    assert!(
        matches!((status, &*code), (403, "url_not_allowed") | (400, "invalid_request")),
        "{url}: {status} {code}"
    );
    // Attackers choose it, and log files and error pages show it.
    assert!(!answer.text().contains("admin") && !answer.text().contains("evil"), "{}", answer.text());
}

#[test]
fn an_initiator_has_its_purposes() {
    let world = world();
    let mut body = during_communication(COVERED[0], None);
    body["purpose"] = "other".into();
    assert_eq!(refusal(&start_signed(&world, &body)), (403, "purpose_not_allowed".into()));
    assert!(world.auth.requests().is_empty());
}

#[test]
fn an_unsigned_start_during_communication_is_for_servers_only() {
    let world = world();
    let own = format!("{}/room/7", world.comm.url());
    let body = during_communication(&own, None);
    let answer = world.browser().post_json(&format!("{PUBLIC}/start"), &body);
    assert_eq!(refusal(&answer), (403, "signature_required".into()));
    let form = [("purpose", PURPOSE), ("auth_method", "irma"), ("comm_url", &own)];
    let answer = world.browser().post_form(&format!("{PUBLIC}/start"), &form);
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("href="), "a page with a way on");
    assert!(world.auth.requests().is_empty());
    for (url, allowed) in [
        (own.as_str(), true),
        ("https://video.example.nl/7", true),
        ("https://chat.example.nl/chat/7", true),
        ("https://chat.example.nl/chatter/7", false),
        ("https://chat.example.nl.evil.example/chat/7", false),
        ("https://evil.example/7", false),
        ("http://127.0.0.1:1/room/7", false),
        ("http://127.0.0.1/room/7", false),
        ("http://gateway.test/start", false),
        ("http://internal.test/start", false),
    ] {
        let answer = world.start_internally(&during_communication(url, None));
        if allowed {
            assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        } else {
            assert_refused_url(&answer, url);
        }
    }
    let attr_url = format!("{}/attr/7", world.comm.url());
    for (attr_url, status) in
        [(attr_url.as_str(), 200), ("http://127.0.0.1:1/attr", 403), ("http://169.254.169.254/", 403)]
    {
        let answer = world.start_internally(&during_communication(&own, Some(attr_url)));
        assert_eq!(answer.status, status, "{attr_url}: {}", answer.text());
    }
}
