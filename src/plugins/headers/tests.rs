//! Whose headers are believed, which values are, and which forms.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderName, HeaderValue};

use super::*;
use crate::{
    model::{AttributeTag, BaseUrl, MethodTag, SessionReference},
    plugins::{
        Authenticated, Place,
        testing::{World, attributes, header, html, purpose, request},
    },
    tokens::{AuthenticationOutcome, StateKey, StateKeys},
};

const PROXY: &str = "10.1.2.3";
const MAIL: &str = "x-remote-mail";
const BSN: &str = "x-remote-bsn";

fn adapter() -> HeadersAdapter {
    let place = Place {
        tag: MethodTag::parse("sso").unwrap(),
        public_url: BaseUrl::parse("https://contact.example.nl/base").unwrap(),
    };
    let keys = Arc::new(StateKeys::new(StateKey::generate("s1").unwrap(), Vec::new()));
    let attribute = |tag, name| (AttributeTag::parse(tag).unwrap(), HeaderName::from_static(name));
    HeadersAdapter::new(
        SealedPlace { place, keys },
        AssertedHeaders {
            from: vec!["10.1.0.0/16".parse().unwrap()],
            attributes: vec![attribute("email", MAIL), attribute("bsn", BSN)],
        },
    )
}

/// A sign-in under way.
struct Case {
    world: World,
    adapter: HeadersAdapter,
    state: String,
}

impl Case {
    /// One that asks for these.
    fn asking(asked: &[AttributeTag]) -> Self {
        let (world, adapter) = (World::answering(Ok(StatusCode::OK)), adapter());
        let continuation =
            PluginUrl::parse_client_url("https://contact.example.nl/session/continue/x".into());
        let purpose = purpose();
        let start = AuthenticationRequest {
            session: SessionReference::new(&world.random),
            purpose: &purpose,
            attributes: asked,
            continuation: &continuation.unwrap(),
            attr_url: None,
        };
        let url = adapter.start(&start, world.environment()).unwrap();
        let state =
            url.as_str().strip_prefix("https://contact.example.nl/base/auth/sso/").unwrap().to_owned();
        Self { world, adapter, state }
    }

    fn send(&self, request: &OwnRequest) -> OwnAnswer {
        self.adapter.page(&self.state, request, self.world.environment())
    }

    fn get(&self, peer: &str, asserted: &[(&'static str, &[u8])]) -> OwnAnswer {
        self.send(&from(peer, asserted, request(Method::GET, None, "")))
    }

    /// Confirms on the page that it was shown.
    fn post(&self, asserted: &[(&'static str, &[u8])], page: &OwnAnswer) -> OwnAnswer {
        let cookie = header(page, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let (_, token) = cookie.split_once('=').unwrap();
        let body = format!("action=confirm&token={token}");
        let mut form = request(Method::POST, Some("application/x-www-form-urlencoded"), &body);
        form.cookie = Some(cookie);
        self.send(&from(PROXY, asserted, form))
    }

    fn released(&self, answer: &OwnAnswer) -> AuthenticationOutcome {
        let location = header(answer, "location").expect("the citizen goes on");
        let (_, token) = location.split_once("?result=").expect("with a result");
        let opened =
            crate::plugins::open::<Authenticated>(&self.adapter.at.keys, token, self.world.environment());
        opened.ok().expect("it is a result").outcome
    }
}

fn from(peer: &str, asserted: &[(&'static str, &[u8])], request: OwnRequest) -> OwnRequest {
    let line = |(name, value): &(&'static str, &[u8])| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    };
    OwnRequest {
        peer: Some(peer.parse::<IpAddr>().unwrap()),
        asserted: asserted.iter().map(line).collect(),
        ..request
    }
}

const GOOD: [(&str, &[u8]); 2] = [(MAIL, b"jan@example.nl"), (BSN, "999990019 \u{e9}".as_bytes())];

#[test]
fn what_is_shown_is_what_is_released() {
    let case = Case::asking(&attributes());
    let page = case.get(PROXY, &GOOD);
    assert_eq!(page.status, StatusCode::OK);
    assert!(html(&page).contains("jan@example.nl") && html(&page).contains("999990019 \u{e9}"));
    assert!(html(&page).contains("Verhuizing &#60;doorgeven&#62;"), "{}", html(&page));
    let cookie = header(&page, "set-cookie").unwrap();
    for part in ["__Host-idc-confirm-", "Path=/;", "HttpOnly", "SameSite=Lax", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let AuthenticationOutcome::Success { attributes } = case.released(&case.post(&GOOD, &page)) else {
        panic!("the citizen signed in");
    };
    let released: Vec<_> = attributes.iter().collect();
    assert_eq!(released, [("bsn", "999990019 \u{e9}"), ("email", "jan@example.nl")]);
}

#[test]
fn only_the_networks_named_are_believed() {
    let case = Case::asking(&attributes());
    assert_eq!(case.get("::ffff:10.1.2.3", &GOOD).status, StatusCode::OK);
    let page = case.get(PROXY, &GOOD);
    for stranger in ["10.2.0.1", "127.0.0.1", "::1", "::ffff:10.2.0.1", "2001:db8::1"] {
        let answer = case.get(stranger, &GOOD);
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{stranger}");
        assert!(!html(&answer).contains("jan@") && header(&answer, "set-cookie").is_none());
        let cookie = header(&page, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let body = format!("action=confirm&token={}", cookie.split_once('=').unwrap().1);
        let mut form = request(Method::POST, Some("application/x-www-form-urlencoded"), &body);
        form.cookie = Some(cookie);
        assert_eq!(case.send(&from(stranger, &GOOD, form)).status, StatusCode::FORBIDDEN);
    }
    let nowhere = OwnRequest { peer: None, ..from(PROXY, &GOOD, request(Method::GET, None, "")) };
    assert_eq!(case.send(&nowhere).status, StatusCode::FORBIDDEN);
}

#[test]
fn each_header_comes_once_and_is_text() {
    let case = Case::asking(&attributes());
    let page = case.get(PROXY, &GOOD);
    let mail: (&str, &[u8]) = (MAIL, b"jan@example.nl");
    let doubtful: [&[(&str, &[u8])]; 8] = [
        &[],
        &[mail],
        &[mail, (BSN, b"")],
        &[mail, (BSN, b"  ")],
        &[mail, (BSN, b"\xff\xfe")],
        &[mail, (BSN, b"a\tb")],
        &[mail, (BSN, "a\u{85}b".as_bytes())],
        &[mail, (BSN, b"1"), (BSN, b"1")],
    ];
    for asserted in doubtful {
        for answer in [case.get(PROXY, asserted), case.post(asserted, &page)] {
            assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{asserted:?}");
            assert!(!html(&answer).contains("jan@") && header(&answer, "location").is_none());
        }
    }
}

#[test]
fn a_refusal_names_the_header_and_not_its_value() {
    let case = Case::asking(&attributes());
    let state = case.adapter.at.open::<Confirmation>(&case.state, case.world.environment()).unwrap();
    let refusal = |asserted: &[(&'static str, &[u8])]| {
        let request = from(PROXY, asserted, request(Method::GET, None, ""));
        case.adapter.known(&state.sign_in, &request).unwrap_err().to_string()
    };
    let mail: (&str, &[u8]) = (MAIL, b"jan@example.nl");
    for (bsn, wrong) in [
        (&[][..], "did not come"),
        (&[(BSN, &b"7"[..]), (BSN, b"8")], "came twice"),
        (&[(BSN, b" ")], "is empty"),
        (&[(BSN, b"\xff")], "is not UTF-8, or has control characters"),
        (&[(BSN, b"7\t8")], "is not UTF-8, or has control characters"),
    ] {
        let asserted = [&[mail], bsn].concat();
        assert_eq!(refusal(&asserted), format!("the header `x-remote-bsn`, for `bsn`, {wrong}"));
    }
    assert_eq!(refusal(&[(BSN, b"7")]), "the header `x-remote-mail`, for `email`, did not come");
}

#[test]
fn who_is_asked_for_nothing_is_somebody_all_the_same() {
    let case = Case::asking(&[]);
    assert_eq!(case.get(PROXY, &[]).status, StatusCode::BAD_GATEWAY);
    let page = case.get(PROXY, &GOOD);
    assert!(!html(&page).contains("jan@"), "what is not asked for is not shown");
    let AuthenticationOutcome::Success { attributes } = case.released(&case.post(&GOOD, &page)) else {
        panic!("the citizen signed in");
    };
    assert_eq!(attributes.iter().count(), 0);
}

#[test]
fn a_form_of_another_site_is_refused() {
    let case = Case::asking(&attributes());
    let page = case.get(PROXY, &GOOD);
    let cookie = header(&page, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let (name, token) = cookie.split_once('=').unwrap();
    let urlencoded = "application/x-www-form-urlencoded";
    let sent = |cookie: Option<&str>, content_type, body: &str| {
        let mut form = request(Method::POST, Some(content_type), body);
        form.cookie = cookie.map(str::to_owned);
        case.send(&from(PROXY, &GOOD, form)).status
    };
    let good = format!("action=cancel&token={token}");
    assert_eq!(sent(Some(&cookie), urlencoded, &good), StatusCode::SEE_OTHER);
    for (cookie, content_type, body) in [
        (None, urlencoded, good.as_str()),
        (Some(cookie.as_str()), "text/plain", &good),
        (Some(&cookie), urlencoded, "action=confirm"),
        (Some(&cookie), urlencoded, "action=confirm&token="),
        (Some(&cookie), urlencoded, "action=confirm&token=00000000000000000000000000000000"),
        (Some(&cookie), urlencoded, &format!("token={token}")),
        (Some(&cookie), urlencoded, &format!("action=other&token={token}")),
        (Some(&format!("{name}=")), urlencoded, "action=confirm&token="),
        (Some(&format!("idc-confirm-OTHER={token}")), urlencoded, &good),
    ] {
        assert_eq!(sent(cookie, content_type, body), StatusCode::FORBIDDEN, "{cookie:?} {body}");
    }
}
