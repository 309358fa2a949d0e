//! What `session` is told and tells: mistakes in its command line, and what became of the attributes.

use std::{fs, io::ErrorKind, net::TcpListener, path::Path};

use id_contact_gateway::model::Dialect;

use super::{
    command::{ended, program_in, session, written},
    world::{PURPOSE, RESEAL_COMM, Setup, World, start_gateway},
};
use crate::support::{
    answers,
    auth_plugin::Posts,
    gateway::{Files, TestGateway},
    keys::{Kind, key},
    stub::StubServer,
};

/// What the command says of a purpose and two methods that are no session, with its exit status.
/// Whoever listens where the gateway would be is not spoken to.
fn refused(files: &Files, [purpose, auth, comm]: [&str; 3]) -> String {
    let directory = written(files);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a listener need not wait");
    let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
    let mut program = program_in("session", directory.path());
    program.args(["--purpose", purpose, "--auth", auth, "--comm", comm, "--url", &url, "--admin-url", &url]);
    program.args(["--timeout", "2s"]);
    let (printed, complaint) = ended(program, 64);
    assert_eq!(printed, "");
    let nobody = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock), "something was sent");
    complaint
}

#[test]
fn a_tag_that_stands_for_nothing_is_told_with_those_that_do() {
    let mut setup = Setup::default().auth("irma", "").auth("digid", "").comm("chat", "").comm("call", "");
    setup.purposes += "  - { tag: narrow, attributes: [], allowed_auth: [digid], allowed_comm: [call, chat] }
  - { tag: closed, attributes: [], allowed_auth: [irma], allowed_comm: [] }
";
    let files = setup.files("http://127.0.0.1:9", "http://127.0.0.1:9");
    for (tags, told) in [
        (
            ["reprot_move", "irma", "chat"],
            "the configuration has no purpose `reprot_move`: did you mean `report_move`? \
             It has `report_move`, `narrow` and `closed`",
        ),
        (
            [PURPOSE, "yivi", "chat"],
            "the configuration has no authentication method `yivi`: it has `irma` and `digid`",
        ),
        (
            [PURPOSE, "irma", "chatt"],
            "the configuration has no communication method `chatt`: did you mean `chat`? \
             It has `chat` and `call`",
        ),
        (["narrow", "irma", "chat"], "the purpose `narrow` does not allow `irma`: it allows `digid`"),
        (["closed", "irma", "chat"], "the purpose `closed` does not allow `chat`: it allows none"),
    ] {
        assert_eq!(refused(&files, tags), format!("error: {told}\n"));
    }
}

#[test]
fn methods_between_which_no_result_gets_are_told_before_anything_is_sent() {
    let files = Setup::one("", RESEAL_COMM).files("http://127.0.0.1:9", "http://127.0.0.1:9");
    let complaint = refused(&files, [PURPOSE, "irma", "chat"]);
    assert!(complaint.starts_with("error[combination]"), "{complaint}");
    assert!(complaint.contains("those of the first pass unread"), "{complaint}");
}

const TEST: &str = "test: { attributes: { email: secret-value, fullname: Jan } }";

/// A conversation service whose deliveries are answered with this status, and that citizens reach
/// whatever becomes of them.
fn service(status: u16) -> (StubServer, TestGateway) {
    let service = StubServer::start(move |request| match request.method() {
        "PUT" => answers::answer(status, &[], "secret-answer"),
        _ => answers::answer(200, &[], "Welcome."),
    });
    let url = service.url();
    let room = format!(
        "http: {{ base: \"{url}\", client_url: \"{url}/room\", on_failure: continue, \
         deliver: {{ request: {{ method: PUT, path: /a, json: {{ all: \"{{{{ attributes }}}}\" }} }} }} }}"
    );
    let setup = Setup::default().auth("test", TEST).comm("room", &room);
    let gateway = start_gateway(&setup.files("http://127.0.0.1:9", "http://127.0.0.1:9"));
    (service, gateway)
}

#[test]
fn attributes_that_were_not_delivered_are_no_success_though_the_citizen_goes_on() {
    let (failing, gateway) = service(500);
    let (printed, complaint) = ended(session(&gateway, "test", "room", ""), 1);
    assert!(printed.ends_with(": the communication side\n"), "{printed}");
    assert_eq!(
        complaint,
        "error: the communication side took over, but the attributes were not delivered: \
         the gateway counted `attributes_delivered`, `delivery_failed`\n"
    );
    let methods: Vec<_> = failing.requests().iter().map(|request| request.method().to_owned()).collect();
    assert_eq!(methods, ["PUT", "GET"], "the citizen went on");
    for secret in ["secret-value", "secret-answer"] {
        assert!(!format!("{printed}{complaint}").contains(secret), "{printed}{complaint}");
    }
    // What was counted of sessions before this one says nothing of it.
    let (printed, _) = ended(session(&gateway, "test", "room", "--cancel"), 0);
    assert!(printed.ends_with("ok: the citizen was told that they did not sign in\n"), "{printed}");
}

#[test]
fn a_call_that_takes_no_result_is_no_success() {
    let world = World::new(&Setup::one("", ""));
    world.comm.plan(|plan| {
        plan.attr_url = None;
        "tel:+31201234567".clone_into(&mut plan.client_url);
    });
    let (_, complaint) = ended(session(&world.gateway, "irma", "chat", ""), 1);
    assert!(complaint.contains("the citizen can call, but the attributes were not delivered"), "{complaint}");
}

#[test]
fn a_delivery_is_claimed_only_where_the_gateway_counted_it() {
    let (_service, gateway) = service(200);
    let (printed, _) = ended(session(&gateway, "test", "room", ""), 0);
    let verdict = "ok: the communication side took over, and the result was delivered\n";
    assert!(printed.ends_with(verdict), "{printed}");

    let mut program = program_in("session", gateway.directory());
    program.args(["--purpose", PURPOSE, "--auth", "test", "--comm", "room"]);
    program.arg("--url").arg(format!("http://{}", gateway.public));
    // The configuration says port 0, where nobody is.
    let (printed, _) = ended(program, 0);
    let verdict = "ok: the communication side took over; whether the attributes were delivered is not known: \
                   the admin listener at http://127.0.0.1:0 cannot be asked: ";
    assert!(printed.contains(verdict), "{printed}");

    let world = World::new(&Setup::one("", ""));
    world.auth.plan(|plan| plan.posts = Posts::Later);
    let (printed, _) = ended(session(&world.gateway, "irma", "chat", ""), 0);
    let verdict = "is not known: the gateway counted no delivery\n";
    assert!(printed.ends_with(verdict), "{printed}");
}

/// A front proxy is believed from here.
const FRONT: &str =
    "headers: { from: [127.0.0.1], attributes: { email: X-Remote-Mail, fullname: X-Remote-Name } }";
const IDENTITY: [&str; 4] =
    ["-H", "X-Remote-Mail: secret-mail@example.nl", "--header", "X-Remote-Name: secret Jörg"];

#[test]
fn headers_of_a_front_proxy_sign_a_citizen_in_and_reach_nobody_else() {
    let world = World::new(&Setup::default().auth("sso", FRONT).comm("chat", RESEAL_COMM));
    world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
    let mut program = session(&world.gateway, "sso", "chat", "");
    program.args(IDENTITY);
    let (printed, _) = ended(program, 0);
    let verdict = "ok: the communication side took over, and the result was delivered\n";
    assert!(printed.ends_with(verdict), "{printed}");
    assert!(!printed.contains("secret"), "{printed}");

    let delivered = world.comm.attributes(&world.comm.take_delivery(), Dialect::IdContact);
    let values: Vec<_> = delivered.values().map(String::as_str).collect();
    assert_eq!(values, ["secret-mail@example.nl", "secret Jörg"]);
    let requests = world.comm.requests();
    assert!(requests.iter().any(|request| request.target().starts_with("/room/")), "the citizen arrived");
    for request in requests {
        assert_eq!(request.header("X-Remote-Mail").or(request.header("X-Remote-Name")), None, "{request:?}");
    }

    let mut cancelling = session(&world.gateway, "sso", "chat", "--cancel");
    cancelling.args(IDENTITY);
    let (printed, _) = ended(cancelling, 0);
    assert!(printed.ends_with("ok: the citizen was told that they did not sign in\n"), "{printed}");
    let (_, complaint) = ended(session(&world.gateway, "sso", "chat", ""), 1);
    assert!(complaint.contains("We do not know who you are"), "{complaint}");
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_and_its_value_not_shown() {
    let directory = written(&Setup::one("", "").files("http://127.0.0.1:9", "http://127.0.0.1:9"));
    for (headers, told) in [
        (vec!["secret"], "it is written `NAME: VALUE`"),
        (vec!["X Secret: secret"], "not the name of a header"),
        (vec!["X-Mail: secret\nX-Name: secret"], "the value of `x-mail` cannot be sent"),
        (vec!["X-Mail: "], "`x-mail` has no value"),
        (vec!["Host: secret"], "`host` is set by the command itself"),
        (vec!["X-Mail: secret", "--header", "x-mail: secret"], "`x-mail` is given twice"),
    ] {
        let mut program = program_in("session", directory.path());
        program.args(["--purpose", PURPOSE, "--auth", "irma", "--comm", "chat", "--header"]).args(&headers);
        let (printed, complaint) = ended(program, 64);
        assert!(complaint.contains(told), "{headers:?}: {complaint}");
        assert!(!format!("{printed}{complaint}").contains("secret"), "{complaint}");
    }
}

/// What the text has between a mark and the end of an example.
fn example<'t>(text: &'t str, mark: &str) -> &'t str {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark:?}"));
    rest.split("```").next().unwrap_or_default()
}

/// The cells of a line of steps, aligned to the right but for the last; times and sizes are others each
/// time.
fn cells(line: &str) -> Vec<String> {
    let mut rest = line;
    let mut cells = Vec::new();
    for width in [8, 8, 10, 10] {
        let (cell, after) = rest.split_at_checked(width).unwrap_or((rest, ""));
        cells.push(masked(cell.trim_start()));
        rest = after;
    }
    cells.push(masked(rest));
    cells
}

/// Numbers of milliseconds and bytes are all the same.
fn masked(text: &str) -> String {
    let words: Vec<_> = text.split(' ').collect();
    let next = words.iter().skip(1).copied().chain([""]);
    let masked = words.iter().zip(next).map(|(word, next)| match next {
        "ms" | "B" if word.parse::<u32>().is_ok() => "#",
        _ => word,
    });
    masked.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_documentation_shows_what_the_program_prints() {
    let shipped = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let page = shipped("docs/operations.md");
    let (_, section) = page.split_once("\n## Trying a session\n").expect("the page has this section");
    let command = example(section, "```sh\nid-contact-gateway session ").lines().next().unwrap_or_default();
    let sample = example(section, "```text\n");

    // Other ports, since those of the shipped configuration may be taken.
    let routes = shipped("routes.yaml").replace(":8081", ":0").replace(":9090\"", ":0\"");
    let routes = routes.replace(":8080\" }", ":0\" }");
    let files = Files { routes, purposes: shipped("purposes.yaml"), plugins: shipped("plugins.yaml") };
    let gateway = start_gateway(&files);
    let mut program = program_in("session", gateway.directory());
    program.args(command.split_whitespace()).arg("--url").arg(format!("http://{}", gateway.public));
    let (printed, _) = ended(program, 0);
    let cells = |text: &str| text.lines().map(cells).collect::<Vec<_>>();
    assert_eq!(cells(sample), cells(&printed), "{sample}{printed}");
}
