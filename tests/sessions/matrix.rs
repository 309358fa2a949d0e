//! Every kind of start, crossed with how results travel, brokering, trust and dialect. Prints what
//! each hop carried: methods, kinds of paths, lengths.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    case::{Case, DIALECTS, Row, kind, short, suffix},
    support::{
        auth_plugin::{AuthPlan, value_of},
        browser::field,
        comm_plugin::{CommPlan, StubComm, Way},
        keys::{Key, Kind, key},
        log::LogLine,
        network::Network,
    },
    world::{ASKED, PUBLIC, Setup, UPDATE, World, client_url, one_reference, start},
};

/// One gateway with every authentication method and every communication method of the matrix, and a
/// communication plugin of its own for each kind of trust and dialect, so that a URL tells which.
struct Matrix {
    world: World,
    comms: BTreeMap<(bool, &'static str), StubComm>,
}

impl Matrix {
    fn new() -> Self {
        let network = Network::default();
        let mut comms = BTreeMap::new();
        for reseal in [false, true] {
            for to in DIALECTS {
                comms.insert((reseal, short(to)), StubComm::start(&network));
            }
        }
        let setup = Self::setup(&comms);
        let matrix = Self { world: World::new_on(&setup, network), comms };
        matrix.plan();
        matrix
    }

    fn setup(comms: &BTreeMap<(bool, &'static str), StubComm>) -> Setup {
        let mut setup = Setup::default();
        let mut methods: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for case in Case::all().iter().filter(|case| case.row == Row::Full && case.impossible().is_none()) {
            let (auth, comm) = (case.auth_method(), case.comm_method());
            let of_purpose = methods.entry(case.purpose()).or_default();
            if !setup.auth.iter().any(|(tag, _)| *tag == auth) {
                let trust =
                    format!(", trust: {{ reseal: {{ verify: {{ env: AUTH{} }} }} }}", suffix(case.from));
                let trust = if case.reseal { trust } else { String::new() };
                setup = setup.auth(
                    &auth,
                    &format!(
                        "brokering: {}, disable_attr_url: {}, dialect: {}{trust}",
                        case.brokering,
                        case.disable_attr_url,
                        case.from.as_str()
                    ),
                );
                of_purpose.0.push(auth);
            }
            if !setup.comm.iter().any(|(tag, _)| *tag == comm) {
                let url = comms[&(case.reseal, short(case.to))].url();
                let trust =
                    format!(", trust: {{ reseal: {{ encrypt: {{ env: COMM{} }} }} }}", suffix(case.to));
                let trust = if case.reseal { trust } else { String::new() };
                setup = setup
                    .comm(&comm, &format!("start: \"{url}/{comm}\", dialect: {}{trust}", case.to.as_str()));
                of_purpose.1.push(comm);
            }
        }
        let purposes = methods.iter().map(|(tag, (auth, comm))| {
            format!("  - {{ tag: {tag}, attributes: [email, fullname], allowed_auth: {auth:?}, allowed_comm: {comm:?}, unauthenticated: true }}\n")
        });
        setup.purposes = purposes.collect();
        let urls: Vec<_> = comms.values().map(|comm| format!("{}/", comm.url())).collect();
        setup.initiator(&format!(
            "{{ kid: chat, verify: {{ env: INITIATOR }}, purposes: [\"*\"], comm_urls: {urls:?}, attr_urls: {urls:?} }}"
        ))
    }

    fn plan(&self) {
        for case in Case::all() {
            let auth_key = key("auth", kind(case.from));
            self.world.auth.plan_of(&case.auth_method(), |plan| {
                let addressee = if case.reseal { "gateway" } else { "comm" };
                *plan = AuthPlan {
                    dialect: case.from,
                    signing: auth_key.signing(),
                    encryption: key(addressee, kind(case.from)).encryption(),
                    session_url: Some("/updates/{n}?of=auth"),
                    unasked: vec![("bsn".to_owned(), value_of("bsn"))],
                    ..AuthPlan::default()
                };
            });
            let issuer = if case.reseal { gateway_key() } else { auth_key };
            let (verify, decryption) = (issuer.verification(), key("comm", kind(case.to)).decryption());
            if case.impossible().is_none() {
                let comm = self.comm(&case);
                comm.plan_of(&case.comm_method(), |plan| {
                    *plan = CommPlan {
                        verify: verify.clone(),
                        decryption: decryption.clone(),
                        content_type: if case.in_band { "application/json" } else { "text/plain" },
                        attr_url: CommPlan::default().attr_url.filter(|_| !case.in_band),
                        ..CommPlan::default()
                    };
                });
                // Sessions that started elsewhere have no method.
                comm.plan(|plan| *plan = CommPlan { decryption, verify, ..CommPlan::default() });
            }
        }
    }

    fn comm(&self, case: &Case) -> &StubComm {
        &self.comms[&(case.reseal, short(case.to))]
    }
}

/// What the gateway signs with.
fn gateway_key() -> std::sync::Arc<Key> {
    key("gateway", Kind::P256)
}

#[test]
fn the_matrix_of_authenticated_sessions() {
    let matrix = Matrix::new();
    let mut run_of = BTreeMap::new();
    for case in Case::all() {
        if let Some(reason) = case.impossible() {
            println!("-- {}: impossible\n   {reason}", case.title());
            continue;
        }
        println!("-- {}", case.title());
        *run_of.entry(case.row.kind()).or_insert(0) += 1;
        run(&matrix, &case, run_of.values().sum());
        print_transcript(&matrix.world);
    }
    for (kind, count) in &run_of {
        assert_eq!(started(&matrix.world, kind), *count, "{kind}: each start is counted once");
    }
    let world = &matrix.world;
    let stage =
        |stage: &str| world.metric("idcontact_session_stage_seconds_count", &[&format!("stage=\"{stage}\"")]);
    assert_eq!(stage("start"), run_of.values().sum::<u64>() + run_of["choice"]);
    assert!(stage("authentication") > 0 && stage("delivery") > 0);
    for operation in ["open_result", "issue_result"] {
        let labels = [format!("operation=\"{operation}\""), "outcome=\"ok\"".to_owned()];
        let count = world.metric("idcontact_token_operations_total", &labels.each_ref().map(String::as_str));
        assert!(count > 0, "{operation}");
    }
    assert_eq!(started(&matrix.world, "communication"), run_of["choice"], "a choice ends in another start");
}

fn started(world: &World, kind: &str) -> u64 {
    world.metric("idcontact_sessions_started_total", &[&format!("kind=\"{kind}\"")])
}

/// One session from its start to the conversation.
fn run(matrix: &Matrix, case: &Case, number: u64) {
    let Matrix { world, .. } = matrix;
    let comm = matrix.comm(case);
    let what = case.title();
    let mark = world.gateway.log_mark();
    let mut browser = world.browser();
    let session = (10_000 + number).to_string();
    let sign_in = match case.row {
        Row::Full => {
            let body = json!({"purpose": case.purpose(), "auth_method": case.auth_method(), "comm_method": case.comm_method()});
            start(&mut browser, &body)
        }
        Row::Split => {
            start(&mut browser, &json!({"purpose": case.purpose(), "auth_method": case.auth_method()}))
        }
        Row::DuringCommunication => {
            client_url(&world.start_internally(&during_communication(case, comm, &session)))
        }
        Row::Signed => {
            let token = crate::signed::Signed::new(&during_communication(case, comm, &session)).token();
            let headers = [("Content-Type", "application/jwt"), ("Accept", "application/json")];
            client_url(&browser.request("POST", &format!("{PUBLIC}/start"), &headers, token.as_bytes()))
        }
    };
    check_handed(matrix, case);
    let mut landing = browser.open(&sign_in);
    if case.row == Row::Split {
        let held = field(landing.text(), "session").unwrap_or_else(|| panic!("{what}: {landing:?}"));
        let (purpose, method) = (case.purpose(), case.comm_method());
        let fields = [("purpose", &*purpose), ("comm_method", &method), ("session", &held)];
        let answer = browser.post_form(&format!("{PUBLIC}/start"), &fields);
        landing = browser.follow_answer(PUBLIC, answer);
    }
    assert_eq!(landing.status(), Some(200), "{what}: {landing:?}");
    assert!(landing.url.starts_with(&format!("{}/room/", comm.url())), "{what}: {}", landing.url);
    check_delivered(case, comm, &what);
    check_events(world, case, mark);
}

fn during_communication(case: &Case, comm: &StubComm, session: &str) -> Value {
    let mut body = json!({
        "purpose": case.purpose(),
        "auth_method": case.auth_method(),
        "comm_url": format!("{}/room/{session}", comm.url()),
    });
    if !case.in_band {
        body["attr_url"] = format!("{}/attr/{session}", comm.url()).into();
    }
    body
}

fn check_handed(matrix: &Matrix, case: &Case) {
    let handed = matrix.world.auth.last();
    let what = case.title();
    assert_eq!(handed.asked["attributes"], json!(ASKED), "{what}");
    let (continuation, attr_url) = case.handed(&matrix.comm(case).url());
    assert!(handed.continuation().starts_with(&continuation), "{what}: {}", handed.continuation());
    match (handed.attr_url(), attr_url) {
        (None, None) => {}
        (Some(handed), Some(expected)) if handed.starts_with(&expected) => {}
        (handed, expected) => panic!("{what}: attr_url {handed:?} instead of {expected:?}"),
    }
    for url in [Some(handed.continuation()), handed.attr_url()].into_iter().flatten() {
        assert!(!url.contains(['?', '#']) && url.len() <= 2_000, "{what}: {url}");
    }
}

/// Exactly one result came, by the right way, and says what it should.
fn check_delivered(case: &Case, comm: &StubComm, what: &str) {
    let delivery = comm.take_delivery();
    let way = match case.row {
        Row::Split => Way::Start,
        _ if case.in_band => Way::ClientUrl,
        _ => Way::Post,
    };
    assert_eq!(delivery.way, way, "{what}");
    let mut expected: BTreeMap<_, _> = ASKED.map(|tag| (tag.to_owned(), value_of(tag))).into();
    if !case.reseal {
        // What the gateway cannot read it cannot drop.
        expected.insert("bsn".to_owned(), value_of("bsn"));
    }
    assert_eq!(comm.attributes(&delivery, case.to), expected, "{what}");
    let session_url = comm.open(&delivery).ok().and_then(|result| result.session_url).expect("a session_url");
    if case.reseal {
        assert!(session_url.starts_with(UPDATE), "{what}: {session_url}");
    } else {
        assert!(session_url.contains("/updates/"), "{what}: {session_url}");
    }
}

/// The log lines of the session: one for each event, all with one reference.
fn check_events(world: &World, case: &Case, mark: usize) {
    let sees_return = case.row == Row::Split || case.brokered() || case.gateway_delivers();
    let posted = !case.in_band && !case.gateway_delivers();
    let expected = match case.row {
        // The choice is a start of its own, with the result that came back.
        Row::Split => vec!["start", "auth_returned", "attributes_delivered", "start"],
        _ if !sees_return => vec!["start"],
        _ if posted => vec!["start", "attributes_delivered", "auth_returned", "handed_over"],
        _ => vec!["start", "auth_returned", "attributes_delivered", "handed_over"],
    };
    let is_event = |line: &LogLine| line.message() == "session event";
    let lines = world.gateway.wait_for_logs_after(mark, expected.len(), is_event);
    let events: Vec<_> = lines.iter().filter_map(|line| line.text_field("event")).collect();
    assert_eq!(events, expected, "{}", case.title());
    assert!(lines.iter().all(|line| line.text_field("outcome") == Some("ok")), "{lines:#?}");
    one_reference(&lines);
}

#[test]
fn the_matrix_of_sessions_without_an_authentication_plugin() {
    for (in_band, at_start) in [(true, true), (true, false), (false, true), (false, false)] {
        let options = format!("disable_attributes_at_start: {}", !at_start);
        let mut setup = Setup::one("brokering: observe", &options);
        setup.purposes = setup.purposes.replace(" }", ", unauthenticated: true }");
        let world = World::new(&setup);
        if in_band {
            world.comm.plan(|plan| plan.attr_url = None);
        }
        println!("-- Unauthenticated, in-band: {in_band}, {options}");
        let landing = world
            .browser()
            .open(&start(&mut world.browser(), &json!({"purpose": "report_move", "comm_method": "chat"})));
        assert_eq!(landing.status(), Some(200));
        assert!(world.comm.deliveries().is_empty());
        print_transcript(&world);
        println!("-- Communication with an earlier result, in-band: {in_band}, {options}");
        let earlier = earlier_result(&world);
        let body = json!({"purpose": "report_move", "comm_method": "chat", "auth_result": earlier});
        let mut browser = world.browser();
        let url = start(&mut browser, &body);
        browser.open(&url);
        let delivery = world.comm.take_delivery();
        let way = match (at_start, in_band) {
            (true, _) => Way::Start,
            (false, true) => Way::ClientUrl,
            (false, false) => Way::Post,
        };
        assert_eq!((delivery.way, delivery.token == earlier), (way, true));
        print_transcript(&world);
    }
}

fn print_transcript(world: &World) {
    for line in world.network.take_transcript() {
        println!("   {line}");
    }
}

/// A result that the citizen brings from elsewhere.
fn earlier_result(world: &World) -> String {
    start(&mut world.browser(), &crate::world::irma_and_chat());
    let sessions = world.auth.sessions();
    world.auth.result(sessions.len() - 1)
}

#[test]
fn what_is_impossible_is_refused_by_the_configuration() {
    let opaque_to =
        |auth: &str, comm: &str| Setup::one(auth, comm).files("http://127.0.0.1:9", "http://127.0.0.1:9");
    for (auth, comm) in [
        ("dialect: verder-helpen", "dialect: id-contact"),
        ("trust: { reseal: { verify: { env: AUTH } } }", ""),
        ("", "trust: { reseal: { encrypt: { env: COMM } } }"),
        (
            "trust: { reseal: { verify: { env: AUTH } } }, brokering: off",
            "trust: { reseal: { encrypt: { env: COMM } } }",
        ),
    ] {
        let said = crate::world::refused(&opaque_to(auth, comm));
        assert!(said.contains("plugins.yaml") || said.contains("purposes.yaml"), "{auth} {comm}: {said}");
    }
}
