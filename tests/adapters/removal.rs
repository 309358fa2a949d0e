//! Headers that say who somebody is reach nobody behind the gateway: not as the front proxy wrote them,
//! and least of all as somebody else did.

use crate::{
    support::{
        answers,
        client::{RawClient, request},
        stub::StubServer,
    },
    world::{RESEAL_COMM, Setup, start_gateway},
};

const ASSERTED: [(&str, &str); 8] = [
    ("X-Remote-Mail", "one@example.nl"),
    ("x-remote-mail", "two@example.nl"),
    ("X_Remote_Mail", "three@example.nl"),
    ("x-remote_mail", "four@example.nl"),
    // Some servers take every character but letters and digits for an underscore.
    ("X.Remote.Mail", "seven@example.nl"),
    ("X~Remote!Mail", "eight@example.nl"),
    ("REMOTE_USER", "five"),
    ("Remote-User", "six"),
];

/// A gateway in front of a website, its trusted proxies as given.
fn gateway(website: &StubServer, trusted: &str) -> crate::support::gateway::TestGateway {
    let sso = "headers: { from: [127.0.0.1], attributes: { email: X-Remote-Mail, fullname: REMOTE_USER } }";
    let mut setup = Setup::default().auth("sso", sso).comm("chat", RESEAL_COMM);
    setup.gateway = trusted.to_owned();
    let mut files = setup.files("http://127.0.0.1:1", "http://127.0.0.1:1");
    files.routes += &format!(
        "upstreams: {{ site: {{ servers: [\"{}\"] }} }}\nroutes: [ {{ id: site, path: /site, upstream: site }} ]\n",
        website.url()
    );
    start_gateway(&files)
}

#[test]
fn websites_do_not_get_them() {
    for trusted in ["", ", trusted_proxies: [127.0.0.1]"] {
        let website = StubServer::always(answers::answer(200, &[], "hello"));
        let gateway = gateway(&website, trusted);
        let headers = [ASSERTED.as_slice(), &[("X-Remote-Mails", "kept"), ("X-Other", "kept")]].concat();
        for method in ["GET", "POST"] {
            let bytes = request(method, "gateway.test", "/site/page", &headers, b"");
            assert_eq!(RawClient::connect(gateway.public).exchange(bytes).status, 200);
        }
        assert_none_passed(&website);
        for received in website.requests() {
            assert_eq!(received.header("x-other"), Some("kept"));
            assert_eq!(received.header("x-remote-mails"), Some("kept"));
        }
    }
}

#[test]
fn nor_do_they_get_them_with_an_upgrade() {
    for trusted in ["", ", trusted_proxies: [127.0.0.1]"] {
        for protocol in ["websocket", "other"] {
            let website = StubServer::on_head(|_| {
                let head = answers::head(101, &[("Upgrade", "websocket"), ("Connection", "Upgrade")], "");
                vec![crate::support::stub::Step::Send(head), crate::support::stub::Step::Close]
            });
            let gateway = gateway(&website, trusted);
            let upgrade = [
                ("Connection", "Upgrade, X-Remote-Mail"),
                ("Upgrade", protocol),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("Sec-WebSocket-Version", "13"),
            ];
            let headers = [upgrade.as_slice(), &ASSERTED].concat();
            let mut client = RawClient::connect(gateway.public);
            client.send(request("GET", "gateway.test", "/site/socket", &headers, b""));
            client.read_head();
            assert_none_passed(&website);
        }
    }
}

fn assert_none_passed(website: &StubServer) {
    let requests = website.requests();
    assert!(!requests.is_empty(), "nothing came through");
    for received in requests {
        let head = String::from_utf8_lossy(&received.head.raw).to_lowercase();
        for (_, value) in &ASSERTED[..6] {
            assert!(!head.contains(value), "{value} passed:\n{head}");
        }
        assert!(!head.contains("user: six") && !head.contains("user: five"), "{head}");
    }
}
