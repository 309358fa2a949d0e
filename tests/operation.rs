//! What operators rely on: the admin listener, reloads, shutdown, start-up errors.
#![cfg(test)]

mod support;

use std::{fs, net::TcpListener, os::unix::fs::symlink, process::Command, time::Duration};

use nix::sys::signal::Signal;

use support::{
    DEADLINE, answers,
    client::request,
    gateway::{Files, Process, TestGateway},
    log::LogLine,
    stub::{Gate, Step, StubServer},
};

const ROUTES: &str = "gateway: { public_url: \"http://gateway.test\" }\n";
const PLUGINS: &str = r#"auth:
  - { tag: irma, name: IRMA, image_path: /i.svg, start: "http://127.0.0.1:9" }
comm:
  - { tag: chat, name: Chat, image_path: /c.svg, start: "http://127.0.0.1:9" }
"#;

fn purposes(tag: &str) -> String {
    format!("purposes:\n  - {{ tag: {tag}, attributes: [], allowed_auth: [\"*\"], allowed_comm: [\"*\"] }}\n")
}

fn files() -> Files {
    Files::new(ROUTES, &purposes("one"), PLUGINS)
}

fn knows(gateway: &TestGateway, purpose: &str) -> bool {
    gateway.public().get("gateway.test", &format!("/session_options/{purpose}"), &[]).status == 200
}

fn metric(gateway: &TestGateway, name: &str) -> Option<String> {
    let metrics = gateway.admin().get("admin", "/metrics", &[]);
    metrics.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

#[test]
fn the_admin_listener_tells_health_metrics_and_configuration() {
    let gateway = TestGateway::start(&files());
    let mut admin = gateway.admin();
    assert_eq!(admin.get("admin", "/healthz", &[]).text(), "ok\n");
    assert_eq!(admin.get("admin", "/readyz", &[]).text(), "generation 1\n");
    let metrics = admin.get("admin", "/metrics", &[]);
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.text().contains("idcontact_config_generation 1\n"), "{}", metrics.text());
    let config = admin.get("admin", "/config", &[]).json();
    assert_eq!(config["purposes"]["purposes"][0]["tag"], "one", "{config:#}");
    assert_eq!(admin.get("admin", "/nothing", &[]).status, 404);
    assert_eq!(admin.get("admin", "/reload", &[]).status, 405);
    assert!(admin.get("admin", "/", &[]).text().contains("/metrics"));
    for mut listener in [gateway.public(), gateway.internal()] {
        for path in ["/metrics", "/healthz", "/readyz", "/config", "/reload"] {
            assert_eq!(listener.get("gateway.test", path, &[]).status, 404, "{path}");
        }
    }
}

#[test]
fn a_reload_on_request_is_live_when_it_answers_or_tells_what_is_wrong() {
    let gateway = TestGateway::start(&files());
    gateway.write("purposes.yaml", &purposes("two"));
    let answer = gateway.admin().post("admin", "/reload", &[], b"");
    assert_eq!((answer.status, knows(&gateway, "two"), knows(&gateway, "one")), (200, true, false));
    assert!(answer.json()["generation"].as_u64() >= Some(2));
    gateway.write("purposes.yaml", "purposes:\n  - { tag: three, atributes: [] }\n");
    let answer = gateway.admin().post("admin", "/reload", &[], b"");
    assert_eq!((answer.status, knows(&gateway, "two")), (422, true));
    assert!(
        answer.text().contains("atributes") && answer.text().contains("purposes.yaml"),
        "{}",
        answer.text()
    );
    assert_eq!(metric(&gateway, "idcontact_config_last_reload_success").as_deref(), Some("0"));
    gateway.write("purposes.yaml", &purposes("four"));
    gateway.wait_for_log(|line| line.message() == "configuration live" && line.text.contains("change"));
    let foreign = gateway.admin().post("admin", "/reload", &[("Sec-Fetch-Site", "cross-site")], b"");
    assert_eq!(foreign.status, 403);
}

#[test]
fn sighup_reloads() {
    let gateway = TestGateway::start(&files());
    gateway.signal(Signal::SIGHUP);
    let line = gateway.wait_for_log(|line| line.message() == "configuration live");
    assert_eq!(line.text_field("trigger"), Some("signal"));
    assert_eq!(metric(&gateway, "idcontact_config_generation").as_deref(), Some("2"));
}

#[test]
fn a_changed_file_is_noticed_however_it_is_written() {
    let gateway = TestGateway::start(&files());
    let mark = gateway.log_mark();
    gateway.write("purposes.yaml", &purposes("two"));
    gateway.wait_for_log_after(mark, |line| line.message() == "configuration live");
    assert!(knows(&gateway, "two"));
    let mark = gateway.log_mark();
    gateway.replace("purposes.yaml", &purposes("three"));
    gateway.wait_for_log_after(mark, |line| line.message() == "configuration live");
    assert!(knows(&gateway, "three"));
    let mark = gateway.log_mark();
    gateway.replace("purposes.yaml", "purposes: [");
    gateway.wait_for_log_after(mark, |line| line.message().starts_with("configuration refused"));
    assert!(knows(&gateway, "three"));
    let mark = gateway.log_mark();
    gateway.replace("purposes.yaml", &purposes("four"));
    gateway.wait_for_log_after(mark, |line| line.message() == "configuration live");
    assert!(knows(&gateway, "four"));
}

#[test]
fn a_changed_secret_is_noticed_too() {
    const STATE: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let gateway = TestGateway::start(&files());
    let mark = gateway.log_mark();
    let keys = "\nkeys: { state: [ { id: s1, secret: { file: secrets/state } } ] }\n";
    let plugins = fs::read_to_string(gateway.directory().join("plugins.yaml")).unwrap();
    gateway.write("plugins.yaml", &(plugins + keys));
    gateway.wait_for_log_after(mark, |line| line.message().starts_with("configuration refused"));

    // Below the directory that is watched: only the poll can see it.
    let mark = gateway.log_mark();
    fs::create_dir(gateway.directory().join("secrets")).unwrap();
    gateway.write("secrets/state", STATE);
    gateway.wait_for_log_after(mark, |line| line.message() == "configuration live");

    let mark = gateway.log_mark();
    gateway.write("secrets/state", "hunter2");
    let refused = |line: &LogLine| line.message().contains("the state key `s1` cannot be used");
    gateway.wait_for_log_after(mark, refused);
    let shown = gateway.admin().get("admin", "/config", &[]).text().to_owned() + &gateway.log_text();
    assert!(shown.contains("s1") && !shown.contains("hunter2"), "{shown}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a writer that takes its time is what is tested")]
fn files_go_live_when_they_have_stopped_to_change() {
    let gateway = TestGateway::start(&files());
    for step in 0..40 {
        gateway.write("purposes.yaml", &purposes(&format!("half{step}")));
        std::thread::sleep(Duration::from_millis(20));
    }
    gateway.write("purposes.yaml", &purposes("whole"));
    gateway.wait_for_log(|_| knows(&gateway, "whole"));
    let generations = metric(&gateway, "idcontact_config_generation").unwrap();
    // Two more than wanted, for a machine that makes the writer stumble.
    assert!(generations.parse::<u64>().unwrap() <= 4, "{generations} generations went live");
}

#[test]
fn a_config_maps_symlink_swap_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let version = |name: &str, tag: &str| {
        fs::create_dir(root.join(name)).unwrap();
        let files = Files::new(ROUTES, &purposes(tag), PLUGINS);
        for (file, text) in [
            ("routes.yaml", files.routes),
            ("purposes.yaml", files.purposes),
            ("plugins.yaml", files.plugins),
        ] {
            fs::write(root.join(name).join(file), text).unwrap();
        }
    };
    version("..1", "one");
    version("..2", "two");
    symlink("..1", root.join("..data")).unwrap();
    for file in ["routes.yaml", "purposes.yaml", "plugins.yaml"] {
        symlink(format!("..data/{file}"), root.join(file)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_id-contact-gateway"));
    command.args(["run", "--log-format", "json", "--config"]).arg(root);
    let gateway = TestGateway::wait_ready(Process::spawn(&mut command, directory));
    let root = gateway_root(&command);
    assert!(knows(&gateway, "one"));
    symlink("..2", root.join("..data.new")).unwrap();
    fs::rename(root.join("..data.new"), root.join("..data")).unwrap();
    gateway.wait_for_log(|line| line.message() == "configuration live");
    assert!(knows(&gateway, "two"));
}

fn gateway_root(command: &Command) -> std::path::PathBuf {
    command.get_args().last().map(Into::into).unwrap()
}

#[test]
fn changed_listeners_wait_for_a_restart_and_say_so() {
    let gateway = TestGateway::start(&files());
    let routes = files().routes.replacen("127.0.0.1:0", "127.0.0.2:0", 1);
    gateway.write("routes.yaml", &routes);
    let answer = gateway.admin().post("admin", "/reload", &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["restart_needed"][0], "listeners.public.address");
    gateway.wait_for_log(|line| line.text_field("setting") == Some("listeners.public.address"));
}

#[test]
fn a_request_sees_one_generation_from_first_byte_to_last() {
    let gate = Gate::default();
    let waiting = gate.clone();
    let upstream = StubServer::start(move |_| {
        [vec![Step::Await(waiting.clone())], answers::redirect(302, "/next")].concat()
    });
    let route = |prefix: &str| {
        format!(
            "{ROUTES}upstreams: {{ u: {{ servers: [{:?}] }} }}\nroutes: [ {{ id: u, path: {prefix}, upstream: u, strip_path: true }} ]\n",
            upstream.url()
        )
    };
    let gateway = TestGateway::start(&Files::new(&route("/old"), &purposes("one"), PLUGINS));
    let mut client = gateway.public();
    client.send(request("GET", "gateway.test", "/old/x", &[], b""));
    upstream.wait_for_requests(1);
    gateway.write("routes.yaml", &Files::new(&route("/new"), "", "").routes);
    assert_eq!(gateway.admin().post("admin", "/reload", &[], b"").status, 200);
    assert_eq!(gateway.public().get("gateway.test", "/old/x", &[]).status, 404);
    gate.open();
    assert_eq!(client.read_response().header("location"), Some("/old/next"));
}

#[test]
fn sigterm_finishes_running_requests_and_exits_0() {
    let gate = Gate::default();
    let waiting = gate.clone();
    let upstream = StubServer::start(move |_| {
        [vec![Step::Await(waiting.clone())], answers::answer(200, &[], "finished")].concat()
    });
    let routes = format!(
        "{ROUTES}upstreams: {{ u: {{ servers: [{:?}] }} }}\nroutes: [ {{ id: u, path: /u, upstream: u }} ]\n",
        upstream.url()
    );
    let mut gateway = TestGateway::start(&Files::new(&routes, &purposes("one"), PLUGINS));
    let mut running = gateway.public();
    running.send(request("GET", "gateway.test", "/u", &[], b""));
    upstream.wait_for_requests(1);
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log(|line| line.message() == "draining");
    gate.open();
    let response = running.read_response();
    assert_eq!((response.status, response.text()), (200, "finished"));
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log(|line| line.text_field("route") == Some("u"));
}

#[test]
fn sigquit_hands_the_sockets_to_nobody_and_exits_0() {
    let mut gateway = TestGateway::start(&files());
    gateway.signal(Signal::SIGQUIT);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log(|line| line.message() == "draining");
}

#[test]
fn an_invalid_configuration_does_not_run_and_says_why_as_check_does() {
    let files = Files::new(ROUTES, "purposes:\n  - { tag: a, atributes: [] }\n", PLUGINS);
    let mut process = Process::start(&files, |command| command);
    assert_eq!(process.wait_exit(DEADLINE).code(), Some(64));
    let refused = process.log.text();
    assert!(
        refused.contains("purposes.yaml:2") && refused.contains("did you mean `attributes`"),
        "{refused}"
    );
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_name() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut files = files();
    files.routes = files.routes.replacen("127.0.0.1:0", &address, 1);
    let mut process = Process::start(&files, |command| command);
    assert_eq!(process.wait_exit(DEADLINE).code(), Some(1));
    let text = process.log.text();
    assert!(text.contains("public listener") && text.contains(&address), "{text}");
}
