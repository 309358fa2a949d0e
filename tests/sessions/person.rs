//! `session` where a sign-in page needs a person: the URL that it prints, and how it waits for the end.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use id_contact_gateway::model::Dialect;
use serde_json::json;

use super::{
    command::{ended, program_in, session},
    world::{PURPOSE, RESEAL_COMM, Setup, World},
};
use crate::support::{
    answers,
    auth_plugin::Finish,
    forging_provider::{Forgery, ForgingProvider},
    keys::{Kind, key},
    stub::StubServer,
};

/// A command that waits for a person.
struct Waiting {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What is to be opened.
    url: String,
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut line = || lines.next().expect("the command goes on").expect("it prints text");
        while line() != "Open in a browser:" {}
        let url = line();
        Self { child, lines, url }
    }

    fn ends_well(mut self) {
        let rest: Vec<_> = self.lines.map_while(Result::ok).collect();
        assert!(self.child.wait().expect("it ends").success(), "{rest:?}");
        let verdict = "ok: the result was delivered, and the communication side took over";
        assert_eq!(rest.last().map(String::as_str), Some(verdict));
    }
}

#[test]
fn a_page_that_needs_a_person_is_named_and_its_end_is_watched() {
    let world = World::new(&Setup::one("", ""));
    world.auth.plan(|plan| plan.finish = Finish::Never);
    let (printed, complaint) = ended(session(&world.gateway, "irma", "chat", "--timeout 1500ms"), 1);
    let url = format!("{}/ui/0", world.auth.url());
    assert!(printed.contains(&format!("\nOpen in a browser:\n{url}\n")), "{printed}");
    assert!(complaint.contains("in time"), "{complaint}");

    let waiting = Waiting::start(session(&world.gateway, "irma", "chat", ""));
    world.auth.plan(|plan| plan.finish = Finish::Success);
    world.browser().open(&waiting.url);
    waiting.ends_well();
}

#[test]
fn without_the_admin_listener_the_end_is_not_waited_for() {
    let world = World::new(&Setup::one("", ""));
    world.auth.plan(|plan| plan.finish = Finish::Never);
    let mut program = program_in("session", world.gateway.directory());
    program.args(["--purpose", PURPOSE, "--auth", "irma", "--comm", "chat"]);
    program.arg("--url").arg(format!("http://{}", world.gateway.public));
    // The configuration says port 0, where nobody is.
    let (printed, complaint) = ended(program, 1);
    assert!(printed.contains("Open in a browser:"), "{printed}");
    assert!(complaint.contains("admin listener"), "{complaint}");
}

/// A world in which citizens sign in by this adapter.
fn adapter(options: &str) -> World {
    let world = World::new(&Setup::default().auth("sso", options).comm("chat", RESEAL_COMM));
    world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
    world
}

fn assert_delivered(world: &World, mail: &str) {
    let delivered = world.comm.attributes(&world.comm.take_delivery(), Dialect::IdContact);
    assert_eq!(delivered["email"], mail);
}

#[test]
fn a_fresh_browser_signs_in_at_an_openid_provider() {
    let provider = ForgingProvider::start();
    provider.set_id_token_claims(json!({ "email": "anna@example.nl", "name": "Anna" }));
    provider.forge(Forgery::Answers("/authorize", answers::answer(200, &[], "Who are you?")));
    let world = adapter(&format!(
        "oidc: {{ issuer: \"{}\", client_id: gateway, client_secret: {{ env: FORGER_SECRET }}, \
         attributes: {{ email: email, fullname: name }} }}",
        provider.issuer()
    ));
    let waiting = Waiting::start(session(&world.gateway, "sso", "chat", ""));
    provider.forge(Forgery::None);
    world.browser().open(&waiting.url);
    waiting.ends_well();
    assert_delivered(&world, "anna@example.nl");
}

#[test]
fn a_fresh_browser_signs_in_at_a_service() {
    let service = StubServer::start(|request| match request.method() {
        "POST" => answers::json(&json!({ "id": "1" })),
        _ if request.target() == "/login" => answers::answer(200, &[], "Who are you?"),
        _ => answers::json(&json!({ "state": "done", "mail": "anna@example.nl", "name": "Anna" })),
    });
    let url = service.url();
    let world = adapter(&format!(
        "http: {{ base: \"{url}\", redirect: \"{url}/login\", start: {{ request: {{ method: POST, path: /s, \
         json: {{ back: \"{{{{ return_url }}}}\" }} }}, save: {{ id: {{ from: $.id }} }} }}, \
         finish: {{ request: {{ method: GET, path: \"/s/{{{{ start.id }}}}\" }}, \
         outcome: {{ from: $.state, ok: [done] }}, attributes: {{ email: $.mail, fullname: $.name }} }} }}"
    ));
    let waiting = Waiting::start(session(&world.gateway, "sso", "chat", ""));
    let mut browser = world.browser();
    assert_eq!(browser.open(&waiting.url).text(), "Who are you?");
    let started = service.requests().into_iter().find(|request| request.method() == "POST");
    let back = started.expect("the service was told").json()["back"].clone();
    browser.open(back.as_str().expect("it is a URL"));
    waiting.ends_well();
    assert_delivered(&world, "anna@example.nl");
}
