use super::{
    super::{
        TransportError,
        testing::{NOW, Posted, World, attributes, header, html, purpose, request},
    },
    *,
};
use crate::{model::SessionReference, tokens::AuthenticationResult};

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const CONTINUATION: &str = "https://comm.example/c/1?room=2#top";
const ATTR_URL: &str = "http://comm.internal:8000/attributes/1?x=y";

struct Bench {
    adapter: TestAdapter,
    world: World,
}

impl Bench {
    fn new(dialect: Dialect, answer: Result<StatusCode, TransportError>) -> Self {
        let pair = Arc::new(DevelopmentPair::new().unwrap());
        let values = [("email", "anna@example.nl"), ("phone", "0612345678")];
        let adapter = TestAdapter::new(
            MethodTag::parse("een test/é").unwrap(),
            BaseUrl::parse("https://gateway.example/contact").unwrap(),
            values.map(|(tag, value)| (AttributeTag::parse(tag).unwrap(), value.to_owned())).to_vec(),
            dialect,
            pair,
        );
        Self { adapter, world: World::answering(answer) }
    }

    fn start(&self, continuation: &str, attr_url: Option<&str>) -> String {
        let continuation = PluginUrl::parse_client_url(continuation.to_owned()).unwrap();
        let attr_url = attr_url.map(|url| PluginUrl::parse_attr_url(url.to_owned()).unwrap());
        let url = self.adapter.start(
            &AuthenticationRequest {
                session: SessionReference::new(&crate::model::SystemRandom),
                purpose: &purpose(),
                attributes: &attributes(),
                continuation: &continuation,
                attr_url: attr_url.as_ref(),
            },
            NOW,
            &self.world.random,
        );
        let prefix = "https://gateway.example/contact/auth/een%20test%2F%C3%A9/";
        url.as_str().strip_prefix(prefix).unwrap().to_owned()
    }

    async fn answer(&self, rest: &str, request: OwnRequest) -> OwnAnswer {
        self.adapter.page(rest, &request, self.world.environment()).await
    }

    async fn act(&self, rest: &str, action: &str) -> OwnAnswer {
        self.answer(rest, request(Method::POST, FORM, &format!("action={action}"))).await
    }

    fn posted(&self) -> Vec<Posted> {
        std::mem::take(&mut *self.world.client.posted.lock().unwrap())
    }

    fn open(&self, token: &str) -> AuthenticationResult {
        self.adapter.pair.open(&ResultToken::new(token.to_owned()), NOW).unwrap()
    }
}

fn released() -> AuthenticationOutcome {
    let email = ("email".to_owned(), "anna@example.nl".to_owned());
    AuthenticationOutcome::Success { attributes: [email].into_iter().collect() }
}

fn location(answer: &OwnAnswer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(header(answer, "cache-control"), Some("no-store"));
    assert_eq!(header(answer, "referrer-policy"), Some("no-referrer"));
    header(answer, "location").unwrap()
}

#[tokio::test]
async fn the_page_shows_what_is_asked_for_and_what_is_shared() {
    let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
    let session = bench.start(CONTINUATION, None);
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = bench.answer(&session, request(method, None, "")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let html = html(&answer);
        for shown in ["Verhuizing &#60;doorgeven&#62;", "email", "anna@example.nl", "bsn", "not available"] {
            assert!(html.contains(shown), "{shown}");
        }
        assert!(!html.contains("0612345678"), "nobody asked for the phone number");
        assert!(html.contains("href=\"/contact/static/style.css\""));
    }
}

#[tokio::test]
async fn results_go_by_post_and_the_citizen_by_the_unchanged_continuation() {
    for dialect in [Dialect::IdContact, Dialect::VerderHelpen] {
        for (action, outcome) in [("confirm", released()), ("fail", AuthenticationOutcome::Failed)] {
            let bench = Bench::new(dialect, Ok(StatusCode::NO_CONTENT));
            let session = bench.start(CONTINUATION, Some(ATTR_URL));
            assert_eq!(location(&bench.act(&session, action).await), CONTINUATION);
            let [post] = bench.posted().try_into().ok().unwrap();
            assert_eq!(post.server.as_str(), "http://comm.internal:8000");
            assert_eq!(post.path_and_query, "/attributes/1?x=y");
            assert_eq!((post.content_type, post.repeatable), (Some("application/jwt"), false));
            assert_eq!(post.request_id, "request-1");
            let result = bench.open(std::str::from_utf8(&post.body).unwrap());
            assert_eq!((result.dialect, result.outcome), (dialect, outcome));
            assert_eq!((result.issued_at, result.expires_at), (NOW, NOW + 300));
        }
    }
}

#[tokio::test]
async fn without_attr_url_results_go_with_the_citizen() {
    for dialect in [Dialect::IdContact, Dialect::VerderHelpen] {
        for (action, outcome) in [("confirm", released()), ("fail", AuthenticationOutcome::Failed)] {
            let bench = Bench::new(dialect, Err(TransportError::Connect));
            let session = bench.start(CONTINUATION, None);
            let answer = bench.act(&session, action).await;
            let token = location(&answer).strip_prefix("https://comm.example/c/1?room=2&result=").unwrap();
            let result = bench.open(token.strip_suffix("#top").unwrap());
            assert_eq!((result.dialect, result.outcome), (dialect, outcome));
            assert!(bench.posted().is_empty());
        }
    }
}

#[tokio::test]
async fn on_tel_the_result_stands_at_the_very_end() {
    for (continuation, prefix) in [
        ("tel:+31201234567,,12345#", "tel:+31201234567,,12345#?result="),
        ("tel:+3120?ext=1", "tel:+3120?ext=1&result="),
    ] {
        let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
        let session = bench.start(continuation, None);
        let answer = bench.act(&session, "confirm").await;
        assert_eq!(bench.open(location(&answer).strip_prefix(prefix).unwrap()).outcome, released());
    }
}

#[tokio::test]
async fn cancelling_delivers_nothing() {
    for attr_url in [Some(ATTR_URL), None] {
        let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
        let session = bench.start(CONTINUATION, attr_url);
        assert_eq!(location(&bench.act(&session, "cancel").await), CONTINUATION);
        assert!(bench.posted().is_empty());
    }
}

#[tokio::test]
async fn a_session_works_once() {
    for first in ["confirm", "cancel", "fail"] {
        let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
        let session = bench.start(CONTINUATION, Some(ATTR_URL));
        bench.act(&session, first).await;
        bench.posted();
        for again in [
            bench.act(&session, "confirm").await,
            bench.answer(&session, request(Method::GET, None, "")).await,
        ] {
            assert_eq!(again.status, StatusCode::CONFLICT);
            assert!(html(&again).contains(&format!("href=\"{CONTINUATION}\"")));
        }
        assert!(bench.posted().is_empty());
    }
}

#[tokio::test]
async fn a_lost_delivery_is_told() {
    for answer in [Ok(StatusCode::NOT_FOUND), Ok(StatusCode::SEE_OTHER), Err(TransportError::Timeout)] {
        let bench = Bench::new(Dialect::IdContact, answer);
        let session = bench.start(CONTINUATION, Some(ATTR_URL));
        let told = bench.act(&session, "confirm").await;
        assert_eq!(told.status, StatusCode::BAD_GATEWAY);
        assert!(html(&told).contains(&format!("href=\"{CONTINUATION}\"")));
        assert_eq!(bench.posted().len(), 1);
    }
}

#[tokio::test]
async fn what_is_no_action_changes_nothing() {
    let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
    let session = bench.start(CONTINUATION, None);
    for (request, status) in [
        (request(Method::POST, FORM, "action=other"), StatusCode::BAD_REQUEST),
        (request(Method::POST, FORM, ""), StatusCode::BAD_REQUEST),
        (request(Method::POST, None, "action=confirm"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (request(Method::POST, Some("text/plain"), "action=confirm"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (request(Method::PUT, FORM, "action=confirm"), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(bench.answer(&session, request).await.status, status);
    }
    location(&bench.act(&session, "confirm").await);
}

#[tokio::test]
async fn sessions_of_others_are_unknown() {
    let bench = Bench::new(Dialect::IdContact, Ok(StatusCode::OK));
    let session = bench.start(CONTINUATION, None);
    let other = Bench {
        adapter: TestAdapter {
            place: Place { tag: MethodTag::parse("other").unwrap(), ..bench.adapter.place.clone() },
            ..bench.adapter.clone()
        },
        world: World::answering(Ok(StatusCode::OK)),
    };
    let never_started = "f".repeat(32);
    for (bench, rest) in [(&other, session.as_str()), (&bench, ""), (&bench, "x/y"), (&bench, &never_started)]
    {
        assert_eq!(bench.act(rest, "confirm").await.status, StatusCode::NOT_FOUND, "{rest}");
        let shown = bench.answer(rest, request(Method::GET, None, "")).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{rest}");
    }
    location(&bench.act(&session, "confirm").await);
}
