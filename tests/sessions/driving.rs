//! What `session` is told and tells: mistakes in its command line, and what became of the attributes.

use std::{io::ErrorKind, net::TcpListener};

use super::{
    command::{ended, program_in, written},
    world::{PURPOSE, RESEAL_COMM, Setup},
};
use crate::support::gateway::Files;

/// What the command says of a purpose and two methods that are no session, with its exit status.
/// Whoever listens where the gateway would be is not spoken to.
fn refused(files: &Files, [purpose, auth, comm]: [&str; 3]) -> String {
    let directory = written(files);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a listener need not wait");
    let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
    let mut program = program_in("session", directory.path());
    program.args(["--purpose", purpose, "--auth", auth, "--comm", comm, "--url", &url, "--admin-url", &url]);
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
