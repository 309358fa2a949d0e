//! Which results are taken, and what the link is made of.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    model::{BaseUrl, MethodTag},
    plugins::{
        Authenticated, Place,
        testing::{NOW, World, header, html, purpose, request},
    },
    templates::{Scope, Template, UrlTemplate},
    tokens::{AuthenticationOutcome, StateKey, StateKeys, results::RESULT_LIFETIME},
};

struct Case {
    world: World,
    adapter: LinkAdapter,
    session: SessionReference,
}

fn scope() -> Scope {
    Scope::new().value("purpose").value("random").value("room").map("attributes", None)
}

impl Case {
    fn new(url: &str) -> Self {
        let place = Place {
            tag: MethodTag::parse("video").unwrap(),
            public_url: BaseUrl::parse("https://contact.example.nl").unwrap(),
        };
        let keys = Arc::new(StateKeys::new(StateKey::generate("s1").unwrap(), Vec::new()));
        let config = Link {
            room: Some(Template::parse("{{ purpose }}-{{ random }}", &scope()).unwrap()),
            url: UrlTemplate::parse(url, &scope()).unwrap(),
            jwt: None,
        };
        let world = World::answering(Ok(StatusCode::OK));
        let session = SessionReference::new(&world.random);
        Self { adapter: LinkAdapter::new(SealedPlace { place, keys }, config), session, world }
    }

    /// The state in the URL of a new conversation.
    fn start(&self, authenticated: bool) -> String {
        let purpose = purpose();
        let request = CommunicationRequest {
            session: self.session,
            purpose: &purpose,
            auth_result: None,
            random: None,
            authenticated,
        };
        let started = self.adapter.start(&request, self.world.environment()).unwrap();
        assert!(started.attr_url.is_none());
        started.client_url.as_str().strip_prefix("https://contact.example.nl/comm/video/").unwrap().to_owned()
    }

    fn result(&self, session: SessionReference, email: &str, sealed_at: u64, expires_at: u64) -> String {
        let attributes = BTreeMap::from([("email".to_owned(), email.to_owned())]).into();
        let delivery = Delivery {
            session,
            method: "video".to_owned(),
            auth_method: "sso".to_owned(),
            attributes,
            session_url: None,
            expires_at,
        };
        self.adapter.at.keys.seal(&delivery, sealed_at).unwrap()
    }

    fn good(&self, email: &str) -> String {
        self.result(self.session, email, NOW, NOW + 300)
    }

    fn open(&self, state: &str, query: Option<String>) -> OwnAnswer {
        let request = OwnRequest { query, ..request(Method::GET, None, "") };
        self.adapter.page(state, &request, self.world.environment())
    }

    /// Where somebody with this address goes.
    fn location(&self, email: &str) -> Option<String> {
        let answer = self.open(&self.start(true), Some(format!("result={}", self.good(email))));
        header(&answer, "location").map(str::to_owned)
    }
}

#[test]
fn a_reload_leads_to_the_same_room() {
    let case = Case::new("https://meet.example.nl/{{ room }}");
    let state = case.start(true);
    let query = Some(format!("result={}", case.good("jan@example.nl")));
    let [first, second] = [case.open(&state, query.clone()), case.open(&state, query)];
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let location = header(&first, "location").unwrap();
    let random = location.strip_prefix("https://meet.example.nl/report_move-").unwrap();
    assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_hexdigit()), "{location}");
    assert_eq!(header(&second, "location"), Some(location));
    assert_eq!(header(&first, "referrer-policy"), Some("no-referrer"));
}

#[test]
fn a_value_stays_in_its_place() {
    let case = Case::new("https://meet.example.nl/x?m={{ attributes.email }}#{{ attributes.email }}");
    assert_eq!(
        case.location("a&b=c#/../é").as_deref(),
        Some("https://meet.example.nl/x?m=a%26b%3Dc%23%2F..%2F%C3%A9#a%26b%3Dc%23%2F..%2F%C3%A9")
    );
    let path = Case::new("https://meet.example.nl/{{ attributes.email }}/x");
    assert_eq!(path.location("..").as_deref(), None, "a value does not climb");
}

#[test]
fn only_this_sessions_own_result_in_its_time_is_taken() {
    let case = Case::new("https://meet.example.nl/{{ attributes.email }}");
    let other = SessionReference::new(&case.world.random);
    let other_method = Delivery {
        session: case.session,
        method: "phone".to_owned(),
        auth_method: "sso".to_owned(),
        attributes: Attributes::default(),
        session_url: None,
        expires_at: NOW + 300,
    };
    let kind = Authenticated::new(case.session, "video", AuthenticationOutcome::Failed, None, NOW);
    let keys = &case.adapter.at.keys;
    let results = [
        case.result(other, "x@y.z", NOW, NOW + 300),
        case.result(case.session, "x@y.z", NOW, NOW),
        case.result(case.session, "x@y.z", NOW - RESULT_LIFETIME, NOW + 300),
        keys.seal(&other_method, NOW).unwrap(),
        keys.seal(&kind, NOW).unwrap(),
        Case::new("tel:1").good("x@y.z"),
        case.start(true),
        "made-up".to_owned(),
        String::new(),
        format!("{}&result={}", case.good("x@y.z"), case.good("x@y.z")),
    ];
    let queries = results.map(|result| Some(format!("result={result}"))).into_iter().chain([None]);
    for query in queries {
        let answer = case.open(&case.start(true), query.clone());
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query:?}");
        assert!(header(&answer, "location").is_none() && !html(&answer).contains("x@y.z"));
        assert!(html(&answer).contains("/choose/report_move"), "a way on");
    }
}

#[test]
fn who_need_not_sign_in_has_no_attributes() {
    let plain = Case::new("https://meet.example.nl/{{ attributes.email | default('nobody') }}");
    let query = Some(format!("result={}", plain.good("jan@example.nl")));
    for query in [None, query] {
        let answer = plain.open(&plain.start(false), query);
        assert_eq!(header(&answer, "location"), Some("https://meet.example.nl/nobody"));
    }
    let needy = Case::new("https://meet.example.nl/{{ attributes.email }}");
    let answer = needy.open(&needy.start(false), None);
    assert_eq!((answer.status, header(&answer, "location")), (StatusCode::BAD_GATEWAY, None));
    assert!(html(&answer).contains("/choose/report_move"), "a way on");
}

#[test]
fn a_number_is_shown() {
    let case = Case::new("tel:+31201234567,,{{ attributes.email }}");
    let answer = case.open(&case.start(true), Some(format!("result={}", case.good("12*3#"))));
    assert_eq!(answer.status, StatusCode::OK);
    assert!(html(&answer).contains("tel:+31201234567,,12%2A3%23"), "{}", html(&answer));
}
