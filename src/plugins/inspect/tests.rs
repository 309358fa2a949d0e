use super::{
    super::testing::{NOW, SeededRandom, header, html, purpose, request},
    *,
};
use crate::{
    model::{Dialect, SessionReference},
    tokens::NewResult,
};

const JWT: Option<&str> = Some("application/jwt");

struct Bench {
    adapter: InspectAdapter,
    random: SeededRandom,
}

struct Started {
    session: String,
    attr: Option<String>,
}

impl Bench {
    fn new(delivery: InspectDelivery) -> Self {
        let adapter = InspectAdapter::new(
            MethodTag::parse("kijk").unwrap(),
            BaseUrl::parse("https://gateway.example/contact").unwrap(),
            BaseUrl::parse("http://gateway.internal:8081").unwrap(),
            delivery,
            Arc::new(DevelopmentPair::new().unwrap()),
        );
        Self { adapter, random: SeededRandom::default() }
    }

    fn start(&self, auth_result: Option<&ResultToken>) -> Started {
        let request = CommunicationRequest {
            session: SessionReference::new(&self.random),
            purpose: &purpose(),
            auth_result,
            random: None,
            authenticated: true,
        };
        let started = self.adapter.start(&request, NOW, &self.random);
        let rest = |url: &PluginUrl, prefix: &str| url.as_str().strip_prefix(prefix).unwrap().to_owned();
        Started {
            session: rest(&started.client_url, "https://gateway.example/contact/comm/kijk/"),
            attr: started.attr_url.map(|url| rest(&url, "http://gateway.internal:8081/comm/kijk/")),
        }
    }

    fn issue(&self, dialect: Dialect, outcome: &AuthenticationOutcome) -> ResultToken {
        let session_url = Some("https://auth.example/update/<1>");
        self.adapter.pair.issue(&NewResult { dialect, outcome, session_url, not_after: None }, NOW).unwrap()
    }

    fn deliver(&self, rest: &str, body: &str) -> StatusCode {
        self.adapter.deliver(rest, &request(Method::POST, JWT, body), NOW).status
    }

    fn page(&self, session: &str, query: Option<&str>) -> String {
        self.page_at(session, query, NOW)
    }

    fn page_at(&self, session: &str, query: Option<&str>, now: UnixSeconds) -> String {
        let get = OwnRequest { query: query.map(str::to_owned), ..request(Method::GET, None, "") };
        let answer = self.adapter.page(session, &get, now);
        assert_eq!(answer.status, StatusCode::OK);
        html(&answer)
    }
}

fn success() -> AuthenticationOutcome {
    let email = ("email".to_owned(), "<anna>@example.nl".to_owned());
    AuthenticationOutcome::Success { attributes: [email].into_iter().collect() }
}

fn assert_shows(html: &str, shown: &[&str]) {
    for text in shown {
        assert!(html.contains(text), "{text} is not in {html}");
    }
}

#[test]
fn what_comes_by_post_is_shown() {
    for dialect in [Dialect::IdContact, Dialect::VerderHelpen] {
        let bench = Bench::new(InspectDelivery::AttrUrl);
        let started = bench.start(None);
        assert_shows(
            &bench.page(&started.session, None),
            &["Waiting", "http-equiv=\"refresh\" content=\"2\""],
        );
        let token = bench.issue(dialect, &success());
        assert_eq!(bench.deliver(&started.attr.unwrap(), token.expose()), StatusCode::NO_CONTENT);
        let html = bench.page(&started.session, Some("result=ignored"));
        assert_shows(&html, &["email", "&#60;anna&#62;@example.nl", "directly", dialect.as_str()]);
        assert_shows(&html, &["with a valid signature", "2027-01-15 08:05:00 UTC", "update/&#60;1&#62;"]);
        assert!(!html.contains("refresh") && !html.contains("eyJ"));
    }
}

#[test]
fn a_result_is_taken_once() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let started = bench.start(None);
    let attr = started.attr.unwrap();
    let token = bench.issue(Dialect::IdContact, &AuthenticationOutcome::Failed);
    assert_eq!(bench.deliver(&attr, token.expose()), StatusCode::NO_CONTENT);
    let second = bench.issue(Dialect::IdContact, &success());
    assert_eq!(bench.deliver(&attr, second.expose()), StatusCode::NOT_FOUND);
    assert_shows(&bench.page(&started.session, None), &["did not succeed", "failed"]);
}

#[test]
fn what_comes_with_the_citizen_is_shown() {
    for delivery in [InspectDelivery::Result, InspectDelivery::AttrUrl] {
        let bench = Bench::new(delivery);
        let started = bench.start(None);
        assert_eq!(started.attr.is_some(), delivery == InspectDelivery::AttrUrl);
        for (outcome, shown) in
            [(success(), "&#60;anna&#62;"), (AuthenticationOutcome::Failed, "did not succeed")]
        {
            let token = bench.issue(Dialect::IdContact, &outcome);
            let html = bench.page(&started.session, Some(&format!("a=b&result={}", token.expose())));
            assert_shows(&html, &[shown, "along with the visitor"]);
            assert!(!html.contains(token.expose()));
        }
    }
}

#[test]
fn what_comes_at_the_start_is_kept_and_nothing_more_is_taken() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let token = bench.issue(Dialect::VerderHelpen, &success());
    let started = bench.start(Some(&token));
    assert!(started.attr.is_none());
    let attr = format!("attributes/{}", started.session);
    assert_eq!(bench.deliver(&attr, token.expose()), StatusCode::NOT_FOUND);
    // It was valid when it came, and stays on show.
    let html = bench.page_at(&started.session, None, NOW + 1_000);
    assert_shows(&html, &["&#60;anna&#62;", "at the start"]);
}

#[test]
fn whoever_brings_nothing_waits_for_a_while_at_most() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let session = bench.start(None).session;
    let head = request(Method::HEAD, None, "");
    assert_eq!(bench.adapter.page(&session, &head, NOW).status, StatusCode::OK);
    for (at, shown) in [(100, "Waiting"), (104, "Waiting"), (105, "No data were received")] {
        assert_shows(&bench.page_at(&session, None, NOW + at), &[shown, "href=\"/contact/choose\""]);
    }
    let bench = Bench::new(InspectDelivery::Result);
    let session = bench.start(None).session;
    assert_shows(&bench.page(&session, None), &["No data were received"]);
}

#[test]
fn what_cannot_be_read_is_said_and_never_echoed() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let stranger = Bench::new(InspectDelivery::AttrUrl).issue(Dialect::IdContact, &success());
    for (body, reason) in [
        (stranger.expose(), "encrypted to another key"),
        ("<script>alert(1)</script>", "not an authentication result"),
        ("", "not an authentication result"),
    ] {
        let started = bench.start(None);
        assert_eq!(bench.deliver(&started.attr.unwrap(), body), StatusCode::NO_CONTENT);
        let html = bench.page(&started.session, None);
        assert_shows(&html, &["cannot be read", reason]);
        assert!(body.is_empty() || !html.contains(body));
    }
    let session = bench.start(None).session;
    let own = bench.issue(Dialect::IdContact, &success());
    let late = bench.page_at(&session, Some(&format!("result={}", own.expose())), NOW + 361);
    assert_shows(&late, &["It has expired."]);
}

#[test]
fn what_is_no_delivery_is_refused() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let started = bench.start(None);
    let attr = started.attr.unwrap();
    let large = "x".repeat(MAX_TOKEN_BYTES + 1);
    for (request, status) in [
        (request(Method::POST, None, "x"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (request(Method::POST, Some("application/json"), "x"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (request(Method::POST, JWT, &large), StatusCode::PAYLOAD_TOO_LARGE),
        (request(Method::GET, JWT, ""), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(bench.adapter.deliver(&attr, &request, NOW).status, status);
    }
    for unknown in [started.session.as_str(), "", "attributes/", &format!("attributes/{}", "f".repeat(32))] {
        assert_eq!(bench.deliver(unknown, "x"), StatusCode::NOT_FOUND, "{unknown}");
    }
    let by_result = Bench::new(InspectDelivery::Result);
    let session = by_result.start(None).session;
    assert_eq!(by_result.deliver(&format!("attributes/{session}"), "x"), StatusCode::NOT_FOUND);
    assert_eq!(bench.deliver(&attr, "x"), StatusCode::NO_CONTENT);
}

#[test]
fn pages_of_others_are_unknown() {
    let bench = Bench::new(InspectDelivery::AttrUrl);
    let session = bench.start(None).session;
    let mut other = bench.adapter.clone();
    other.place.tag = MethodTag::parse("other").unwrap();
    let get = request(Method::GET, None, "");
    assert_eq!(other.page(&session, &get, NOW).status, StatusCode::NOT_FOUND);
    assert_eq!(bench.adapter.page("x", &get, NOW).status, StatusCode::NOT_FOUND);
    assert_eq!(bench.adapter.page(&session, &get, NOW + 1_800).status, StatusCode::NOT_FOUND);
    let post = bench.adapter.page(&session, &request(Method::POST, None, ""), NOW);
    assert_eq!((post.status, header(&post, "allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD")));
}
