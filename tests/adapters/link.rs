//! `link`: the citizen is sent on, with what the YAML names and nothing more.

use josekit::jws::{ES256, HS256, JwsVerifier, RS256};
use josekit::jwt;
use serde_json::{Value, json};

use crate::{
    headers::{FROM_HERE, form, post, reload},
    support::{
        answers,
        auth_plugin::value_of,
        browser::{Browser, field},
        keys::{Kind, key},
        network::Network,
        now,
        stub::StubServer,
    },
    world::{CONTINUE, PUBLIC, PURPOSE, RESEAL_AUTH, Setup, World, full, start, start_gateway},
};

pub const TEST: &str = "test: { attributes: { email: jan@example.nl, fullname: Jan Jansen } }";
/// A room, and nobody's name.
pub const ROOM: &str = "link: { room: \"{{ purpose }}-{{ random }}\", url: \"http://meet.test/{{ room }}\" }";
const JITSI: &str = "link: { room: \"{{ purpose }}-{{ random }}\", url: \"http://meet.test/{{ room }}?jwt={{ jwt }}\", \
                     jwt: { alg: HS256, secret: { env: STATE_2 }, kid: k1, ttl: 1h, claims: { aud: jitsi, room: \"{{ room }}\", \
                     context: { user: { name: \"{{ attributes.fullname }}\" } } } } }";
const SECRET: &[u8] = b"another secret of the tests, as long as the first";

/// A world whose links lead to a server of its own.
pub struct Rooms {
    pub world: World,
    pub meet: StubServer,
}

impl Rooms {
    pub fn new(setup: &Setup) -> Self {
        let network = Network::default();
        let meet = StubServer::always(answers::answer(200, &[], "Welcome to the room."));
        network.point("meet.test", meet.address());
        let world = World::new_on(setup, network);
        world.auth.plan(|plan| plan.encryption = key("gateway", Kind::P256).encryption());
        Self { world, meet }
    }

    /// `test` with a link.
    pub fn of(link: &str) -> Self {
        Self::new(&Setup::default().auth("test", TEST).comm("video", link))
    }

    /// Signs in at `test` and comes back; where the citizen is to go with the result.
    #[allow(clippy::unused_self, reason = "it reads better as what one does in this world")]
    pub fn signed_in(&self, browser: &mut Browser, action: &str) -> String {
        let sign_in = start(browser, &full("test", "video"));
        let answer = browser.post_form(&sign_in, &[("action", action)]);
        let back = answer.header("location").expect("a redirect").to_owned();
        assert!(back.starts_with(CONTINUE), "{back}");
        let answer = browser.get(&back);
        answer.header("location").map_or(back, str::to_owned)
    }

    /// The paths and queries that came at the server.
    pub fn arrivals(&self) -> Vec<String> {
        self.meet.requests().iter().map(|request| request.target().to_owned()).collect()
    }

    fn only_arrival(&self) -> String {
        let arrivals = self.arrivals();
        let [arrival] = arrivals.as_slice() else { panic!("not one arrival: {arrivals:?}") };
        arrival.clone()
    }
}

/// The header and the claims of a token.
fn verified(token: &str, verifier: &dyn JwsVerifier) -> (Value, Value) {
    let (payload, header) = jwt::decode_with_verifier(token, verifier).expect("the signature is right");
    (json!(header.claims_set()), json!(payload.claims_set()))
}

fn jwt_in(target: &str) -> &str {
    target.split_once("jwt=").expect("a token in the URL").1
}

#[test]
fn the_token_says_what_the_yaml_says() {
    let rooms = Rooms::of(JITSI);
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    assert!(link.starts_with(&format!("{PUBLIC}/comm/video/")), "{link}");
    let before = now();
    assert_eq!(browser.open(&link).status(), Some(200));
    let arrival = rooms.only_arrival();
    let (room, token) = arrival.split_once("?jwt=").expect("a token in the URL");
    let (header, claims) = verified(token, &HS256.verifier_from_bytes(SECRET).unwrap());
    assert_eq!(
        (&header["alg"], &header["typ"], &header["kid"]),
        (&json!("HS256"), &json!("JWT"), &json!("k1"))
    );
    assert_eq!(claims["aud"], "jitsi");
    assert_eq!(claims["context"], json!({"user": {"name": "Jan Jansen"}}));
    assert_eq!(format!("/{}", claims["room"].as_str().unwrap()), room);
    let time = |name: &str| claims[name].as_u64().unwrap_or_else(|| panic!("no {name} in {claims}"));
    assert!((before..=now()).contains(&time("iat")), "{claims}");
    assert_eq!((time("exp"), time("nbf")), (time("iat") + 3_600, time("iat") - 60));
    assert!(!claims.to_string().contains("jan@example.nl"), "what no template names goes nowhere");
    let log = rooms.world.gateway.log_text();
    assert!(!log.contains("Jansen") && !log.contains(token), "{log}");
}

#[test]
fn other_algorithms_take_a_key() {
    let public = |kind| key("gateway", kind).public_pem.clone();
    let cases: [(&str, &str, Box<dyn JwsVerifier>); 2] = [
        ("ES256", "GATEWAY_SIGN", Box::new(ES256.verifier_from_pem(public(Kind::P256)).unwrap())),
        ("RS256", "GATEWAY_SIGN_RSA", Box::new(RS256.verifier_from_pem(public(Kind::Rsa)).unwrap())),
    ];
    for (alg, variable, verifier) in cases {
        let link = format!(
            "link: {{ url: \"http://meet.test/?jwt={{{{ jwt }}}}\", jwt: {{ alg: {alg}, key: {{ env: {variable} }}, \
             ttl: 90s, claims: {{ who: \"{{{{ attributes }}}}\" }} }} }}"
        );
        let rooms = Rooms::of(&link);
        let mut browser = rooms.world.browser();
        let link = rooms.signed_in(&mut browser, "confirm");
        browser.open(&link);
        let arrival = rooms.only_arrival();
        let (header, claims) = verified(jwt_in(&arrival), &*verifier);
        assert_eq!((&header["alg"], header.get("kid")), (&json!(alg), None));
        assert_eq!(claims["who"], json!({"email": "jan@example.nl", "fullname": "Jan Jansen"}));
    }
}

#[test]
fn an_attribute_enters_a_url_only_where_it_is_named() {
    for (url, expected) in [
        ("http://meet.test/room", "http://meet.test/room".to_owned()),
        ("http://meet.test/x?m={{ attributes.fullname }}", "http://meet.test/x?m=Jan%20Jansen".to_owned()),
    ] {
        let rooms = Rooms::of(&format!("link: {{ url: \"{url}\" }}"));
        let mut browser = rooms.world.browser();
        let link = rooms.signed_in(&mut browser, "confirm");
        let answer = browser.get(&link);
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected.as_str())));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.body.content.is_empty());
    }
}

#[test]
fn a_link_that_cannot_be_made_is_an_event_of_the_session() {
    let rooms = Rooms::of("link: { url: \"http://meet.test/{{ attributes.fullnam }}\" }");
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    assert_eq!(browser.get(&link).status, 502);
    assert_eq!(rooms.world.events("handed_over", "delivery_failed"), 1);
    let line = rooms.world.wait_for_event("handed_over", "delivery_failed");
    assert_eq!(line.text_field("auth_method"), Some("test"));
    // A stranger without a result is nobody's event.
    assert_eq!(browser.get(link.split('?').next().expect("a path")).status, 400);
    assert_eq!(rooms.world.events("handed_over", "delivery_failed"), 1);
}

#[test]
fn a_number_is_a_page_to_call_from() {
    let rooms = Rooms::of("link: { url: \"tel:+31201234567,,{{ attributes.email }}\" }");
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    let page = browser.get(&link);
    assert_eq!(page.status, 200);
    assert!(page.text().contains("tel:+31201234567,,jan%40example.nl"), "{}", page.text());
}

#[test]
fn who_reloads_comes_to_the_same_room() {
    let rooms = Rooms::of(ROOM);
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    browser.open(&link);
    browser.open(&link);
    let other = rooms.signed_in(&mut browser, "confirm");
    browser.open(&other);
    let arrivals = rooms.arrivals();
    let [first, again, other] = arrivals.as_slice() else { panic!("{arrivals:?}") };
    assert!(first.starts_with("/report_move-"), "{first}");
    assert_eq!(first, again);
    assert_ne!(first, other, "each session has a room of its own");
}

#[test]
fn a_plugin_whose_results_are_resealed_leads_there_too() {
    for brokering in ["", ", brokering: bind", ", disable_attr_url: true"] {
        let setup = Setup::default().auth("irma", &format!("{RESEAL_AUTH}{brokering}")).comm("video", JITSI);
        let rooms = Rooms::new(&setup);
        let mut browser = rooms.world.browser();
        let sign_in = start(&mut browser, &full("irma", "video"));
        assert_eq!(browser.open(&sign_in).status(), Some(200), "{brokering}");
        let arrival = rooms.only_arrival();
        let (_, claims) = verified(jwt_in(&arrival), &HS256.verifier_from_bytes(SECRET).unwrap());
        assert_eq!(claims["context"]["user"]["name"], value_of("fullname"), "{brokering}");
    }
}

#[test]
fn headers_lead_there_too() {
    let rooms = Rooms::new(&Setup::default().auth("sso", FROM_HERE).comm("video", JITSI));
    let asserted = [("X-Remote-Mail", "jan@example.nl"), ("X-Remote-Name", "Jané")];
    let mut browser = rooms.world.browser();
    let url = start(&mut browser, &full("sso", "video"));
    let page = browser.request("GET", &url, &asserted, b"");
    let answer = post(&mut browser, &url, &asserted, &form(&page, "confirm"));
    assert_eq!(browser.follow_answer(&url, answer).status(), Some(200));
    let (_, claims) = verified(jwt_in(&rooms.only_arrival()), &HS256.verifier_from_bytes(SECRET).unwrap());
    assert_eq!(claims["context"]["user"]["name"], "Jané");
}

#[test]
fn a_channel_may_be_chosen_afterwards() {
    let rooms = Rooms::of(JITSI);
    let mut browser = rooms.world.browser();
    let sign_in = start(&mut browser, &json!({"purpose": PURPOSE, "auth_method": "test"}));
    let answer = browser.post_form(&sign_in, &[("action", "confirm")]);
    let landing = browser.follow_answer(&sign_in, answer);
    let held = field(landing.text(), "session").unwrap_or_else(|| panic!("no session in {}", landing.text()));
    let fields = [("purpose", PURPOSE), ("comm_method", "video"), ("session", &held)];
    let answer = browser.post_form(&format!("{PUBLIC}/start"), &fields);
    assert_eq!(browser.follow_answer(PUBLIC, answer).status(), Some(200));
    let (_, claims) = verified(jwt_in(&rooms.only_arrival()), &HS256.verifier_from_bytes(SECRET).unwrap());
    assert_eq!(claims["context"]["user"]["name"], "Jan Jansen");
}

#[test]
fn who_need_not_sign_in_is_nobody_in_particular() {
    let link = "link: { url: \"http://meet.test/{{ attributes.fullname | default('guest') }}\" }";
    let mut setup = Setup::default().auth("test", TEST).comm("video", link);
    setup.purposes = format!(
        "  - {{ tag: {PURPOSE}, attributes: [fullname], allowed_auth: [test], allowed_comm: [video], unauthenticated: true }}\n"
    );
    let rooms = Rooms::new(&setup);
    let mut browser = rooms.world.browser();
    let link = start(&mut browser, &json!({"purpose": PURPOSE, "comm_method": "video"}));
    assert_eq!(browser.open(&link).status(), Some(200));
    let with_result = rooms.signed_in(&mut browser, "confirm");
    let (_, result) = with_result.split_once("?result=").expect("a result");
    browser.open(&format!("{link}?result={result}"));
    browser.open(&with_result);
    assert_eq!(rooms.arrivals(), ["/guest", "/guest", "/Jan%20Jansen"], "no session takes another's result");
}

#[test]
fn a_reload_takes_effect_within_a_session() {
    let rooms = Rooms::of(ROOM);
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    let moved = ROOM.replace("meet.test/", "meet.test/moved/");
    let setup = Setup::default().auth("test", TEST).comm("video", &moved);
    reload(&rooms.world.gateway, &setup.files("http://127.0.0.1:1", "http://127.0.0.1:1"));
    browser.open(&link);
    assert!(rooms.only_arrival().starts_with("/moved/report_move-"));
    let gone = Setup::default().auth("test", TEST).comm("other", ROOM);
    reload(&rooms.world.gateway, &gone.files("http://127.0.0.1:1", "http://127.0.0.1:1"));
    assert_eq!(browser.get(&link).status, 404);
}

#[test]
fn another_instance_leads_to_the_same_room() {
    let rooms = Rooms::of(ROOM);
    let files = Setup::default()
        .auth("test", TEST)
        .comm("video", ROOM)
        .files("http://127.0.0.1:1", "http://127.0.0.1:1");
    let second = start_gateway(&files);
    let mut browser = rooms.world.browser();
    let link = rooms.signed_in(&mut browser, "confirm");
    browser.open(&link);
    rooms.world.network.point("gateway.test", second.public);
    browser.open(&link);
    let arrivals = rooms.arrivals();
    assert!(arrivals.len() == 2 && arrivals[0] == arrivals[1], "{arrivals:?}");
}
