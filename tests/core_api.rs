//! The core API against stub plugins: what goes over the wire, byte for byte, and what comes back
//! when plugins misbehave.
#![cfg(test)]

mod support;

use std::net::TcpListener;

use serde_json::{Value, json};

use support::{
    answers,
    client::Response,
    gateway::{Files, TestGateway},
    stub::{Step, StubPlugin},
};

const JSON: [(&str, &str); 2] = [("Content-Type", "application/json"), ("Accept", "application/json")];
const CLIENT_URL: &str = "https://auth.example/ui/1";

const PURPOSES: &str = r#"purposes:
  - { tag: report_move, name: { nl: Verhuizen, en: Move }, attributes: [email, fullname], allowed_auth: ["*"], allowed_comm: [chat, call] }
  - { tag: "met spatie/é", attributes: [], allowed_auth: [irma], allowed_comm: [chat], unauthenticated: true }
  - { tag: nothing, attributes: [], allowed_auth: [], allowed_comm: [] }
"#;

/// A gateway with one authentication and two communication methods at these plugins.
fn gateway(auth: &StubPlugin, comm: &StubPlugin) -> TestGateway {
    gateway_at(&auth.url(), &comm.url(), "")
}

fn gateway_at(auth: &str, comm: &str, options: &str) -> TestGateway {
    let plugins = format!(
        r#"auth:
  - {{ tag: irma, name: IRMA, image_path: /static/irma.svg, start: "{auth}/internal/", brokering: off{options} }}
  - {{ tag: digid, name: DigiD, image_path: /static/digid.svg, start: "{auth}"{options} }}
comm:
  - {{ tag: chat, name: Chat, image_path: /static/chat.svg, start: "{comm}"{options} }}
  - {{ tag: call, name: Bellen, image_path: /static/phone.svg, start: "{comm}/call", disable_attributes_at_start: true{options} }}
"#
    );
    TestGateway::start(&Files::new("gateway: { public_url: \"http://gateway.test\" }\n", PURPOSES, &plugins))
}

fn start(gateway: &TestGateway, body: &Value) -> Response {
    gateway.public().post("gateway.test", "/start", &JSON, body.to_string().as_bytes())
}

fn full() -> Value {
    json!({"purpose": "report_move", "auth_method": "irma", "comm_method": "chat"})
}

fn auth_plugin() -> StubPlugin {
    StubPlugin::always(answers::json(&json!({"client_url": CLIENT_URL})))
}

fn comm_plugin(answer: &Value) -> StubPlugin {
    StubPlugin::always(answers::json(answer))
}

#[test]
fn session_options_list_methods_in_order_and_nothing_else() {
    let plugin = auth_plugin();
    let gateway = gateway(&plugin, &plugin);
    let irma = r#"{"tag":"irma","name":"IRMA","image_path":"/static/irma.svg"}"#;
    let digid = r#"{"tag":"digid","name":"DigiD","image_path":"/static/digid.svg"}"#;
    let chat = r#"{"tag":"chat","name":"Chat","image_path":"/static/chat.svg"}"#;
    let call = r#"{"tag":"call","name":"Bellen","image_path":"/static/phone.svg"}"#;
    let of_move = format!(r#"{{"auth_methods":[{irma},{digid}],"comm_methods":[{chat},{call}]}}"#);
    let of_space = format!(r#"{{"auth_methods":[{irma}],"comm_methods":[{chat}]}}"#);
    let of_nothing = r#"{"auth_methods":[],"comm_methods":[]}"#;
    for mut client in [gateway.public(), gateway.internal()] {
        let one = client.get("gateway.test", "/session_options/report_move", &[]);
        assert_eq!((one.status, one.header("content-type")), (200, Some("application/json")));
        assert_eq!(one.text(), of_move);
        assert_eq!(
            client.get("gateway.test", "/session_options/met%20spatie%2F%C3%A9", &[]).text(),
            of_space
        );
        let all = client.get("gateway.test", "/session_options", &[]);
        assert_eq!(
            all.text(),
            format!(r#"{{"report_move":{of_move},"met spatie/é":{of_space},"nothing":{of_nothing}}}"#)
        );
        client.send("HEAD /session_options/report_move HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        let head = client.read_response_to_head();
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some(of_move.len().to_string().as_str()))
        );
        for unknown in
            ["/session_options/unknown", "/session_options/met%2520spatie%2F%C3%A9", "/session_options/%ff"]
        {
            let problem = client.get("gateway.test", unknown, &[]);
            assert_eq!(
                (problem.status, problem.json()["code"].as_str()),
                (400, Some("unknown_purpose")),
                "{unknown}"
            );
        }
        let post = client.post("gateway.test", "/session_options", &[], b"");
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    }
}

#[test]
fn the_seeds_http_1_0_request_is_answered() {
    let plugin = auth_plugin();
    let gateway = gateway(&plugin, &plugin);
    let mut client = gateway.public();
    client.send(
        "GET /session_options/report_move HTTP/1.0\r\nHost: core:8000\r\nConnection: close\r\naccept: */*\r\n\
         accept-encoding: gzip, deflate, br\r\naccept-language: en-US,en;q=0.9\r\n\r\n",
    );
    let response = client.read_response();
    assert_eq!((response.status, response.json()["auth_methods"][1]["tag"].as_str()), (200, Some("digid")));
}

#[test]
fn a_body_that_breaks_off_or_is_malformed_is_the_clients_mistake() {
    let plugin = auth_plugin();
    let gateway = gateway(&plugin, &plugin);
    let mut client = gateway.public();
    client.send("POST /start HTTP/1.1\r\nHost: core\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    let response = client.read_response();
    assert_eq!((response.status, response.json()["code"].as_str()), (400, Some("invalid_request")));
    let mut client = gateway.public();
    client.send("POST /start HTTP/1.1\r\nHost: core\r\nContent-Length: 9\r\n\r\n{");
    client.finish_sending();
    client.read_until_closed();
    let line = gateway.wait_for_log(|line| line.text_field("error") == Some("client_gone"));
    assert!(line.text.contains("\"status\":499"), "{}", line.text);
}

#[test]
fn only_who_expects_100_gets_it() {
    let plugin = auth_plugin();
    let gateway = gateway(&plugin, &plugin);
    for (version, expectation, first) in
        [("1.1", "100-Continue", 100), ("1.0", "100-continue", 415), ("1.1", "something", 415)]
    {
        let mut client = gateway.public();
        client.send(format!(
            "POST /start HTTP/{version}\r\nHost: core\r\nExpect: {expectation}\r\nContent-Length: 2\r\n\r\n{{}}"
        ));
        assert_eq!(client.read_response().status, first, "{version} {expectation}");
    }
}

#[test]
fn a_plugin_at_an_upstream_is_reached_while_one_of_its_servers_is_down() {
    let plugin = comm_plugin(&json!({"client_url": "https://comm.example/"}));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let routes = format!(
        "gateway: {{ public_url: \"http://gateway.test\" }}\n\
         upstreams: {{ u: {{ servers: [\"http://{closed}\", \"http://no-such-host.invalid\", \"{}\"] }} }}\n",
        plugin.url()
    );
    let plugins =
        "auth: []\ncomm:\n  - { tag: chat, name: Chat, image_path: /c.svg, start: \"upstream:u/x\" }\n";
    let purposes = "purposes:\n  - { tag: p, attributes: [], allowed_auth: [], allowed_comm: [chat], unauthenticated: true }\n";
    let gateway = TestGateway::start(&Files::new(&routes, purposes, plugins));
    for _ in 0..3 {
        let response = start(&gateway, &json!({"purpose": "p", "comm_method": "chat"}));
        assert_eq!(response.status, 200, "{}", response.text());
    }
    assert_eq!(plugin.wait_for_requests(3)[0].target(), "/x/start_communication");
}

#[test]
fn a_full_start_asks_communication_first_then_authentication() {
    for attr_url in [None, Some("http://comm.internal:3000/attr/7?x=1")] {
        let auth = auth_plugin();
        let comm = comm_plugin(
            &json!({"client_url": "https://chat.example/7?a=b#c", "attr_url": attr_url, "more": [1]}),
        );
        let gateway = gateway(&auth, &comm);
        let response = start(&gateway, &full());
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        assert_eq!(response.text(), format!(r#"{{"client_url":"{CLIENT_URL}"}}"#));
        let asked = comm.wait_for_requests(1).remove(0);
        assert_eq!((asked.method(), asked.target()), ("POST", "/start_communication"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.body.content, br#"{"purpose":"report_move"}"#);
        let asked = auth.wait_for_requests(1).remove(0);
        assert_eq!((asked.method(), asked.target()), ("POST", "/internal/start_authentication"));
        let attr_url = attr_url.map(|url| format!(r#","attr_url":"{url}""#)).unwrap_or_default();
        assert_eq!(
            std::str::from_utf8(&asked.body.content).unwrap(),
            format!(
                r#"{{"attributes":["email","fullname"],"continuation":"https://chat.example/7?a=b#c"{attr_url}}}"#
            )
        );
    }
}

#[test]
fn the_answer_is_json_or_a_redirect_as_the_client_wants() {
    let (auth, comm) = (auth_plugin(), comm_plugin(&json!({"client_url": "tel:+31201234567,,12345#"})));
    let gateway = gateway(&auth, &comm);
    let body = full().to_string();
    for (accept, json) in [
        (Some("application/json"), true),
        (Some("application/json, text/plain, */*"), true),
        (Some("*/*"), false),
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), false),
        (None, false),
    ] {
        let mut headers = vec![("Content-Type", "application/json;charset=utf-8")];
        headers.extend(accept.map(|accept| ("Accept", accept)));
        let response = gateway.internal().post("gateway.test", "/start", &headers, body.as_bytes());
        if json {
            assert_eq!((response.status, response.header("location")), (200, None), "{accept:?}");
        } else {
            assert_eq!((response.status, response.header("location")), (303, Some(CLIENT_URL)), "{accept:?}");
        }
    }
    let form = b"purpose=report_move&auth_method=irma&comm_method=chat&submit=";
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(gateway.public().post("gateway.test", "/start", &headers, form).status, 303);
}

#[test]
fn an_earlier_result_goes_along_with_the_start_of_communication() {
    let auth = auth_plugin();
    let comm = comm_plugin(
        &json!({"client_url": "https://chat.example/7", "attr_url": format!("{}/ignored", auth.url())}),
    );
    let gateway = gateway(&auth, &comm);
    let response = start(
        &gateway,
        &json!({"purpose": "report_move", "comm_method": "chat", "auth_result": "ey.a.b.c.d"}),
    );
    assert_eq!(response.json(), json!({"client_url": "https://chat.example/7"}));
    let asked = comm.wait_for_requests(1).remove(0);
    assert_eq!(asked.body.content, br#"{"purpose":"report_move","auth_result":"ey.a.b.c.d"}"#);
    assert!(auth.requests().is_empty(), "nothing is delivered again");
}

#[test]
fn without_attributes_at_start_the_result_follows() {
    let receiver = StubPlugin::in_turn([answers::answer(204, &[], ""), answers::answer(404, &[], "")]);
    let comm = comm_plugin(
        &json!({"client_url": "tel:+31201234567", "attr_url": format!("{}/attr/7?k=v", receiver.url())}),
    );
    let posting = gateway(&receiver, &comm);
    let body = json!({"purpose": "report_move", "comm_method": "call", "auth_result": "ey.a.b.c.d"});
    assert_eq!(start(&posting, &body).json(), json!({"client_url": "tel:+31201234567"}));
    let asked = comm.wait_for_requests(1).remove(0);
    assert_eq!(
        (asked.target(), asked.body.content.as_slice()),
        ("/call/start_communication", &br#"{"purpose":"report_move"}"#[..])
    );
    let delivered = receiver.wait_for_requests(1).remove(0);
    assert_eq!((delivered.method(), delivered.target()), ("POST", "/attr/7?k=v"));
    assert_eq!(delivered.header("content-type"), Some("application/jwt"));
    assert_eq!(delivered.body.content, b"ey.a.b.c.d");
    let refused = start(&posting, &body);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (502, Some("delivery_failed")));

    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7?a=b#c"}));
    let appending = gateway(&receiver, &comm);
    assert_eq!(
        start(&appending, &body).json(),
        json!({"client_url": "https://chat.example/7?a=b&result=ey.a.b.c.d#c"})
    );
}

#[test]
fn a_telephone_number_takes_no_result_along() {
    let comm = comm_plugin(&json!({"client_url": "tel:+31201234567,,12345#"}));
    let gateway = gateway(&auth_plugin(), &comm);
    let body = json!({"purpose": "report_move", "comm_method": "call", "auth_result": "ey.a.b.c.d"});
    assert_eq!(start(&gateway, &body).json(), json!({"client_url": "tel:+31201234567,,12345#"}));
    let metrics = gateway.admin().get("admin", "/metrics", &[]).text().to_owned();
    let lost = r#"idcontact_session_events_total{auth_method="",comm_method="call",event="attributes_delivered",outcome="delivery_failed",purpose="report_move"} 1"#;
    assert!(metrics.contains(lost), "{metrics}");
}

#[test]
fn a_result_that_is_too_long_for_a_redirect_goes_on_by_a_page() {
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let gateway = gateway(&auth_plugin(), &comm);
    let result = "e".repeat(5_400);
    let there = format!("https://chat.example/7?result={result}");
    let body = json!({"purpose": "report_move", "comm_method": "call", "auth_result": &result});
    assert_eq!(start(&gateway, &body).json(), json!({"client_url": &there}));
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")];
    let body = format!("purpose=report_move&comm_method=call&auth_result={result}");
    let page = gateway.public().post("gateway.test", "/start", &form, body.as_bytes());
    assert_eq!((page.status, page.header("location")), (200, None));
    assert!(page.text().contains(&format!("content=\"0;url={there}\"")), "{}", page.text());
}

#[test]
fn communication_starts_unauthenticated_only_where_the_purpose_allows_it() {
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7", "attr_url": null}));
    let gateway = gateway(&comm, &comm);
    let allowed =
        start(&gateway, &json!({"purpose": "met spatie/é", "comm_method": "chat", "auth_method": null}));
    assert_eq!(allowed.json(), json!({"client_url": "https://chat.example/7"}));
    assert_eq!(comm.wait_for_requests(1)[0].body.content, "{\"purpose\":\"met spatie/é\"}".as_bytes());
    let refused = start(&gateway, &json!({"purpose": "report_move", "comm_method": "chat"}));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("unauthenticated_not_allowed")));
}

#[test]
fn what_can_be_refused_early_is_and_no_plugin_is_asked() {
    let plugin = auth_plugin();
    let gateway = gateway(&plugin, &plugin);
    for (body, status, code) in [
        (json!({}), 400, "invalid_request"),
        (json!({"purpose": "report_move"}), 400, "invalid_request"),
        (json!({"purpose": "none", "auth_method": "irma", "comm_method": "chat"}), 400, "unknown_purpose"),
        (
            json!({"purpose": "report_move", "auth_method": "none", "comm_method": "chat"}),
            400,
            "unknown_auth_method",
        ),
        (
            json!({"purpose": "report_move", "auth_method": "irma", "comm_method": "none"}),
            400,
            "unknown_comm_method",
        ),
        (
            json!({"purpose": "met spatie/é", "auth_method": "digid", "comm_method": "chat"}),
            400,
            "auth_method_not_allowed",
        ),
        (
            json!({"purpose": "met spatie/é", "auth_method": "irma", "comm_method": "call"}),
            400,
            "comm_method_not_allowed",
        ),
        (
            json!({"purpose": "report_move", "auth_method": "irma", "comm_url": "https://x.example/"}),
            403,
            "signature_required",
        ),
    ] {
        let response = start(&gateway, &body);
        assert_eq!((response.status, response.json()["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.json()["session"].as_str().map(str::len), Some(8), "{body}");
    }
    for (content_type, body, status) in [
        ("application/json", r#"{"purpose":"report_move","purpose":"x"}"#, 400),
        ("application/json", "[]", 400),
        ("text/plain", "{}", 415),
        ("application/jwt", "a.b.c", 403),
        ("application/x-www-form-urlencoded", "purpose=a&purpose=b", 400),
        ("application/x-www-form-urlencoded", "purpose=report_move&comm_method=chat&auth_result=", 400),
        ("application/json", r#"{"purpose":"report_move","comm_method":"chat","auth_result":""}"#, 400),
    ] {
        let headers = [("Content-Type", content_type)];
        let response = gateway.public().post("gateway.test", "/start", &headers, body.as_bytes());
        assert_eq!(response.status, status, "{content_type} {body}");
    }
    let wrong_method = gateway.public().get("gateway.test", "/start", &[]);
    assert_eq!((wrong_method.status, wrong_method.header("allow")), (405, Some("POST")));
    assert!(plugin.requests().is_empty());
}

#[test]
fn a_start_takes_64_kib_and_not_more() {
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let gateway = gateway(&comm, &comm);
    let frame = |result: &str| {
        json!({"purpose": "report_move", "comm_method": "chat", "auth_result": result}).to_string()
    };
    let largest = frame(&"x".repeat(64 * 1024 - frame("").len()));
    assert_eq!(gateway.public().post("gateway.test", "/start", &JSON, largest.as_bytes()).status, 200);
    let announced = gateway.public().post("gateway.test", "/start", &JSON, &vec![b' '; 64 * 1024 + 1]);
    assert_eq!((announced.status, announced.json()["code"].as_str()), (413, Some("request_too_large")));
    let mut client = gateway.public();
    client.send("POST /start HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(answers::chunk(&vec![b' '; 64 * 1024 + 1]));
    client.send("0\r\n\r\n");
    assert_eq!(client.read_response().status, 413);
}

#[test]
fn a_plugin_that_fails_is_a_clear_problem_and_counted() {
    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let good = json!({"client_url": "https://chat.example/7"});
    let large = json!({"client_url": "https://chat.example/7", "padding": "x".repeat(70_000)});
    let url = |url: &str| answers::json(&json!({ "client_url": url }));
    let cases: Vec<(&str, Option<Vec<Step>>, u16, &str)> = vec![
        ("closed", None, 502, "connect_failed"),
        ("stalls", Some(vec![Step::Stall]), 504, "timeout"),
        (
            "drips",
            Some(vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec()), Step::Stall]),
            504,
            "timeout",
        ),
        ("resets", Some(vec![Step::Reset]), 502, "broken"),
        ("closes early", Some(answers::wrong_length(200, 500, "{}")), 502, "broken"),
        ("is no HTTP", Some(answers::garbage()), 502, "broken"),
        ("refuses", Some(answers::answer(503, &[], good.to_string())), 502, "bad_status"),
        ("redirects", Some(answers::redirect(302, "http://127.0.0.1/")), 502, "bad_status"),
        ("is no JSON", Some(answers::answer(200, &[], "hello")), 502, "malformed"),
        ("has no URL", Some(answers::json(&json!({"url": "x"}))), 502, "malformed"),
        ("is large", Some(answers::json(&large)), 502, "too_large"),
        ("is script", Some(url("javascript:alert(1)")), 502, "bad_url"),
        ("is relative", Some(url("/x")), 502, "bad_url"),
        ("has userinfo", Some(url("https://a:b@chat.example/")), 502, "bad_url"),
        ("has a space", Some(url("https://chat.example/a b")), 502, "bad_url"),
        ("has a line end", Some(url("https://chat.example/\r\nSet-Cookie: a=b")), 502, "bad_url"),
        (
            "has a telephone attr_url",
            Some(answers::json(&json!({"client_url": "https://c.example/", "attr_url": "tel:1"}))),
            502,
            "bad_url",
        ),
    ];
    for (what, steps, status, outcome) in cases {
        let comm = steps.map(StubPlugin::always);
        let comm_url = comm.as_ref().map_or(closed.clone(), StubPlugin::url);
        let auth = auth_plugin();
        let gateway = gateway_at(&auth.url(), &comm_url, ", timeout: 300ms");
        let response = start(&gateway, &full());
        let code = if status == 504 { "comm_plugin_timeout" } else { "comm_plugin_error" };
        assert_eq!((response.status, response.json()["code"].as_str()), (status, Some(code)), "{what}");
        assert!(auth.requests().is_empty(), "{what}: a communication that failed is not authenticated for");
        if let Some(comm) = comm {
            assert_eq!(comm.requests().len(), 1, "{what}: never retried");
        }
        let metrics = gateway.admin().get("admin", "/metrics", &[]).text().to_owned();
        let line = format!(
            r#"idcontact_plugin_requests_total{{operation="start_communication",outcome="{outcome}",plugin="chat"}} 1"#
        );
        assert!(metrics.contains(&line), "{what}: {line} is missing in\n{metrics}");
        let reference = response.json()["session"].as_str().unwrap().to_owned();
        let line = gateway.wait_for_log(|line| line.text_field("session") == Some(&reference));
        assert_eq!((line.message(), line.text_field("code")), ("session event", Some(code)), "{what}");
        let request_id = response.header("x-request-id").unwrap();
        assert_eq!(line.text_field("request_id"), Some(request_id), "{what}");
        let access = gateway.wait_for_log(|line| line.message() == "request");
        assert_eq!(
            (access.text_field("request_id"), access.text_field("error")),
            (Some(request_id), Some(code))
        );
    }
}

#[test]
fn an_authentication_that_fails_is_told_apart() {
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let auth = StubPlugin::always(answers::answer(500, &[], ""));
    let gateway = gateway(&auth, &comm);
    let response = start(&gateway, &full());
    assert_eq!((response.status, response.json()["code"].as_str()), (502, Some("auth_plugin_error")));
    let browser = [("Content-Type", "application/json"), ("Accept", "text/html")];
    let page = gateway.public().post("gateway.test", "/start", &browser, full().to_string().as_bytes());
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("Inloggen lukt nu niet"), "{}", page.text());
}

#[test]
fn plugins_may_answer_any_2xx_and_any_type() {
    let comm = StubPlugin::always(answers::answer(
        201,
        &[("Content-Type", "text/plain")],
        r#"{"client_url":"https://chat.example/7","attr_url":null}"#,
    ));
    let auth = StubPlugin::always(answers::chunked(
        202,
        &[br#"{"client_url":"#, br#""HTTPS://Auth.example/x"}"#],
        &[],
    ));
    let gateway = gateway(&auth, &comm);
    assert_eq!(start(&gateway, &full()).json(), json!({"client_url": "HTTPS://Auth.example/x"}));
}

#[test]
fn connections_to_plugins_are_kept() {
    let auth = auth_plugin();
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let gateway = gateway(&auth, &comm);
    let mut client = gateway.public();
    for _ in 0..5 {
        let response = client.post("gateway.test", "/start", &JSON, full().to_string().as_bytes());
        assert_eq!(response.status, 200);
    }
    assert_eq!((comm.requests().len(), comm.connections()), (5, 1));
    assert_eq!((auth.requests().len(), auth.connections()), (5, 1));
}

#[test]
fn a_plugins_urls_may_name_only_its_hosts() {
    let auth = auth_plugin();
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let right = gateway_at(&auth.url(), &comm.url(), ", hosts: [auth.example, Chat.Example]");
    assert_eq!(start(&right, &full()).status, 200);
    let wrong = gateway_at(&auth.url(), &comm.url(), ", hosts: [chat.example]");
    let response = start(&wrong, &full());
    assert_eq!((response.status, response.json()["code"].as_str()), (502, Some("auth_plugin_error")));
}

#[test]
fn a_plugin_may_stand_on_a_configured_upstream() {
    let [one, two] = [auth_plugin(), auth_plugin()];
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/7"}));
    let routes = format!(
        "gateway: {{ public_url: \"http://gateway.test\" }}\nupstreams:\n  digid: {{ servers: [{:?}, {:?}] }}\n",
        one.url(),
        two.url()
    );
    let plugins = format!(
        "auth:\n  - {{ tag: irma, name: I, image_path: /i, start: \"upstream:digid/internal\" }}\n\
         comm:\n  - {{ tag: chat, name: C, image_path: /c, start: \"{}\" }}\n  - {{ tag: call, name: C, image_path: /c, start: \"{}\" }}\n",
        comm.url(),
        comm.url()
    );
    let purposes = PURPOSES.replace("[irma]", "[\"*\"]");
    let gateway = TestGateway::start(&Files::new(&routes, &purposes, &plugins));
    for _ in 0..2 {
        assert_eq!(start(&gateway, &full()).status, 200);
    }
    for plugin in [one, two] {
        assert_eq!(plugin.wait_for_requests(1)[0].target(), "/internal/start_authentication");
    }
}

#[test]
fn sessions_are_counted_and_no_result_is_logged() {
    let auth = auth_plugin();
    let comm = comm_plugin(&json!({"client_url": "https://chat.example/SECRET1"}));
    let gateway = gateway(&auth, &comm);
    start(&gateway, &full());
    start(&gateway, &json!({"purpose": "report_move", "comm_method": "chat", "auth_result": "SECRET2"}));
    start(&gateway, &json!({"purpose": "SECRET3", "comm_method": "chat", "auth_result": "SECRET2"}));
    let metrics = gateway.admin().get("admin", "/metrics", &[]).text().to_owned();
    for line in [
        r#"idcontact_sessions_started_total{auth_method="irma",comm_method="chat",kind="full",purpose="report_move"} 1"#,
        r#"idcontact_sessions_started_total{auth_method="",comm_method="chat",kind="communication",purpose="report_move"} 1"#,
        r#"idcontact_session_events_total{auth_method="irma",comm_method="chat",event="start",outcome="ok",purpose="report_move"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    gateway.wait_for_log(|line| line.text_field("outcome") == Some("rejected"));
    assert!(!gateway.log_text().contains("SECRET") && !metrics.contains("SECRET"), "{}", gateway.log_text());
}

#[test]
fn a_browser_that_lost_the_first_answer_is_marked_by_the_next() {
    let auth = auth_plugin();
    let receiver = StubPlugin::in_turn([answers::answer(204, &[], ""), answers::answer(404, &[], "")]);
    let comm =
        comm_plugin(&json!({"client_url": CLIENT_URL, "attr_url": format!("{}/attr/7", receiver.url())}));
    let gateway = gateway_at(&auth.url(), &comm.url(), "");
    start(&gateway, &json!({"purpose": "report_move", "auth_method": "digid", "comm_method": "chat"}));
    let asked: Value = serde_json::from_slice(&auth.wait_for_requests(1)[0].body.content).unwrap();
    let (_, continuation) = asked["continuation"].as_str().unwrap().split_once("gateway.test").unwrap();
    for visit in 0..2 {
        let answer = gateway.public().get("gateway.test", &format!("{continuation}?result=ey.a.b.c.d"), &[]);
        assert_eq!((answer.status, answer.header("location")), (303, Some(CLIENT_URL)), "visit {visit}");
        let mark = answer.header("set-cookie").unwrap_or_else(|| panic!("visit {visit}: no cookie"));
        assert!(mark.starts_with("idc-delivered-") && mark.contains("; Path=/session/continue;"), "{mark}");
    }
    assert_eq!(receiver.wait_for_requests(1).len(), 1);
}
