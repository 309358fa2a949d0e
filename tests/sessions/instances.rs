//! Sessions that outlive the process that started them: two instances behind a round robin, a crash, a
//! restart, a change of keys.

use crate::{
    support::{
        answers,
        auth_plugin::StubAuth,
        balancer::Balancer,
        browser::Browser,
        comm_plugin::StubComm,
        gateway::{Files, TestGateway},
        network::Network,
    },
    world::{KEYS, Setup, irma_and_chat, start, start_gateway},
};
use nix::sys::signal::Signal;

/// Two gateways that share their keys.
struct Cluster {
    /// Serves for as long as it is held.
    _auth: StubAuth,
    comm: StubComm,
    network: Network,
    files: Files,
    public: Balancer,
    internal: Balancer,
    gateways: Vec<TestGateway>,
}

impl Cluster {
    fn new(setup: &Setup) -> Self {
        let network = Network::default();
        let (auth, comm) = (StubAuth::start(&network), StubComm::start(&network));
        let files = setup.files(&auth.url(), &comm.url());
        let (public, internal) = (Balancer::start(&[]), Balancer::start(&[]));
        network.point("gateway.test", public.address());
        network.point("internal.test", internal.address());
        let mut cluster = Self { _auth: auth, comm, network, files, public, internal, gateways: Vec::new() };
        cluster.restart();
        cluster
    }

    /// Ends all instances and starts two new ones.
    fn restart(&mut self) {
        self.gateways.clear();
        self.gateways = (0..2).map(|_| start_gateway(&self.files)).collect();
        self.use_instances(&[0, 1]);
    }

    /// Sends connections to these instances in turn from now on.
    fn use_instances(&self, instances: &[usize]) {
        let of = |listener: fn(&TestGateway) -> std::net::SocketAddr| -> Vec<_> {
            instances.iter().map(|&instance| listener(&self.gateways[instance])).collect()
        };
        self.public.spread_over(&of(|gateway| gateway.public));
        self.internal.spread_over(&of(|gateway| gateway.internal));
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.network)
    }

    fn kill(&mut self, instance: usize) {
        self.gateways[instance].signal(Signal::SIGKILL);
        self.gateways[instance].wait_exit();
    }

    fn posts(&self) -> usize {
        self.comm.requests().iter().filter(|request| request.target().contains("/attr/")).count()
    }

    /// Which instances logged an event.
    fn who_saw(&self, event: &str) -> Vec<usize> {
        let saw = |gateway: &TestGateway| {
            gateway.log_lines().iter().any(|line| line.text_field("event") == Some(event))
        };
        (0..self.gateways.len()).filter(|&instance| saw(&self.gateways[instance])).collect()
    }
}

const OBSERVE: &str = "brokering: observe";
const GATEWAY_POSTS: &str = "brokering: observe, disable_attr_url: true";
const BIND: &str = "brokering: bind";

#[test]
fn a_session_started_on_one_instance_ends_on_the_other() {
    for options in [OBSERVE, GATEWAY_POSTS, BIND] {
        let cluster = Cluster::new(&Setup::one(options, ""));
        let mut browser = cluster.browser();
        cluster.use_instances(&[0]);
        let sign_in = start(&mut browser, &irma_and_chat());
        cluster.use_instances(&[1]);
        let landing = browser.open(&sign_in);
        assert!(landing.url.contains("/room/0"), "{options}: {landing:?}");
        cluster.comm.take_delivery();
        for (gateway, event) in cluster.gateways.iter().zip(["start", "handed_over"]) {
            gateway.wait_for_log(|line| line.text_field("event") == Some(event));
        }
        assert_eq!(cluster.who_saw("start"), [0], "{options}");
        assert_eq!(cluster.who_saw("handed_over"), [1], "{options}");
    }
}

#[test]
fn sessions_spread_over_both() {
    let cluster = Cluster::new(&Setup::one(OBSERVE, ""));
    for _ in 0..6 {
        let mut browser = cluster.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        assert_eq!(browser.open(&sign_in).status(), Some(200));
        cluster.comm.take_delivery();
    }
    for gateway in &cluster.gateways {
        gateway.wait_for_log(|line| line.message() == "session event");
    }
}

#[test]
fn a_session_outlives_the_instance_that_started_it() {
    for options in [OBSERVE, GATEWAY_POSTS, BIND] {
        let mut cluster = Cluster::new(&Setup::one(options, ""));
        let mut browser = cluster.browser();
        cluster.use_instances(&[0]);
        let sign_in = start(&mut browser, &irma_and_chat());
        cluster.kill(0);
        // The round robin finds that it does not accept.
        cluster.use_instances(&[0, 1]);
        assert!(browser.open(&sign_in).url.contains("/room/0"), "{options}");
        cluster.comm.take_delivery();
    }
}

#[test]
fn a_session_outlives_a_restart_of_everything() {
    let mut cluster = Cluster::new(&Setup::one(GATEWAY_POSTS, ""));
    let mut browser = cluster.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    cluster.restart();
    let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
    assert!(browser.open(&back).url.contains("/room/0"));
    cluster.comm.take_delivery();
    // And whoever goes back after another one brings the mark that it was delivered.
    cluster.restart();
    assert!(browser.open(&back).url.contains("/room/0"));
    assert_eq!(cluster.posts(), 1);
}

#[test]
fn the_other_instance_does_not_deliver_again() {
    let cluster = Cluster::new(&Setup::one(GATEWAY_POSTS, ""));
    let mut browser = cluster.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
    for instance in [0, 1, 0, 1] {
        cluster.use_instances(&[instance]);
        assert!(browser.open(&back).url.contains("/room/0"));
    }
    assert_eq!(cluster.posts(), 1);
}

#[test]
fn the_other_instance_does_not_repeat_what_failed() {
    let cluster = Cluster::new(&Setup::one(GATEWAY_POSTS, ""));
    cluster.comm.plan(|plan| plan.delivery = Some(answers::answer(500, &[], "")));
    let mut browser = cluster.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
    for instance in [0, 1, 0, 1] {
        cluster.use_instances(&[instance]);
        assert_eq!(browser.open(&back).status(), Some(502), "{instance}");
    }
    assert_eq!(cluster.posts(), 1, "nobody knows whether the first one arrived");
}

#[test]
fn a_change_of_keys_ends_no_session() {
    let cluster = Cluster::new(&Setup::one(OBSERVE, ""));
    cluster.use_instances(&[0]);
    let mut browser = cluster.browser();
    let old = start(&mut browser, &irma_and_chat());
    let gateway = &cluster.gateways[0];
    let load = |keys: &str, generation: u64| {
        gateway.replace("plugins.yaml", &cluster.files.plugins.replace(KEYS, keys));
        let answer = gateway.admin().post("admin", "/reload", &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let ready = gateway.admin().get("admin", "/readyz", &[]).text().to_owned();
        assert_eq!(ready, format!("generation {generation}\n"));
    };
    let one = "state: [ { id: s1, secret: { env: STATE_1 } } ]";
    let both = "state: [ { id: s2, secret: { env: STATE_2 } }, { id: s1, secret: { env: STATE_1 } } ]";
    let two = "state: [ { id: s2, secret: { env: STATE_2 } } ]";
    assert!(KEYS.contains(one));
    load(&KEYS.replace(one, both), 2);
    let new = start(&mut browser, &irma_and_chat());
    assert!(browser.open(&old).url.contains("/room/0"), "a session of the old key goes on");
    cluster.comm.take_delivery();
    load(&KEYS.replace(one, two), 3);
    assert!(browser.open(&new).url.contains("/room/1"), "a session of the new key goes on");
    cluster.comm.take_delivery();
    let landing = browser.open(&old);
    assert_eq!(landing.status(), Some(404), "the old key is gone: {}", landing.text());
}

#[test]
fn a_session_outlives_the_methods_that_it_was_started_with() {
    for options in [OBSERVE, GATEWAY_POSTS, BIND] {
        let cluster = Cluster::new(&Setup::one(options, ""));
        cluster.use_instances(&[0]);
        let gateway = &cluster.gateways[0];
        let mut browser = cluster.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        let renamed = |text: &str| {
            text.replace("tag: irma", "tag: idin")
                .replace("tag: chat", "tag: video")
                .replace("tag: report_move", "tag: report_birth")
        };
        gateway.replace("purposes.yaml", &renamed(&cluster.files.purposes));
        gateway.replace("plugins.yaml", &renamed(&cluster.files.plugins));
        assert_eq!(gateway.admin().post("admin", "/reload", &[], b"").status, 200);
        let refused = browser.post_json("http://gateway.test/start", &irma_and_chat());
        assert_eq!(refused.status, 400, "{options}: it is loaded");
        assert!(browser.open(&sign_in).url.contains("/room/0"), "{options}");
        cluster.comm.take_delivery();
    }
}

#[test]
fn keys_of_a_process_die_with_it() {
    let mut cluster = Cluster::new(&Setup { keys: "", ..Setup::one(OBSERVE, "") });
    cluster.use_instances(&[0]);
    let warned = cluster.gateways[0]
        .log_lines()
        .iter()
        .any(|line| line.text_field("level") == Some("WARN") && line.text.contains("keys"));
    assert!(warned, "it says that sessions will not outlive it:\n{}", cluster.gateways[0].log_text());
    let mut browser = cluster.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    assert_eq!(browser.clone().open(&sign_in).status(), Some(200), "while it lives, all is well");
    let back = browser.get(&sign_in).header("location").expect("a redirect").to_owned();
    cluster.restart();
    let landing = browser.open(&back);
    let forged = browser.open("http://gateway.test/session/continue/made-up");
    assert_eq!((landing.status(), landing.text()), (Some(404), forged.text()));
}

#[test]
fn the_first_configured_key_ends_no_session() {
    let cluster = Cluster::new(&Setup { keys: "", ..Setup::one(OBSERVE, "") });
    cluster.use_instances(&[0]);
    let mut browser = cluster.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let gateway = &cluster.gateways[0];
    gateway.replace("plugins.yaml", &format!("{}{KEYS}", cluster.files.plugins));
    let answer = gateway.admin().post("admin", "/reload", &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.open(&sign_in).url.contains("/room/0"), "what the key of the process sealed goes on");
    cluster.comm.take_delivery();
}

#[test]
fn a_reload_without_keys_is_warned_of_as_a_start_is() {
    let cluster = Cluster::new(&Setup::one(OBSERVE, ""));
    let gateway = &cluster.gateways[0];
    assert!(!gateway.log_text().contains("keys.state"));
    gateway.replace("plugins.yaml", &cluster.files.plugins.replace(KEYS, ""));
    assert_eq!(gateway.admin().post("admin", "/reload", &[], b"").status, 200);
    gateway.wait_for_log(|line| {
        line.text_field("level") == Some("WARN") && line.message().contains("keys.state")
    });
}
