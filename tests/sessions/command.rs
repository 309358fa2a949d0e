//! The commands that are about sessions, against the running gateway: `session`, and what `check` and
//! `explain` say of hops.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::world::{PURPOSE, RESEAL_AUTH, RESEAL_COMM, Setup, World, environment, start_gateway};
use crate::support::{
    answers,
    auth_plugin::Finish,
    gateway::{Files, TestGateway},
};

/// The program with the variables of the tests.
fn program(command: &str, gateway: &TestGateway) -> Command {
    program_in(command, gateway.directory())
}

/// The same, with a configuration that may be no gateway's.
pub fn program_in(command: &str, directory: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_id-contact-gateway"));
    program.arg(command).arg("--config").arg(directory).envs(environment());
    program.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null").stdin(Stdio::null());
    program
}

/// The directory of a configuration that nobody serves.
pub fn written(files: &Files) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for (name, text) in
        [("routes.yaml", &files.routes), ("purposes.yaml", &files.purposes), ("plugins.yaml", &files.plugins)]
    {
        fs::write(directory.path().join(name), text).expect("the file can be written");
    }
    directory
}

/// `session` for two methods.
pub fn session(gateway: &TestGateway, auth: &str, comm: &str, more: &str) -> Command {
    let mut program = program("session", gateway);
    program.args(["--purpose", PURPOSE, "--auth", auth, "--comm", comm]);
    program.arg("--admin-url").arg(format!("http://{}", gateway.admin));
    if !more.contains("--url") {
        program.arg("--url").arg(format!("http://{}", gateway.public));
    }
    program.args(more.split_whitespace());
    program
}

/// Its output when it ends with this status.
pub fn ended(mut command: Command, status: i32) -> (String, String) {
    let Output { status: ended, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert_eq!(ended.code(), Some(status), "{stdout}{stderr}");
    (stdout, stderr)
}

/// Only methods of the gateway's own, below a path of the public host.
fn development() -> Files {
    let plugins = r"auth:
  - { tag: test, name: T, image_path: /t.svg, test: { attributes: { email: secret-value } } }
comm:
  - { tag: inspect, name: I, image_path: /i.svg, inspect: { delivery: attr_url } }
  - { tag: along, name: I, image_path: /i.svg, inspect: { delivery: result } }
";
    let purposes = format!(
        "purposes:\n  - {{ tag: {PURPOSE}, attributes: [email], allowed_auth: [\"*\"], allowed_comm: [\"*\"] }}\n"
    );
    Files::new("gateway: { public_url: \"https://gateway.test/contact\" }\n", &purposes, plugins)
}

#[test]
fn a_session_of_the_gateways_own_methods_ends_as_it_is_told_to() {
    let gateway = start_gateway(&development());
    for (comm, more, verdict) in [
        ("inspect", "", "ok: the result arrived at `inspect`, and was verified\n"),
        ("along", "", "ok: the result arrived at `inspect`, and was verified\n"),
        ("along", "--cancel", "ok: the citizen was told that they did not sign in\n"),
        ("inspect", "--fail", "ok: the sign-in failed\n"),
    ] {
        let (printed, _) = ended(session(&gateway, "test", comm, more), 0);
        assert!(printed.ends_with(verdict), "{more}: {printed}");
        let steps = printed.matches(" ms  ").count();
        let steps_wanted = if more == "--cancel" { 4 } else { 5 };
        assert_eq!(steps, steps_wanted, "{printed}");
        assert!(!printed.contains("secret-value") && !printed.contains('?'), "{printed}");
    }
}

#[test]
fn a_session_of_plugins_is_followed_and_nothing_of_it_is_shown() {
    for (auth, by_post) in [("", true), ("", false), ("brokering: bind", true), ("brokering: bind", false)] {
        let world = World::new(&Setup::one(auth, ""));
        if !by_post {
            world.comm.plan(|plan| plan.attr_url = None);
        }
        let (printed, _) = ended(session(&world.gateway, "irma", "chat", ""), 0);
        let verdict = "ok: the communication side took over, and the result was delivered\n";
        assert!(printed.ends_with(verdict), "{printed}");
        let token = world.comm.take_delivery().token;
        let continuation = world.auth.continuation();
        let state = continuation.rsplit('/').next().expect("a continuation ends with its state");
        for secret in [token.as_str(), state, "citizen's", "result=", "idc-", "?"] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}

#[test]
fn what_was_not_asked_for_is_no_success() {
    let world = World::new(&Setup::one("", ""));
    world.comm.plan(|plan| plan.attr_url = None);
    let (_, complaint) = ended(session(&world.gateway, "irma", "chat", "--cancel"), 1);
    assert!(complaint.contains("signed in by itself"), "{complaint}");
    world.auth.plan(|plan| plan.finish = Finish::Cancel);
    let (printed, _) = ended(session(&world.gateway, "irma", "chat", "--cancel"), 0);
    assert!(printed.ends_with("ok: the citizen was told that they did not sign in\n"), "{printed}");
    let (_, complaint) = ended(session(&world.gateway, "irma", "chat", ""), 1);
    assert_eq!(complaint, "error: the sign-in was cancelled\n");
}

#[test]
fn a_gateway_that_is_away_is_named_with_the_help() {
    let gateway = start_gateway(&development());
    let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let nowhere = format!("http://{}", address.expect("a port is free"));
    let (_, complaint) = ended(session(&gateway, "test", "inspect", &format!("--url {nowhere}")), 1);
    assert!(complaint.contains(&nowhere) && complaint.contains("`id-contact-gateway run`"), "{complaint}");
}

#[test]
fn a_plugin_that_breaks_is_told_with_the_reference() {
    let world = World::new(&Setup::one("disable_attr_url: true", ""));
    world.comm.plan(|plan| plan.delivery = Some(answers::answer(500, &[], "secret-answer")));
    let (printed, complaint) = ended(session(&world.gateway, "irma", "chat", ""), 1);
    let (_, reference) = complaint.trim().rsplit_once("reference ").expect("a reference is told");
    assert!(complaint.contains("Your data did not arrive"), "{complaint}");
    world.gateway.wait_for_log(|line| line.text.contains(reference));
    assert!(!format!("{printed}{complaint}").contains("secret-answer"));

    let away = World::new(&Setup::one("start: \"http://127.0.0.1:9\"", ""));
    let (_, complaint) = ended(session(&away.gateway, "irma", "chat", ""), 1);
    assert!(complaint.contains("(auth_plugin_error)"), "{complaint}");
}

#[test]
fn a_start_that_the_gateway_refuses_is_told_with_its_code() {
    let world = World::new(&Setup::one("", ""));
    let ahead = Setup::one("", "").auth("nobody", "").files(&world.auth.url(), &world.comm.url());
    let ahead = written(&ahead);
    let mut program = program_in("session", ahead.path());
    program.args(["--purpose", PURPOSE, "--auth", "nobody", "--comm", "chat"]);
    program.arg("--url").arg(format!("http://{}", world.gateway.public));
    let (_, complaint) = ended(program, 1);
    assert!(complaint.contains("(unknown_auth_method)"), "{complaint}");
}

/// Fingerprints of keys that are new in each run.
fn without_keys(text: &str) -> String {
    let parts: Vec<_> = text.split('…').collect();
    let last = parts.len() - 1;
    let cut = |(number, part): (usize, &&str)| match part.len().checked_sub(8).filter(|_| number < last) {
        Some(at) => format!("{}KEY", &part[..at]),
        None => (*part).to_owned(),
    };
    parts.iter().enumerate().map(cut).collect()
}

#[test]
fn explain_says_what_crosses_each_hop_of_a_purpose() {
    let mut setup = Setup::default()
        .auth("irma", "")
        .auth("digid", RESEAL_AUTH)
        .auth("bound", &format!("brokering: bind, {RESEAL_AUTH}"))
        .auth("past", "brokering: off")
        .comm("chat", "")
        .comm("call", &format!("dialect: verder-helpen, {RESEAL_COMM}"));
    setup.purposes = "  - { tag: unread, attributes: [email], allowed_auth: [irma, past], allowed_comm: [chat] }
  - { tag: resealed, attributes: [], allowed_auth: [digid, bound], allowed_comm: [call], unauthenticated: true }
"
    .to_owned();
    let gateway = start_gateway(&setup.files("http://127.0.0.1:9", "http://127.0.0.1:9"));
    let explain = |purpose: &str| {
        let mut program = program("explain", &gateway);
        program.arg(purpose);
        without_keys(&ended(program, 0).0)
    };
    assert_eq!(
        explain("unread"),
        "purpose    unread
asks for   email

irma -> chat (unread: encrypted by irma to the plugin chat, as id-contact; the gateway passes it on)
  in-band  the browser takes it by way of the gateway to chat, if chat names no attr_url
  by POST  irma posts it to the gateway, which posts it to chat, if chat names an attr_url
  updates  activity and logout: chat -> irma, past the gateway, for results with a session_url

past -> chat (unread: encrypted by past to the plugin chat, as id-contact; past the gateway)
  in-band  the browser takes it to chat, past the gateway, if chat names no attr_url
  by POST  past posts it to chat, past the gateway, if chat names an attr_url
  updates  activity and logout: chat -> past, past the gateway, for results with a session_url
"
    );
    assert_eq!(
        explain("resealed"),
        "purpose    resealed
asks for   nothing

digid -> gateway (encrypted to the gateway, key d1 or d2, verified with KEY) -> call (re-sealed: signed with g1, encrypted to its key KEY, as verder-helpen)
  in-band  the browser takes it by way of the gateway to call, if call names no attr_url
  by POST  digid posts it to the gateway, which posts it to call, if call names an attr_url
  updates  activity and logout: call -> gateway -> digid, for results with a session_url

bound -> gateway (encrypted to the gateway, key d1 or d2, verified with KEY) -> call (re-sealed: signed with g1, encrypted to its key KEY, as verder-helpen)
  in-band  the browser takes it by way of the gateway to call, only the one that started, if call names no attr_url
  by POST  the browser takes it to the gateway, only the one that started, which delivers it to call, if call names an attr_url
  updates  activity and logout: call -> gateway -> bound, for results with a session_url

without signing in -> call
  nobody is known, and no result crosses
"
    );
}

#[test]
fn check_shows_a_line_for_each_combination_and_not_for_thousands() {
    let gateway = start_gateway(&development());
    let (lines, report) = ended(program("check", &gateway), 0);
    assert_eq!(report, "the configuration is valid\n");
    let pair = "(with the gateway's own keys for development, at both ends)";
    assert_eq!(lines, format!("{PURPOSE}: test -> inspect {pair}\n{PURPOSE}: test -> along {pair}\n"));

    let many = (0..30).fold(Setup::default().auth("irma", ""), |setup, n| setup.comm(&format!("c{n}"), ""));
    gateway.write("purposes.yaml", &many.files("http://a", "http://b").purposes);
    gateway.write("plugins.yaml", &many.files("http://a", "http://b").plugins);
    let (lines, _) = ended(program("check", &gateway), 0);
    assert_eq!(lines.lines().count(), 21, "{lines}");
    assert!(lines.ends_with("and 10 more, see `explain PURPOSE`\n"), "{lines}");
}

#[test]
fn what_is_neither_a_purpose_nor_a_url_is_not_explained() {
    let gateway = start_gateway(&development());
    let explain = |subject: &str| {
        let mut program = program("explain", &gateway);
        program.arg(subject);
        ended(program, 1).1
    };
    let url = "and a URL begins with http:// or https://";
    assert_eq!(
        explain("nothing"),
        format!("error: the configuration has no purpose `nothing`: it has `{PURPOSE}`; {url}\n")
    );
    assert_eq!(
        explain("reprot_move"),
        format!(
            "error: the configuration has no purpose `reprot_move`: did you mean `{PURPOSE}`? \
             It has `{PURPOSE}`; {url}\n"
        )
    );
}

/// Every adapter that there is YAML for, in a file of its own.
fn adapters() -> Files {
    let plugins = r#"auth:
  - { tag: test, name: T, image_path: /t.svg, test: { attributes: { email: a, fullname: b } } }
  - { tag: proxy, name: P, image_path: /p.svg, headers: { from: [10.1.0.0/16], attributes: { email: X-Remote-Mail, fullname: X-Remote-Name } } }
  - tag: pin
    name: PIN
    image_path: /p.svg
    http:
      base: "https://pin.example.nl"
      start: { request: { method: POST, path: /s, json: { return: "{{ return_url }}" } }, save: { id: { from: $.id } } }
      redirect: "https://pin.example.nl/{{ start.id }}"
      finish:
        request: { method: GET, path: "/s/{{ start.id }}" }
        outcome: { from: $.state, ok: [done] }
        attributes: { email: $.mail, fullname: $.name }
      update: { logout: { request: { method: DELETE, path: "/s/{{ start.id }}" } } }
comm:
  - { tag: call, name: C, image_path: /c.svg, start: "http://127.0.0.1:9", trust: { reseal: { encrypt: { env: COMM } } } }
  - tag: video
    name: V
    image_path: /v.svg
    link:
      room: "{{ random }}"
      url: "https://meet.example.nl/{{ room }}?mail={{ attributes.email }}&jwt={{ jwt }}"
      jwt: { alg: HS256, secret: { env: STATE_1 }, ttl: 1h, claims: { name: "{{ attributes.fullname }}" } }
  - tag: room
    name: R
    image_path: /r.svg
    http:
      base: "https://hs.example.nl"
      deliver: { request: { method: PUT, path: /a, json: { all: "{{ attributes }}", updates: "{{ session_url | default(null) }}" } }, hmac: { header: X-Signature, secret: { env: STATE_1 } } }
      client_url: "https://chat.example.nl/"
keys: { signing: [ { id: g1, private_key: { env: GATEWAY_SIGN } } ] }
"#;
    let purposes = "purposes:
  - { tag: tested, attributes: [email, fullname], allowed_auth: [test], allowed_comm: [video] }
  - { tag: proxied, attributes: [email, fullname], allowed_auth: [proxy], allowed_comm: [call] }
  - { tag: pinned, attributes: [email, fullname], allowed_auth: [pin], allowed_comm: [room] }
";
    Files::new("gateway: { public_url: \"http://gateway.test\" }\n", purposes, plugins)
}

#[test]
fn explain_says_what_adapters_take_and_give() {
    let gateway = start_gateway(&adapters());
    let explain = |purpose: &str| {
        let mut program = program("explain", &gateway);
        program.arg(purpose);
        let text = without_keys(&ended(program, 0).0);
        text.split_once("\n\n").expect("a head and the combinations").1.to_owned()
    };
    assert_eq!(
        explain("tested"),
        "test -> gateway (encrypted to its key for development) -> video (the gateway renders the link; email in the URL; fullname in its token)
  in-band  the browser takes it by way of the gateway to video
  updates  none: video reports neither activity nor logout
"
    );
    assert_eq!(
        explain("proxied"),
        "proxy (headers of a front proxy, believed from 10.1.0.0/16) -> call (re-sealed: signed with g1, encrypted to its key KEY, as id-contact)
  in-band  the browser takes it by way of the gateway to call, if call names no attr_url
  by POST  the browser takes it to the gateway, which delivers it to call, if call names an attr_url
  updates  none: proxy keeps no session
"
    );
    assert_eq!(
        explain("pinned"),
        "pin (the gateway asks pin.example.nl) -> room (the gateway sends PUT to hs.example.nl, signed with an HMAC: all attributes)
  by POST  the browser takes it to the gateway, which delivers it to room
  updates  logout: room -> gateway -> pin.example.nl
"
    );
}
