use http::header;

use super::{
    super::{
        TransportError,
        testing::{self, World, attributes, html, purpose},
    },
    *,
};
use crate::{
    config::ClientAuth,
    model::{BaseUrl, MethodTag, SessionReference, SystemRandom},
    plugins::Place,
    templates::ClaimPath,
    tokens::{SharedSecret, StateKey, StateKeys},
};

const BASE: &str = "https://gateway.example/contact/auth/sso/";

fn adapter() -> OidcAdapter {
    let place = Place {
        tag: MethodTag::parse("sso").unwrap(),
        public_url: BaseUrl::parse("https://gateway.example/contact").unwrap(),
    };
    let key = StateKey::from_secret("s1", b"a secret of the tests, long enough to seal with").unwrap();
    let config = Oidc {
        issuer: "https://id.test".to_owned(),
        client_id: "gateway".to_owned(),
        client_auth: ClientAuth::Secret(SharedSecret::from_bytes(b"hunter2").unwrap()),
        scopes: vec!["openid".to_owned()],
        attributes: vec![(attributes()[0].clone(), ClaimPath::parse("email").unwrap())],
        acr_values: Vec::new(),
        prompt: None,
        max_age: None,
    };
    let at = SealedPlace { place, keys: Arc::new(StateKeys::new(key, Vec::new())) };
    OidcAdapter::new(at, config, Arc::default(), Duration::from_secs(5))
}

/// What follows the path of the method.
fn start(adapter: &OidcAdapter, world: &World) -> String {
    let continuation = PluginUrl::parse_client_url("https://comm.example/c/1".to_owned()).unwrap();
    let request = AuthenticationRequest {
        session: SessionReference::new(&SystemRandom),
        purpose: &purpose(),
        attributes: &attributes(),
        continuation: &continuation,
        attr_url: None,
    };
    let url = adapter.start(&request, world.environment()).unwrap();
    url.as_str().strip_prefix(BASE).unwrap().to_owned()
}

async fn get(adapter: &OidcAdapter, world: &World, rest: &str, query: &str) -> OwnAnswer {
    let mut request = testing::request(Method::GET, None, "");
    request.query = Some(query.to_owned());
    adapter.page(rest, &request, world.environment()).await
}

#[tokio::test]
async fn a_start_asks_nobody_and_a_page_says_when_nobody_is_there() {
    let (adapter, world) = (adapter(), World::answering(Err(TransportError::Connect)));
    let page = start(&adapter, &world);
    assert!(world.client.posted.lock().unwrap().is_empty());
    let answer = get(&adapter, &world, &page, "").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(html(&answer).contains(&format!("{BASE}{page}")), "{}", html(&answer));
    assert!(answer.headers.iter().all(|(name, _)| name != header::SET_COOKIE));
    let asked = world.client.posted.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path_and_query, "/.well-known/openid-configuration");
    assert!(asked[0].repeatable);
}

#[tokio::test]
async fn states_serve_where_they_belong() {
    let (adapter, world) = (adapter(), World::answering(Ok(StatusCode::OK)));
    let page = start(&adapter, &world);
    let SignInPage(sign_in) = adapter.at.open(&page, world.environment()).unwrap();
    let flow = |issuer| {
        let flow = Flow::new(sign_in.clone(), issuer, world.environment());
        adapter.at.seal(&flow, world.environment()).unwrap()
    };
    let [state, former] = ["https://id.test", "https://former.test"].map(flow);
    for (rest, query) in [
        (CALLBACK, format!("state={page}&code=a")),
        (CALLBACK, format!("state={state}&state={state}&code=a")),
        (CALLBACK, format!("state={former}&code=a")),
        (CALLBACK, String::new()),
        (state.as_str(), String::new()),
        ("", String::new()),
    ] {
        assert_eq!(get(&adapter, &world, rest, &query).await.status, StatusCode::NOT_FOUND, "{rest}?{query}");
    }
    // The right state, and a browser without its cookie.
    let answer = get(&adapter, &world, CALLBACK, &format!("state={state}&code=a")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(html(&answer).contains(BASE), "a way to try again");
    assert!(world.client.posted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_a_logout_needs_the_provider() {
    let (adapter, world) = (adapter(), World::answering(Err(TransportError::Connect)));
    let ticket = |issuer: &str| {
        let nothing = (None::<(bool, String)>, None::<String>);
        Ticket(postcard::to_allocvec(&(issuer, nothing)).unwrap())
    };
    let known = ticket("https://id.test");
    let active = adapter.update(&known, SessionUpdate::UserActive, world.environment()).await;
    assert_eq!(active, Ok(()));
    let away = PluginError::Transport(TransportError::Connect);
    for (ticket, expected) in [
        (known, away),
        (ticket("https://former.test"), PluginError::Gone),
        (Ticket(vec![9]), PluginError::Gone),
    ] {
        let logout = adapter.update(&ticket, SessionUpdate::Logout, world.environment()).await;
        assert_eq!(logout, Err(expected));
    }
}
