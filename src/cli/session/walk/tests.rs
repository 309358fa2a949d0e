//! Walks over answers that are written down, without sockets.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::*;
use crate::plugins::{IncomingAnswer, OutgoingRequest};

const GATEWAY: &str = "https://contact.test/contact";
const ADDED: HeaderName = HeaderName::from_static("x-remote-mail");

/// Gives its answers in turn, and keeps what it was asked.
struct Script {
    answers: Mutex<Vec<Result<IncomingAnswer, TransportError>>>,
    asked: Mutex<Vec<Asked>>,
}

/// Server, `Host`, target, cookies, the added header and body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    server: String,
    host: String,
    target: String,
    cookie: Option<String>,
    added: Option<String>,
    body: String,
}

#[async_trait]
impl HttpClient for Script {
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        let header = |wanted: HeaderName| {
            let found = request.headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.to_str().unwrap().to_owned())
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
            server: request.server.url().as_str().to_owned(),
            host: header(header::HOST).unwrap(),
            target: request.path_and_query.to_owned(),
            cookie: header(header::COOKIE),
            added: header(ADDED),
            body: String::from_utf8(request.body.to_vec()).unwrap(),
        });
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(0)
    }
}

fn answer(status: u16, headers: &[(HeaderName, &str)], body: &str) -> IncomingAnswer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    let status = StatusCode::from_u16(status).unwrap();
    IncomingAnswer { status, headers: map, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn started(url: &str) -> IncomingAnswer {
    answer(
        200,
        &[(header::SET_COOKIE, "__Host-idc=b; Path=/; Secure")],
        &json!({ "client_url": url }).to_string(),
    )
}

fn redirect(location: &str) -> IncomingAnswer {
    answer(303, &[(header::LOCATION, location)], "")
}

fn page(mark: &str, content: &str) -> IncomingAnswer {
    answer(200, &[], &format!("<html><head></head><body data-page=\"{mark}\"><h1>Title</h1>{content}</body>"))
}

const SIGN_IN: &str = "<form method=\"post\"><button name=\"action\" value=\"confirm\">\
                       <button name=\"action\" value=\"cancel\"></form>";

struct Walked {
    end: Result<End, Broken>,
    pressed: bool,
    asked: Vec<Asked>,
    /// Everything that would have been printed.
    told: String,
}

fn walk(action: Action, answers: Vec<Result<IncomingAnswer, TransportError>>) -> Walked {
    let base = |text| BaseUrl::parse(text).unwrap();
    let plan = Plan {
        purpose: "move".to_owned(),
        auth: "irma".to_owned(),
        comm: "chat".to_owned(),
        action,
        headers: vec![(ADDED, HeaderValue::from_static("secret-mail"))],
        public: base(GATEWAY),
        places: vec![base(GATEWAY), base("http://127.0.0.1:8080")],
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let script = Script { answers: Mutex::new(answers), asked: Mutex::default() };
    let mut told = String::new();
    let mut tell = |step: Step| told += &format!("{} {} {}\n", step.status, step.what, step.verdict);
    let mut walk = Walk::new(&plan, &script, &mut tell);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let end = runtime.block_on(walk.run());
    let pressed = walk.pressed();
    let asked = script.asked.lock().unwrap().clone();
    Walked { end, pressed, asked, told }
}

fn confirm(answers: Vec<IncomingAnswer>) -> Walked {
    walk(Action::Confirm, answers.into_iter().map(Ok).collect())
}

#[test]
fn a_session_is_walked_to_the_communication_side_and_shows_no_secret() {
    let walked = confirm(vec![
        started("https://irma.test/ui/1?secret-query"),
        redirect(
            "https://contact.test/contact/session/continue/secret-state-of-some-length?result=secret-result",
        ),
        redirect("https://chat.test/room/1?result=secret-result"),
        answer(200, &[], "secret-page"),
    ]);
    assert_eq!((walked.end, walked.pressed), (Ok(End::Arrived), false));
    assert_eq!(walked.asked[0].body, r#"{"purpose":"move","auth_method":"irma","comm_method":"chat"}"#);
    assert_eq!(walked.asked[2].cookie.as_deref(), Some("__Host-idc=b"));
    assert_eq!(walked.asked[3].cookie, None);
    assert_eq!(walked.asked[3].target, "/room/1?result=secret-result");
    assert!(!walked.told.contains("secret"), "{}", walked.told);
    assert!(walked.told.contains("GET  https://irma.test/ui/1"), "{}", walked.told);
}

#[test]
fn the_gateway_is_asked_where_it_answers_by_the_name_that_browsers_know() {
    let walked = walk(
        Action::Confirm,
        vec![
            Err(TransportError::Resolve),
            Ok(started("https://contact.test/contact/auth/test/1")),
            Ok(page("cancelled", "")),
        ],
    );
    assert_eq!(walked.end, Ok(End::Cancelled));
    let asked: Vec<_> =
        walked.asked.iter().map(|asked| (&*asked.server, &*asked.host, &*asked.target)).collect();
    assert_eq!(
        asked,
        [
            (GATEWAY, "contact.test", "/contact/start"),
            ("http://127.0.0.1:8080", "contact.test", "/start"),
            ("http://127.0.0.1:8080", "contact.test", "/auth/test/1"),
        ]
    );
    let nowhere = vec![Err(TransportError::Connect), Err(TransportError::Connect)];
    let tried = vec![GATEWAY.to_owned(), "http://127.0.0.1:8080".to_owned()];
    assert_eq!(walk(Action::Confirm, nowhere).end, Err(Broken::NoGateway(tried)));
}

#[test]
fn what_a_front_proxy_would_add_goes_to_the_gateway_alone() {
    let own = "https://contact.test/contact/session/continue/x";
    let elsewhere = [
        "https://irma.test/ui",
        "https://contact.test:444/contact/start",
        "http://contact.test/contact/start",
        "https://contact.test/contacts",
        "https://other.contact.test/contact/start",
    ];
    let mut answers = vec![started(own)];
    answers.extend(elsewhere.into_iter().flat_map(|url| [redirect(url), redirect(own)]));
    answers.extend([redirect("https://chat.test/room"), answer(200, &[], "welcome")]);
    let walked = confirm(answers);
    assert_eq!(walked.end, Ok(End::Arrived));
    let told = walked.asked.iter().filter(|asked| asked.added.as_deref() == Some("secret-mail"));
    let told: Vec<_> = told.map(|asked| &*asked.target).collect();
    let (start, continued) = ("/contact/start", "/contact/session/continue/x");
    assert_eq!(told, [start, continued, continued, continued, continued, continued, continued]);
    assert!(!walked.told.contains("secret"), "{}", walked.told);
}

#[test]
fn a_form_is_sent_with_its_hidden_fields_and_the_button() {
    let form = "<form method=\"post\" action=\"/contact/auth/test/2\"><input type=\"hidden\" name=\"t\" value=\"&#60;\">\
                <button name=\"action\" value=\"confirm\"><button name=\"action\" value=\"cancel\"></form>";
    for (action, body) in [(Action::Confirm, "t=%3C&action=confirm"), (Action::Cancel, "t=%3C&action=cancel")]
    {
        let answers = vec![
            Ok(started("https://contact.test/contact/auth/test/1")),
            Ok(page("sign_in", form)),
            Ok(redirect("tel:112")),
        ];
        let walked = walk(action, answers);
        assert_eq!((walked.end, walked.pressed), (Ok(End::Call), true));
        assert_eq!((&*walked.asked[2].target, &*walked.asked[2].body), ("/contact/auth/test/2", body));
    }
    let answers = vec![Ok(started("https://contact.test/contact/auth/test/1")), Ok(page("sign_in", form))];
    assert_eq!(walk(Action::Fail, answers).end, Err(Broken::NoButton("fail")));
}

#[test]
fn pages_that_go_on_are_followed_and_pages_that_wait_asked_again() {
    let refresh = |content: &str| {
        let head = format!("<head><meta http-equiv=\"refresh\" content=\"{content}\"></head>");
        answer(200, &[], &format!("{head}<body data-page=\"onward\">"))
    };
    let walked = confirm(vec![
        started("https://contact.test/contact/auth/pin/1"),
        refresh("0"),
        refresh("0"),
        redirect("https://contact.test/contact/session/continue/x"),
        refresh("0;url=https://chat.test/?a&#38;b"),
        answer(200, &[], "welcome"),
    ]);
    assert_eq!(walked.end, Ok(End::Arrived));
    let targets: Vec<_> = walked.asked.iter().skip(1).map(|asked| &*asked.target).collect();
    let waits = "/contact/auth/pin/1";
    assert_eq!(targets, [waits, waits, waits, "/contact/session/continue/x", "/?a&b"]);
}

#[test]
fn a_page_that_waits_is_left_by_its_link() {
    let answers = vec![
        Ok(started("https://contact.test/contact/auth/pin/1")),
        Ok(page("waiting", "<a data-action=\"cancel\" href=\"/contact/auth/pin/stop\">Stop</a>")),
        Ok(redirect("/contact/session/continue/x")),
        Ok(page("cancelled", "")),
    ];
    let walked = walk(Action::Cancel, answers);
    assert_eq!((walked.end, walked.pressed), (Ok(End::Cancelled), true));
    assert_eq!(walked.asked[2].target, "/contact/auth/pin/stop");
}

#[test]
fn a_sign_in_of_others_needs_a_person_and_so_does_one_without_a_mark() {
    for url in ["https://irma.test/ui", "https://contact.test/irma/ui", "https://contact.test/contact/irma"] {
        let page = answer(200, &[], "<body><form><button name=\"action\" value=\"confirm\"></form>");
        let person = PluginUrl::parse_client_url(url.to_owned()).unwrap();
        assert_eq!(confirm(vec![started(url), page]).end, Ok(End::Person(person)), "{url}");
    }
    // Whoever goes on needs the cookies of the pages before.
    let begin = "https://contact.test/contact/auth/sso/x";
    let person = PluginUrl::parse_client_url(begin.to_owned()).unwrap();
    let answers = vec![started(begin), redirect("https://irma.test/ui?x"), answer(200, &[], "<body><form>")];
    assert_eq!(confirm(answers).end, Ok(End::Person(person)));
    // A mark means something on the gateway's own pages only.
    let forged = confirm(vec![started("https://irma.test/ui"), page("received", SIGN_IN)]);
    assert!(matches!(forged.end, Ok(End::Person(_))));
}

#[test]
fn past_the_gateway_a_result_shows_the_communication_side() {
    let walked = confirm(vec![
        started("https://irma.test/ui"),
        redirect("https://chat.test/room?x=1&result=R"),
        answer(200, &[], "welcome"),
    ]);
    assert_eq!(walked.end, Ok(End::Arrived));
    let walked = confirm(vec![
        started("https://contact.test/contact/auth/test/1"),
        page("sign_in", SIGN_IN),
        redirect("https://chat.test/room"),
        answer(200, &[], "welcome"),
    ]);
    assert_eq!(walked.end, Ok(End::Arrived));
}

#[test]
fn what_breaks_says_what_it_was() {
    let sign_in = || started("https://irma.test/ui");
    let problem = r#"{"code":"auth_plugin_error","detail":"`irma` failed","title":"x","session":"V745B6MA"}"#;
    let refusal = Refusal {
        code: "auth_plugin_error".to_owned(),
        detail: "`irma` failed".to_owned(),
        reference: Some("V745B6MA".to_owned()),
    };
    let error = "<p class=\"reference\">Quote this: <code>V745B6MA</code></p>";
    let error_page = Broken::ErrorPage { title: "Title".to_owned(), reference: Some("V745B6MA".to_owned()) };
    let shown = "https://irma.test/ui".to_owned();
    for (answers, broken) in [
        (vec![answer(502, &[], problem)], Broken::Refused(refusal)),
        (vec![answer(404, &[], "<html>")], Broken::NotTheGateway),
        (vec![answer(200, &[], "{}")], Broken::NotTheGateway),
        (vec![sign_in(), answer(500, &[], "")], Broken::Status(shown.clone(), 500)),
        (
            vec![sign_in(), redirect("javascript:alert(1)")],
            Broken::Redirect(shown, UrlError::Scheme("https, http or tel")),
        ),
        (vec![started("https://contact.test/contact/auth/a/b"), page("error", error)], error_page),
        (vec![started("https://contact.test/contact/choose"), page("choose", "")], Broken::Choice),
        (
            [sign_in()].into_iter().chain((0..=MAX_HOPS).map(|_| redirect("/ui"))).collect(),
            Broken::TooManyHops,
        ),
    ] {
        assert_eq!(confirm(answers).end, Err(broken));
    }
}
