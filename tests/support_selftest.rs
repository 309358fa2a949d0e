//! The harness does what it says: otherwise a test that stands on it could not fail.
#![cfg(test)]

mod support;

use std::{
    io::ErrorKind,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::json;

use support::{
    answers,
    auth_plugin::{Append, with_result},
    balancer::Balancer,
    browser::{Browser, field, links, refresh},
    client::{self, RawClient, request},
    gateway::{Process, TestGateway},
    keys::{Kind, key},
    network::{Network, shape},
    stub::{Gate, Step, StubServer},
};

/// Far less than the harness's deadline, far more than a step takes.
const SOON: Duration = Duration::from_secs(10);

fn ask(stub: &StubServer) -> std::io::Result<client::Response> {
    let mut client = RawClient::connect(stub.address());
    client.send(request("GET", "stub", "/", &[], b""));
    client.try_read_response(true)
}

#[test]
fn an_answer_and_the_request_are_shown_as_they_were() {
    let stub = StubServer::always(answers::answer(207, &[("X-A", "1"), ("x-a", " 2")], "hello"));
    let response = client::post(stub.address(), "/p?q=%20", &[("X-B", "b")], b"body");
    assert_eq!((response.status, response.text()), (207, "hello"));
    assert_eq!(response.header_values("X-a"), ["1", "2"]);
    let requests = stub.wait_for_requests(1);
    assert_eq!((requests[0].method(), requests[0].target()), ("POST", "/p?q=%20"));
    assert_eq!((requests[0].header("x-b"), requests[0].body.content.as_slice()), (Some("b"), &b"body"[..]));
    let head =
        format!("POST /p?q=%20 HTTP/1.1\r\nHost: {}\r\nX-B: b\r\nContent-Length: 4\r\n\r\n", stub.address());
    assert_eq!(requests[0].head.raw, head.as_bytes());
}

#[test]
fn answers_come_in_turn_over_one_connection() {
    let stub = StubServer::in_turn([
        answers::json(&json!({"n": 1})),
        answers::redirect(302, "/x"),
        answers::answer(404, &[], ""),
    ]);
    let mut client = RawClient::connect(stub.address());
    assert_eq!(client.get("stub", "/", &[]).json(), json!({"n": 1}));
    assert_eq!(client.get("stub", "/", &[]).header("location"), Some("/x"));
    assert_eq!(client.get("stub", "/", &[]).status, 404);
    assert_eq!(client.get("stub", "/", &[]).status, 404);
    assert_eq!((stub.connections(), stub.requests().len()), (1, 4));
    assert!(!client.has_unread_bytes());
}

#[test]
fn an_answer_depends_on_the_request() {
    let stub = StubServer::start(|request| answers::answer(200, &[], request.target()));
    assert_eq!(client::get(stub.address(), "/one", &[]).text(), "/one");
    assert_eq!(client::get(stub.address(), "/two", &[]).text(), "/two");
    assert_eq!(stub.connections(), 2);
    stub.wait_until_left();
}

#[test]
fn chunks_and_trailers_are_read_on_both_sides() {
    let stub = StubServer::always(answers::chunked(200, &[b"ab", b"c"], &[("X-Sum", "3")]));
    let mut client = RawClient::connect(stub.address());
    client.send(
        "POST / HTTP/1.1\r\nHost: stub\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nT: 1\r\n\r\n",
    );
    let response = client.read_response();
    assert_eq!(response.text(), "abc");
    assert_eq!(response.body.trailers, [("X-Sum".to_owned(), "3".to_owned())]);
    assert_eq!(response.body.raw, b"2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 3\r\n\r\n");
    let body = &stub.requests()[0].body;
    assert_eq!((body.content.as_slice(), body.trailers.len()), (&b"hi"[..], 1));
}

#[test]
fn answers_that_end_with_the_connection_or_have_no_body() {
    let stub = StubServer::in_turn([answers::until_close(200, "rest")]);
    assert_eq!(ask(&stub).unwrap().text(), "rest");
    let stub = StubServer::always([Step::Send(answers::head(304, &[], "Content-Length: 9\r\n"))]);
    assert_eq!(ask(&stub).unwrap().body.raw, b"");
    let mut client = RawClient::connect(stub.address());
    client.send(request("HEAD", "stub", "/", &[], b""));
    assert_eq!(client.read_response_to_head().status, 304);
}

#[test]
fn a_stalling_stub_is_silent_until_it_is_dropped() {
    let stub = StubServer::always([Step::Stall]);
    let mut client = RawClient::connect(stub.address());
    client.send(request("GET", "stub", "/", &[], b""));
    stub.wait_for_requests(1);
    assert!(!client.has_unread_bytes());
    let start = Instant::now();
    drop(stub);
    assert_eq!(client.read_until_closed(), b"");
    assert!(start.elapsed() < SOON);
}

#[test]
fn a_stub_can_act_before_it_reads() {
    let closing = StubServer::on_connect([Step::Close]);
    assert_eq!(RawClient::connect(closing.address()).read_until_closed(), b"");
    let greeting = StubServer::on_connect([Step::Send(b"too early".to_vec()), Step::Stall]);
    assert_eq!(RawClient::connect(greeting.address()).read_bytes(9), b"too early");
}

#[test]
fn a_reset_is_a_reset_and_a_close_is_none() {
    let error = |steps: Vec<Step>| ask(&StubServer::always(steps)).unwrap_err().kind();
    assert_eq!(error(vec![Step::Reset]), ErrorKind::ConnectionReset);
    assert_eq!(error(vec![Step::Close]), ErrorKind::UnexpectedEof);
}

#[test]
fn broken_answers_are_broken() {
    let half_a_head = vec![Step::Send(b"HTTP/1.1 200 OK\r\nConte".to_vec()), Step::Close];
    for steps in [half_a_head, answers::wrong_length(200, 10, "five!"), answers::garbage()] {
        assert!(ask(&StubServer::always(steps.clone())).is_err(), "{steps:?}");
    }
    let short = StubServer::always(answers::wrong_length(200, 2, "five!"));
    assert_eq!(ask(&short).unwrap().text(), "fi");
}

#[test]
fn large_answers_are_complete() {
    let stub = StubServer::always(answers::answer(200, &[], vec![b'x'; 3_000_000]));
    assert_eq!(ask(&stub).unwrap().body.content.len(), 3_000_000);
}

#[test]
fn a_dripping_stub_sends_one_byte_at_a_time_and_stops_when_dropped() {
    let pause = Duration::from_secs(3600);
    let stub = StubServer::always(answers::drip("HTTP/1.1 200 OK\r\n\r\n", pause));
    let mut client = RawClient::connect(stub.address());
    client.send(request("GET", "stub", "/", &[], b""));
    assert_eq!(client.read_bytes(1), b"H");
    assert!(!client.has_unread_bytes());
    drop(stub);
    client.read_until_closed();
}

#[test]
fn a_gate_holds_an_answer_back() {
    let gate = Gate::default();
    let mut steps = vec![Step::Send(answers::head(200, &[], "Transfer-Encoding: chunked\r\n"))];
    steps.extend([
        Step::Send(answers::chunk(b"first")),
        Step::Await(gate.clone()),
        Step::Send(answers::chunk(b"second")),
    ]);
    let stub = StubServer::always(steps);
    let mut client = RawClient::connect(stub.address());
    client.send(request("GET", "stub", "/", &[], b""));
    client.read_head();
    assert_eq!(client.read_bytes(10), b"5\r\nfirst\r\n");
    assert!(!client.has_unread_bytes());
    gate.open();
    assert_eq!(client.read_bytes(11), b"6\r\nsecond\r\n");
}

#[test]
fn a_closed_gate_does_not_keep_a_stub_from_being_dropped() {
    let stub = StubServer::always([Step::Await(Gate::default())]);
    let mut client = RawClient::connect(stub.address());
    client.send(request("GET", "stub", "/", &[], b""));
    stub.wait_for_requests(1);
    drop(stub);
    assert_eq!(client.read_until_closed(), b"");
}

#[test]
fn an_upgraded_connection_echoes() {
    let stub = StubServer::on_head(|_| answers::upgrade_and_echo());
    let mut client = RawClient::connect(stub.address());
    let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    assert_eq!(client.get("stub", "/socket", &upgrade).status, 101);
    client.send(b"\x81\x02hi");
    assert_eq!(client.read_bytes(4), b"\x81\x02hi");
    client.finish_sending();
    assert_eq!(client.read_until_closed(), b"");
}

#[test]
fn a_body_can_be_streamed_both_ways() {
    let head = answers::head(200, &[], "Transfer-Encoding: chunked\r\n");
    let stub = StubServer::on_head(move |_| vec![Step::Send(head.clone()), Step::Echo]);
    let mut client = RawClient::connect(stub.address());
    client.send("POST / HTTP/1.1\r\nHost: stub\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.read_head();
    for chunk in [b"3\r\none\r\n", b"3\r\ntwo\r\n"] {
        client.send(chunk);
        assert_eq!(client.read_bytes(chunk.len()), chunk);
    }
}

#[test]
fn a_log_is_read_as_it_is_written() {
    let script = r#"echo '{"message":"first","n":1}' >&2; echo plain >&2; read -r line < wait; echo '{"message":"last"}' >&2; exit 3"#;
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("wait");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = Command::new("sh");
    let mut process = Process::spawn(command.args(["-c", script]).current_dir(directory.path()), directory);
    let first = process.log.wait(|line| line.message() == "first").unwrap();
    assert_eq!(first.fields["n"], 1);
    assert_eq!(process.log.wait(|line| line.text == "plain").unwrap().message(), "");
    let mark = process.log.len();
    std::fs::write(&pipe, "go\n").unwrap();
    assert!(process.log.wait_after(mark, SOON, |line| line.message() == "last").is_some());
    assert!(process.log.wait(|line| line.message() == "never").is_none());
    assert_eq!(process.wait_exit(SOON).code(), Some(3));
}

#[test]
fn a_process_gets_signals_and_does_not_outlive_its_test() {
    let script = "trap 'echo hup >&2' HUP; echo up >&2; while :; do read -r line < wait; done";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    assert!(Command::new("mkfifo").arg(path.join("wait")).status().unwrap().success());
    let process = Process::spawn(Command::new("sh").args(["-c", script]).current_dir(&path), directory);
    process.log.wait(|line| line.text == "up").unwrap();
    process.signal(Signal::SIGHUP);
    process.log.wait(|line| line.text == "hup").unwrap();
    drop(process);
    assert!(!path.exists());
}

#[test]
fn a_gateway_is_found_by_what_it_logs() {
    let script = r#"for n in public:1 internal:2 admin:3; do
        echo "{\"message\":\"listening\",\"listener\":\"${n%:*}\",\"address\":\"127.0.0.1:${n#*:}\"}" >&2; done
        echo '{"message":"ready"}' >&2; exec sleep 3600"#;
    let directory = tempfile::tempdir().unwrap();
    let mut gateway =
        TestGateway::wait_ready(Process::spawn(Command::new("sh").args(["-c", script]), directory));
    let ports = [gateway.public, gateway.internal, gateway.admin].map(|address| address.port());
    assert_eq!((ports, gateway.log_mark()), ([1, 2, 3], 4));
    gateway.replace("routes.yaml", "routes: []");
    assert_eq!(std::fs::read_dir(gateway.directory()).unwrap().count(), 1);
    gateway.signal(Signal::SIGTERM);
    assert_eq!(gateway.wait_exit().code(), None);
}

#[test]
#[should_panic(expected = "does not come up; its log:\nno, sorry")]
fn a_gateway_that_does_not_come_up_fails_with_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    TestGateway::wait_ready(Process::spawn(command.args(["-c", "echo no, sorry >&2"]), directory));
}

#[test]
fn a_browser_follows_redirects_and_keeps_cookies_as_they_ask() {
    let stub = StubServer::start(|request| match request.target() {
        "/one" => {
            answers::answer(303, &[("Location", "two?x#y"), ("Set-Cookie", "a=1; Path=/two; HttpOnly")], "")
        }
        "/two?x" => answers::answer(200, &[], request.header("cookie").unwrap_or_default()),
        "/call" => answers::redirect(302, "TEL:+31,,1#"),
        "/gone" => answers::answer(200, &[("Set-Cookie", "a=; Path=/two; Max-Age=0")], ""),
        _ => answers::answer(404, &[], request.header("cookie").unwrap_or_default()),
    });
    let network = Network::default();
    network.point("stub.test", stub.address());
    let mut browser = Browser::new(&network);
    let landing = browser.open("http://stub.test/one");
    assert_eq!((landing.url.as_str(), landing.text()), ("http://stub.test/two?x#y", "a=1"));
    assert_eq!(browser.open("http://stub.test/elsewhere").text(), "", "another path");
    let other_host = format!("{}/two?x", stub.url());
    assert_eq!(browser.open(&other_host).text(), "", "another host");
    let call = browser.open("http://stub.test/call");
    assert_eq!((call.url.as_str(), call.page.is_none()), ("TEL:+31,,1#", true));
    browser.open("http://stub.test/gone");
    assert!(browser.cookies().is_empty());
    let transcript = network.take_transcript().join("\n");
    assert!(transcript.contains("browser  -> gateway  GET /one  =>  303 two?x#y"), "{transcript}");
}

#[test]
fn a_browser_minds_what_a_cookie_needs() {
    for (scheme, cookie, kept) in [
        ("http", "a=1", true),
        ("https", "a=1; Secure", true),
        ("https", "__Host-a=1; Path=/; Secure", true),
        ("http", "a=1; Secure", false),
        ("https", "__Host-a=1; Path=/", false),
        ("https", "__Host-a=1; Path=/x; Secure", false),
        ("https", "__Host-a=1; Path=/; Secure; Domain=stub.test", false),
    ] {
        let stub = StubServer::always(answers::answer(200, &[("Set-Cookie", cookie)], ""));
        let network = Network::default();
        network.point("stub.test", stub.address());
        let visit = std::thread::spawn(move || {
            Browser::new(&network).get(&format!("{scheme}://stub.test/"));
        });
        assert_eq!(visit.join().is_ok(), kept, "{scheme} {cookie}");
        let proto = (scheme == "https").then_some("https");
        assert_eq!(stub.requests()[0].header("x-forwarded-proto"), proto);
    }
}

#[test]
fn pages_are_read_as_a_browser_reads_them() {
    let page = r#"<meta charset="utf-8"><meta http-equiv="refresh" content="0;url=http://a.example/?b=1&#38;c=2">
        <a href="/x?a&amp;b">x</a> <input type="hidden" name="session" value="s.1"> <input name="other" value="o">"#;
    assert_eq!(refresh(page).as_deref(), Some("http://a.example/?b=1&c=2"));
    assert_eq!(links(page), ["/x?a&b"]);
    assert_eq!(field(page, "session").as_deref(), Some("s.1"));
    assert_eq!((field(page, "none"), refresh("<p>")), (None, None));
}

#[test]
fn results_are_added_as_plugins_in_the_field_do() {
    for (continuation, at_end, sorted) in [
        ("http://c.example/r", "http://c.example/r?result=R", "http://c.example/r?result=R"),
        (
            "http://c.example/r?z=1&a=2",
            "http://c.example/r?z=1&a=2&result=R",
            "http://c.example/r?a=2&result=R&z=1",
        ),
        ("http://c.example/r#top", "http://c.example/r#top?result=R", "http://c.example/r?result=R#top"),
        ("tel:+31,,1#", "tel:+31,,1#?result=R", "tel:+31,,1?result=R#"),
    ] {
        assert_eq!(with_result(continuation, "R", Append::AtEnd), at_end);
        assert_eq!(with_result(continuation, "R", Append::Sorted), sorted);
    }
}

#[test]
fn a_transcript_shows_no_values() {
    let long = "x".repeat(41);
    assert_eq!(
        shape(&format!("/session/continue/{long}?result={long}&a=b")),
        "/session/continue/{41}?result={41}&a=b"
    );
}

#[test]
fn a_round_robin_takes_turns_and_passes_over_who_is_gone() {
    let [one, two] = ["one", "two"].map(|name| StubServer::start(move |_| answers::answer(200, &[], name)));
    let balancer = Balancer::start(&[one.address(), two.address()]);
    let ask = || client::get(balancer.address(), "/", &[]).text().to_owned();
    assert_eq!([ask(), ask(), ask()], ["one", "two", "one"]);
    drop(one);
    assert_eq!([ask(), ask(), ask()], ["two", "two", "two"]);
}

#[test]
fn a_party_keeps_its_key() {
    assert_eq!(key("a", Kind::P256).public_pem, key("a", Kind::P256).public_pem);
    assert_ne!(key("a", Kind::P256).public_pem, key("b", Kind::P256).public_pem);
}
