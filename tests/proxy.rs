//! Proxied routes: the real program between raw clients and upstreams that behave as told.
#![cfg(test)]

mod support;

use std::net::TcpListener;

use support::{
    answers,
    client::request,
    gateway::{Files, TestGateway},
    stub::{Gate, Step, StubServer},
};

const GATEWAY: &str = "gateway: { public_url: \"http://gateway.test\" }\n";
const NOTHING: &str = "{ auth: [], comm: [] }\n";

/// A gateway with these routes over upstreams of these names and servers.
fn gateway(upstreams: &[(&str, &str)], routes: &str) -> TestGateway {
    with_settings(GATEWAY, upstreams, routes)
}

fn with_settings(settings: &str, upstreams: &[(&str, &str)], routes: &str) -> TestGateway {
    let upstreams: String = upstreams.iter().map(|(name, rest)| format!("  {name}: {rest}\n")).collect();
    let text = format!("{settings}upstreams:\n{upstreams}routes:\n{routes}");
    TestGateway::start(&Files::new(&text, "purposes: []\n", NOTHING))
}

fn servers(urls: &[&str]) -> String {
    format!("{{ servers: {urls:?} }}")
}

/// An upstream whose answers say who it is.
fn named(name: &'static str) -> StubServer {
    StubServer::start(move |_| answers::answer(200, &[], name))
}

#[test]
fn the_exact_host_wins_then_the_longest_prefix_on_segment_borders() {
    let [root, chat, deep, host] = [named("root"), named("chat"), named("deep"), named("host")];
    let gateway = gateway(
        &[
            ("root", &servers(&[&root.url()])),
            ("chat", &servers(&[&chat.url()])),
            ("deep", &servers(&[&deep.url()])),
            ("host", &servers(&[&host.url()])),
        ],
        "  - { id: root, path: /, upstream: root }\n\
         \x20 - { id: chat, path: /chat, upstream: chat }\n\
         \x20 - { id: deep, path: /chat/deep, upstream: deep }\n\
         \x20 - { id: host, host: Host.Example, path: /chat, upstream: host }\n",
    );
    let mut client = gateway.public();
    for (host, target, expected) in [
        ("gateway.test", "/", "root"),
        ("gateway.test", "/chat", "chat"),
        ("gateway.test", "/chat/", "chat"),
        ("gateway.test", "/chatter", "root"),
        ("gateway.test", "/chat/deeper", "chat"),
        ("gateway.test", "/chat/deep/x", "deep"),
        ("gateway.test", "/%63hat/x", "chat"),
        ("HOST.example:8080", "/chat/deep", "host"),
        ("host.example", "/other", "root"),
    ] {
        assert_eq!(client.get(host, target, &[]).text(), expected, "{host} {target}");
    }
}

#[test]
fn no_route_is_a_problem_for_programs_and_a_page_for_people() {
    let gateway = TestGateway::start(&Files::new(GATEWAY, "purposes: []\n", NOTHING));
    let mut client = gateway.public();
    let problem = client.get("gateway.test", "/nothing", &[]);
    assert_eq!((problem.status, problem.header("content-type")), (404, Some("application/problem+json")));
    assert_eq!(problem.json()["code"], "not_found");
    let page = client.get(
        "gateway.test",
        "/nothing",
        &[("Accept", "text/html,*/*;q=0.8"), ("Accept-Language", "en")],
    );
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("This page does not exist") && page.text().contains("href=\"/choose\""));
}

#[test]
fn a_stripped_prefix_and_who_asks_are_told_to_the_upstream() {
    let upstream = named("x");
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /chat, upstream: u, strip_path: true }\n",
    );
    let mut client = gateway.public();
    let forged = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Port", "1"),
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Request-Id", "forged"),
    ];
    assert_eq!(client.get("gateway.test", "/chat/a%20b?q=/../%2f", &forged).status, 200);
    assert_eq!(client.get("gateway.test", "/chat", &[]).status, 200);
    let requests = upstream.wait_for_requests(2);
    let first = &requests[0];
    assert_eq!((first.target(), requests[1].target()), ("/a%20b?q=/../%2f", "/"));
    assert_eq!(first.header("host"), Some(upstream.address().to_string().as_str()));
    assert_eq!(first.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(first.header("x-forwarded-proto"), Some("http"));
    assert_eq!(first.header("x-forwarded-host"), Some("gateway.test"));
    assert_eq!(first.header("x-forwarded-prefix"), Some("/chat"));
    for name in ["forwarded", "x-real-ip", "x-forwarded-port"] {
        assert_eq!(first.header(name), None, "{name}");
    }
    let id = first.header("x-request-id").unwrap();
    assert_eq!((id.len(), id.chars().all(|c| c.is_ascii_hexdigit())), (32, true));
    gateway.wait_for_log(|line| line.text_field("request_id") == Some(id));
}

#[test]
fn a_trusted_proxy_is_believed_and_extended() {
    let upstream = StubServer::always(answers::redirect(302, "/next"));
    let gateway = with_settings(
        "gateway: { public_url: \"http://gateway.test\", trusted_proxies: [127.0.0.0/8] }\n",
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /chat, upstream: u, strip_path: true }\n",
    );
    let told = [
        ("X-Forwarded-For", "192.0.2.1, 192.0.2.2"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "contact.example.nl"),
        ("X-Forwarded-Prefix", "/outer/"),
        ("Forwarded", "for=192.0.2.1"),
        ("X-Request-Id", "from-the-edge"),
        ("X_Forwarded_For", "6.6.6.6"),
    ];
    gateway.public().get("inner", "/chat/x", &told);
    let request = upstream.wait_for_requests(1).remove(0);
    assert_eq!(request.header("x-forwarded-for"), Some("192.0.2.1, 192.0.2.2, 127.0.0.1"));
    assert_eq!(request.header("x-forwarded-proto"), Some("https"));
    assert_eq!(request.header("x-forwarded-host"), Some("contact.example.nl"));
    assert_eq!(request.header("x-forwarded-prefix"), Some("/outer/chat"));
    assert_eq!(request.header("forwarded"), Some("for=192.0.2.1"));
    assert_eq!(request.header("x_forwarded_for"), None);
    assert_eq!(request.header("x-request-id"), Some("from-the-edge"));
}

#[test]
fn redirects_to_the_upstream_are_mapped_back_whatever_the_status() {
    let upstream = StubServer::start(|request| {
        let host = request.header("host").unwrap().to_owned();
        let absolute = format!("http://{host}/a/b?c=d#e");
        let status = request.target().trim_start_matches('/').parse().unwrap_or(200);
        answers::answer(
            status,
            &[
                ("Location", absolute.as_str()),
                ("Content-Location", "/doc"),
                ("Refresh", &format!("5; url={absolute}")),
                ("Link", &format!("<{absolute}>; rel=next, <https://elsewhere.example/>; rel=up")),
                ("Link", "</style.css>; rel=preload"),
            ],
            "",
        )
    });
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /chat, upstream: u, strip_path: true }\n\
         \x20 - { id: off, path: /off, upstream: u, strip_path: true, rewrite: { redirects: false } }\n",
    );
    let mut client = gateway.public();
    for status in [200, 201, 301, 302, 303, 307, 308, 404] {
        let response = client.get("gateway.test:8080", &format!("/chat/{status}"), &[]);
        let mapped = "http://gateway.test:8080/chat/a/b?c=d#e";
        assert_eq!((response.status, response.header("location")), (status, Some(mapped)));
        assert_eq!(response.header("content-location"), Some("/chat/doc"));
        assert_eq!(response.header("refresh"), Some(format!("5; url={mapped}").as_str()));
        assert_eq!(
            response.header_values("link"),
            [
                format!("<{mapped}>; rel=next, <https://elsewhere.example/>; rel=up").as_str(),
                "</chat/style.css>; rel=preload"
            ]
        );
    }
    let untouched = client.get("gateway.test", "/off/302", &[]);
    assert_eq!(untouched.header("location"), Some(format!("{}/a/b?c=d#e", upstream.url()).as_str()));
}

#[test]
fn cookies_are_mapped_and_kept_apart() {
    let upstream = StubServer::start(|request| {
        let host = request.header("host").unwrap().split(':').next().unwrap().to_owned();
        answers::answer(
            200,
            &[
                (
                    "Set-Cookie",
                    &format!(
                        "a=1; Path=/; Domain={host}; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT"
                    ),
                ),
                ("Set-Cookie", "b=x=y; path=/app; Secure"),
                ("Set-Cookie", "c=3"),
                ("Set-Cookie", "__Host-d=4; Path=/; Secure"),
            ],
            "",
        )
    });
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /chat, upstream: u, strip_path: true }\n",
    );
    let response = gateway.public().get("gateway.test:8080", "/chat/x", &[]);
    assert_eq!(
        response.header_values("set-cookie"),
        [
            "a=1; Path=/chat; Domain=gateway.test; HttpOnly; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            "b=x=y; path=/chat/app; Secure",
            "c=3",
            "__Host-d=4; Path=/; Secure",
        ]
    );
}

#[test]
fn websockets_and_other_upgrades_become_tunnels() {
    for protocol in ["websocket", "example/1"] {
        let upstream = StubServer::on_head(move |_| {
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
            );
            vec![Step::Send(head.into_bytes()), Step::Echo]
        });
        let gateway =
            gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /ws, upstream: u }\n");
        let mut client = gateway.public();
        client.send(request(
            "GET",
            "gateway.test",
            "/ws",
            &[
                ("Connection", "keep-alive, Upgrade"),
                ("Upgrade", protocol),
                ("Sec-WebSocket-Key", "k"),
                ("Keep-Alive", "5"),
            ],
            b"",
        ));
        let head = client.read_head();
        assert_eq!((head.word(1), head.header("upgrade")), ("101", Some(protocol)));
        for piece in ["\x01ping", "more\r\n\r\n", "\u{0}\u{0}end"] {
            client.send(piece);
            assert_eq!(client.read_bytes(piece.len()), piece.as_bytes());
        }
        let seen = upstream.wait_for_requests(1).remove(0);
        assert_eq!(seen.header("upgrade").map(str::to_ascii_lowercase).as_deref(), Some(protocol));
        assert_eq!(seen.header("connection").map(str::to_ascii_lowercase).as_deref(), Some("upgrade"));
        assert_eq!((seen.header("keep-alive"), seen.header("sec-websocket-key")), (None, Some("k")));
    }
}

#[test]
fn a_limit_of_bodies_does_not_end_a_tunnel() {
    let upstream = StubServer::on_head(|_| answers::upgrade_and_echo());
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /, upstream: u, limits: { body: 1KiB } }\n",
    );
    let mut client = gateway.public();
    let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send(request("GET", "gateway.test", "/", &upgrade, b""));
    assert_eq!(client.read_head().word(1), "101");
    for _ in 0..3 {
        client.send([b'x'; 1000]);
        assert_eq!(client.read_bytes(1000), [b'x'; 1000]);
    }
}

#[test]
fn an_upgrade_to_http_2_does_not_leave_the_gateway() {
    let upstream = named("x");
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    for upgrade in ["h2c", "H2C", "websocket2, h2c", "HTTP/2.0"] {
        let headers = [
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", upgrade),
            ("HTTP2-Settings", "AAMAAABkAAQ"),
        ];
        assert_eq!(gateway.public().get("gateway.test", "/", &headers).status, 200);
    }
    let lines = [("Connection", "Upgrade"), ("Upgrade", "example/1"), ("Upgrade", "HTTP/2.0")];
    assert_eq!(gateway.public().get("gateway.test", "/", &lines).status, 200);
    let old = "GET / HTTP/1.0\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: example/1\r\n\r\n";
    assert_eq!(gateway.public().exchange(old).status, 200);
    for seen in upstream.wait_for_requests(6) {
        assert_eq!((seen.header("upgrade"), seen.header("http2-settings")), (None, None));
        assert_eq!(seen.header("connection"), None);
    }
}

#[test]
fn an_upgrade_that_nobody_asked_for_is_a_502() {
    let upstream = StubServer::on_head(|_| answers::upgrade_and_echo());
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    for headers in [vec![], vec![("Connection", "Upgrade"), ("Upgrade", "h2c")]] {
        assert_eq!(gateway.public().get("gateway.test", "/", &headers).status, 502, "{headers:?}");
    }
}

#[test]
fn hop_by_hop_headers_end_here_in_both_directions() {
    let upstream = StubServer::always(answers::answer(
        200,
        &[
            ("Connection", "X-Upstream-Hop, keep-alive"),
            ("X-Upstream-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "Basic"),
            ("X-End", "kept"),
        ],
        "",
    ));
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    let headers = [
        ("Connection", "X-Hop, keep-alive"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authorization", "Basic eA=="),
        ("TE", "trailers, deflate"),
        ("X-End", "kept"),
    ];
    let response = gateway.public().get("gateway.test", "/", &headers);
    for name in ["x-upstream-hop", "proxy-authenticate", "keep-alive"] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert_eq!(response.header("x-end"), Some("kept"));
    let seen = upstream.wait_for_requests(1).remove(0);
    for name in ["x-hop", "keep-alive", "proxy-authorization", "te", "proxy-connection"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("x-end"), Some("kept"));
}

#[test]
fn ambiguous_paths_and_hosts_are_refused() {
    let upstream = named("x");
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /, upstream: u }\n  - { id: s, path: /strip, upstream: u, strip_path: true }\n",
    );
    for target in [
        "/a/../b",
        "/a/./b",
        "/..",
        "/a/%2e%2e/b",
        "/a/.%2E",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a%00b",
        "/a%0",
        "/a%zz",
        "/strip//evil.example/x",
    ] {
        let response = gateway.public().get("gateway.test", target, &[]);
        assert_eq!(response.status, 400, "{target}");
        assert_eq!(response.json()["code"], "invalid_path", "{target}");
    }
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@host\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        assert_eq!(gateway.public().exchange(head).status, 400, "{head:?}");
    }
    assert!(upstream.requests().is_empty());
    assert_eq!(gateway.public().get("gateway.test", "/a..b/%252e%252e/x//y?/../%2f", &[]).status, 200);
    assert_eq!(upstream.wait_for_requests(1)[0].target(), "/a..b/%252e%252e/x//y?/../%2f");
}

#[test]
fn bodies_stream_in_both_directions() {
    let gate = Gate::default();
    let opened = gate.clone();
    let upstream = StubServer::on_head(move |_| {
        vec![
            Step::Send(answers::head(200, &[], "Transfer-Encoding: chunked\r\n")),
            Step::Send(answers::chunk(b"first")),
            Step::Await(gate.clone()),
            Step::Send(answers::chunk(b"second")),
            Step::Send(b"0\r\n\r\n".to_vec()),
        ]
    });
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    let mut client = gateway.public();
    // The answer begins before the request has ended, and its first part comes before the second
    // one exists.
    client.send("POST /x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_eq!(client.read_head().word(1), "200");
    assert_eq!(client.read_bytes(10), b"5\r\nfirst\r\n");
    opened.open();
    client.send("0\r\n\r\n");
    assert_eq!(client.read_bytes(16), b"6\r\nsecond\r\n0\r\n\r\n");
}

#[test]
fn a_client_of_http_1_0_gets_no_chunks() {
    let upstream = StubServer::always(answers::chunked(200, &[b"one", b"two"], &[]));
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    for connection in ["close", "keep-alive"] {
        let mut client = gateway.public();
        client.send(format!("GET / HTTP/1.0\r\nHost: gateway.test\r\nConnection: {connection}\r\n\r\n"));
        let head = client.read_head();
        assert_eq!((head.word(1), head.header("transfer-encoding")), ("200", None));
        assert_eq!(head.header("connection"), Some("close"));
        assert_eq!(client.read_until_closed(), b"onetwo");
    }
}

#[test]
fn a_body_above_the_limit_is_413_announced_or_not() {
    let upstream = named("x");
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - { id: u, path: /, upstream: u, limits: { body: 1KiB } }\n",
    );
    let mut client = gateway.public();
    assert_eq!(client.post("gateway.test", "/", &[], &[b'x'; 1024]).status, 200);
    let announced = gateway.public().post("gateway.test", "/", &[], &[b'x'; 1025]);
    assert_eq!((announced.status, announced.json()["code"].as_str()), (413, Some("request_too_large")));
    let mut client = gateway.public();
    client.send("POST / HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = answers::chunk(&[b'x'; 1100]);
    client.send([chunk.as_slice(), b"0\r\n\r\n"].concat());
    assert_eq!(client.read_response().status, 413);
}

#[test]
fn an_upstream_that_fails_is_a_502_or_a_504() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stall = StubServer::on_connect([Step::Stall]);
    let reset = StubServer::on_connect([Step::Reset]);
    let garbage = StubServer::always(answers::garbage());
    let gateway = gateway(
        &[
            ("closed", &servers(&[&format!("http://{closed}")])),
            ("unknown", &servers(&["http://no-such-host.invalid:80"])),
            ("stall", &format!("{{ servers: [{:?}], timeouts: {{ read: 200ms }} }}", stall.url())),
            ("reset", &servers(&[&reset.url()])),
            ("garbage", &servers(&[&garbage.url()])),
        ],
        "  - { id: closed, path: /closed, upstream: closed }\n\
         \x20 - { id: unknown, path: /unknown, upstream: unknown }\n\
         \x20 - { id: stall, path: /stall, upstream: stall }\n\
         \x20 - { id: reset, path: /reset, upstream: reset }\n\
         \x20 - { id: garbage, path: /garbage, upstream: garbage }\n",
    );
    for (path, status, code) in [
        ("/closed", 502, "upstream_unavailable"),
        ("/unknown", 502, "upstream_unavailable"),
        ("/stall", 504, "upstream_timeout"),
        ("/reset", 502, "upstream_unavailable"),
        ("/garbage", 502, "upstream_unavailable"),
    ] {
        let response = gateway.public().get("gateway.test", path, &[]);
        assert_eq!((response.status, response.json()["code"].as_str()), (status, Some(code)), "{path}");
        let page = gateway.public().get("gateway.test", path, &[("Accept", "text/html")]);
        assert_eq!(
            (page.status, page.header("content-type")),
            (status, Some("text/html; charset=utf-8")),
            "{path}"
        );
    }
    gateway.wait_for_log(|line| {
        line.text_field("route") == Some("stall") && line.text_field("error") == Some("upstream_timeout")
    });
}

#[test]
fn an_upstream_that_fails_after_an_interim_answer_is_a_502_too() {
    for interim in ["100 Continue", "103 Early Hints"] {
        let head = format!("HTTP/1.1 {interim}\r\n\r\n").into_bytes();
        let upstream = StubServer::always([Step::Send(head), Step::Close]);
        let gateway =
            gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
        let mut client = gateway.public();
        assert_eq!(client.get("gateway.test", "/", &[]).status.to_string(), interim[..3]);
        assert_eq!(client.read_response().status, 502);
        gateway.wait_for_log(|line| line.text.contains("\"status\":502"));
    }
}

#[test]
fn waiting_for_the_rest_of_an_answer_is_not_the_gateways_time() {
    let head = answers::head(200, &[], "Content-Length: 9\r\n");
    let upstream = StubServer::always([Step::Send(head), Step::Stall]);
    let settings = format!("{{ servers: [{:?}], timeouts: {{ read: 300ms }} }}", upstream.url());
    let gateway = gateway(&[("u", &settings)], "  - { id: u, path: /, upstream: u }\n");
    let mut client = gateway.public();
    client.send(request("GET", "gateway.test", "/", &[], b""));
    client.read_until_closed();
    let line = gateway.wait_for_log(|line| line.text_field("error") == Some("upstream_timeout"));
    let line: serde_json::Value = serde_json::from_str(&line.text).unwrap();
    assert!(line["upstream_ms"].as_f64() >= Some(300.0), "{line}");
}

#[test]
fn servers_take_turns_and_one_that_is_down_is_skipped() {
    let [one, two] = [named("one"), named("two")];
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = gateway(
        &[
            ("both", &servers(&[&one.url(), &two.url()])),
            ("half", &servers(&[&format!("http://{closed}"), &two.url()])),
            ("nameless", &servers(&["http://no-such-host.invalid:80", &two.url()])),
        ],
        "  - { id: both, path: /both, upstream: both }\n  - { id: half, path: /half, upstream: half }\n\
         \x20 - { id: nameless, path: /nameless, upstream: nameless }\n",
    );
    let mut client = gateway.public();
    let mut get = |path: &str| client.get("gateway.test", path, &[]).text().to_owned();
    assert_eq!([get("/both"), get("/both"), get("/both")], ["one", "two", "one"]);
    for _ in 0..4 {
        assert_eq!([get("/half"), get("/nameless")], ["two", "two"]);
    }
}

#[test]
fn a_name_with_two_addresses_reaches_the_one_that_listens() {
    let upstream = named("x");
    let url = format!("http://localhost:{}", upstream.address().port());
    let gateway = gateway(&[("u", &servers(&[&url]))], "  - { id: u, path: /, upstream: u }\n");
    assert_eq!(gateway.public().get("gateway.test", "/", &[]).text(), "x");
    assert_eq!(upstream.wait_for_requests(1)[0].header("host"), Some(url.trim_start_matches("http://")));
}

#[test]
fn headers_are_set_and_removed_as_configured() {
    let upstream = StubServer::always(answers::answer(200, &[("Server", "secret/1.0"), ("X-Old", "1")], ""));
    let gateway = gateway(
        &[("u", &servers(&[&upstream.url()]))],
        "  - id: u\n    path: /\n    upstream: u\n    headers:\n      request: { set: { X-Tenant: utrecht, Host: inner.example }, remove: [X-Debug] }\n      response: { set: { X-Old: \"2\", X-New: new }, remove: [Server] }\n",
    );
    let response = gateway.public().get(
        "gateway.test",
        "/",
        &[("X-Debug", "1"), ("X-Tenant", "forged"), ("X_Tenant", "forged"), ("x_debug", "1")],
    );
    assert_eq!((response.header("server"), response.header("x-old")), (None, Some("2")));
    assert_eq!(response.header("x-new"), Some("new"));
    let seen = upstream.wait_for_requests(1).remove(0);
    assert_eq!((seen.header("x-debug"), seen.header("x-tenant")), (None, Some("utrecht")));
    assert_eq!((seen.header("x_debug"), seen.header("x_tenant")), (None, None));
    assert_eq!(seen.header("host"), Some("inner.example"));
}

#[test]
fn own_paths_win_over_a_catch_all_but_not_on_a_host_of_a_route() {
    let [all, host] = [named("all"), named("host")];
    let gateway = gateway(
        &[("all", &servers(&[&all.url()])), ("host", &servers(&[&host.url()]))],
        "  - { id: all, path: /, upstream: all }\n  - { id: host, host: irma.example, upstream: host }\n",
    );
    let mut client = gateway.public();
    assert_eq!(client.get("gateway.test", "/session_options", &[]).text(), "{}");
    assert_eq!(client.get("127.0.0.1", "/session_options", &[]).text(), "{}");
    assert_eq!(client.get("irma.example", "/session_options", &[]).text(), "host");
    assert_eq!(client.get("gateway.test", "/sessions", &[]).text(), "all");
}

#[test]
fn a_304_announces_no_length() {
    let gateway = TestGateway::start(&Files::new(GATEWAY, "purposes: []\n", NOTHING));
    let mut client = gateway.public();
    let asset = client.get("gateway.test", "/static/style.css", &[]);
    let etag = asset.header("etag").unwrap();
    let unchanged = client.get("gateway.test", "/static/style.css", &[("If-None-Match", etag)]);
    assert_eq!((unchanged.status, unchanged.header("content-length")), (304, None));
    assert_eq!(client.get("gateway.test", "/static/style.css", &[]).status, 200);
}

#[test]
fn nothing_is_proxied_on_the_internal_listener() {
    let upstream = named("x");
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /, upstream: u }\n");
    assert_eq!(gateway.internal().get("gateway.test", "/", &[]).status, 404);
    assert_eq!(gateway.internal().get("gateway.test", "/session_options", &[]).status, 200);
}

#[test]
fn log_lines_hold_no_path_query_cookie_or_token() {
    let upstream = StubServer::always(answers::redirect(302, "/x?result=SECRET6"));
    let gateway = gateway(&[("u", &servers(&[&upstream.url()]))], "  - { id: u, path: /a, upstream: u }\n");
    let headers =
        [("Cookie", "s=SECRET1"), ("Authorization", "Bearer SECRET2"), ("Referer", "http://x/?SECRET3")];
    for target in ["/a/SECRET4?result=SECRET5", "/none/SECRET4?x=SECRET5", "/a/../SECRET4", "/start?SECRET5"]
    {
        gateway.public().get("gateway.test", target, &headers);
    }
    gateway.public().exchange("GET /SECRET4 HTTP/9.9\r\nHost: SECRET1\r\n\r\n");
    gateway.public().send("SECRET4 garbage\r\n\r\n");
    gateway.public().post(
        "gateway.test",
        "/start",
        &[("Content-Type", "application/json")],
        b"{\"auth_result\": SECRET5",
    );
    gateway.wait_for_log(|line| {
        line.text_field("route") == Some("gateway:start") && line.text.contains("415")
            || line.text_field("route") == Some("gateway:start") && line.text.contains("400")
    });
    let line = gateway
        .wait_for_log(|line| line.text_field("route") == Some("a") || line.text_field("route") == Some("u"));
    assert!(line.text.contains("\"gateway_ms\":") && line.text.contains("\"upstream_ms\":"), "{}", line.text);
    assert!(!gateway.log_text().contains("SECRET"), "{}", gateway.log_text());
}

#[test]
fn an_idle_answer_does_not_wait_for_a_slow_upstream() {
    let gate = Gate::default();
    let slow_gate = gate.clone();
    let slow = StubServer::start(move |_| {
        [vec![Step::Await(slow_gate.clone())], answers::answer(200, &[], "late")].concat()
    });
    let gateway =
        gateway(&[("slow", &servers(&[&slow.url()]))], "  - { id: slow, path: /slow, upstream: slow }\n");
    let mut waiting = gateway.public();
    waiting.send(request("GET", "gateway.test", "/slow", &[], b""));
    slow.wait_for_requests(1);
    assert_eq!(gateway.public().get("gateway.test", "/session_options", &[]).status, 200);
    gate.open();
    assert_eq!(waiting.read_response().text(), "late");
}
