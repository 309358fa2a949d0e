//! `keys` and `token` through the real program: what they print, where, and their exit status.
#![cfg(test)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use id_contact_gateway::{
    model::{Clock, Dialect, SystemClock, UnixSeconds},
    tokens::{
        AuthenticationOutcome, DecryptionKey, EncryptionKey, NewResult, SealedState, SigningKey, StateKey,
        StateKeys, VerificationKey, issue,
    },
};
use josekit::jws::{ES256, JwsContext, JwsHeader};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

/// A directory with the program run in it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &str, input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_id-contact-gateway"))
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that needs no input closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// What it prints when it ends with this status.
    fn printed(&self, arguments: &str, input: &[u8], status: i32) -> Vec<u8> {
        let output = self.run(arguments, input);
        assert_eq!(output.status.code(), Some(status), "{arguments}: {output:?}");
        output.stdout
    }

    fn json(&self, arguments: &str, input: &str, status: i32) -> Value {
        let printed = self.printed(arguments, input.as_bytes(), status);
        serde_json::from_slice(&printed).unwrap()
    }

    /// What is complained about when nothing is printed.
    fn complaint(&self, arguments: &str, input: &[u8], status: i32) -> String {
        let output = self.run(arguments, input);
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(status), &b""[..]), "{arguments}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path().join(file)).unwrap()
    }

    fn mode(&self, file: &str) -> u32 {
        fs::metadata(self.path().join(file)).unwrap().permissions().mode() & 0o777
    }
}

#[test]
fn a_state_secret_is_32_random_bytes_and_alone_on_standard_output() {
    let desk = Desk::new();
    let [first, second] = [desk.run("keys state", b""), desk.run("keys state", b"")];
    assert_ne!(first.stdout, second.stdout);
    assert_eq!(first.stdout.len(), 44, "43 characters and a line feed");
    assert!(StateKey::from_secret("s1", &first.stdout).is_ok());
    assert!(String::from_utf8(first.stderr).unwrap().contains("keys: { state: ["));
}

#[test]
fn new_keys_can_be_used_and_their_public_halves_belong_to_them() {
    let desk = Desk::new();
    for (algorithm, pem) in [("", b"BEGIN PRIVATE KEY"), (" --algorithm rsa", b"BEGIN PRIVATE KEY")] {
        let private = desk.printed(&format!("keys signing{algorithm} --public sign.pub"), b"", 0);
        assert!(private.windows(pem.len()).any(|window| window == pem));
        let key = SigningKey::from_pem(&private).unwrap();
        assert_eq!(&VerificationKey::from_pem(&desk.read("sign.pub")).unwrap(), key.verification_key());
        assert_eq!(desk.printed("keys public -", &private, 0), desk.read("sign.pub"));

        desk.printed(&format!("keys decryption{algorithm} --out open.pem --public open.pub"), b"", 0);
        let key = DecryptionKey::from_pem(&desk.read("open.pem")).unwrap();
        assert_eq!(&EncryptionKey::from_pem(&desk.read("open.pub")).unwrap(), key.encryption_key());
        assert_eq!(desk.printed("keys public open.pem", b"", 0), desk.read("open.pub"));
        for file in ["sign.pub", "open.pem", "open.pub"] {
            fs::remove_file(desk.path().join(file)).unwrap();
        }
    }
}

#[test]
fn private_files_are_their_owners_and_none_is_overwritten() {
    let desk = Desk::new();
    for kind in ["state", "signing", "decryption"] {
        let command = format!("keys {kind} --out {kind}");
        assert!(desk.printed(&command, b"", 0).is_empty());
        assert_eq!(desk.mode(kind), 0o600);
        let before = desk.read(kind);
        assert!(desk.complaint(&command, b"", 1).contains(kind));
        assert_eq!(desk.read(kind), before);
    }
    // A pair is written whole or not at all.
    desk.complaint("keys signing --out signing --public new.pub", b"", 1);
    assert!(!desk.path().join("new.pub").exists());
    desk.complaint("keys signing --out new.pem --public signing", b"", 1);
    assert!(!desk.path().join("new.pem").exists());
}

#[test]
fn what_is_no_key_has_no_public_half() {
    let desk = Desk::new();
    for (input, reason) in [(&b"x"[..], "not an unencrypted PEM private key"), (b"", "not an unencrypted")] {
        assert!(desk.complaint("keys public -", input, 1).contains(reason));
    }
    assert!(desk.complaint("keys public missing.pem", b"", 1).contains("missing.pem"));
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_64() {
    let desk = Desk::new();
    for arguments in [
        "keys",
        "keys all",
        "keys signing --algorithm dsa",
        "token --no",
        "token --state x",
        "token --decrypt missing.pem",
        "token missing.jwt",
        "tokens",
    ] {
        desk.complaint(arguments, b"", 64);
    }
    desk.printed("--help", b"", 0);
}

/// Keys of one partner in files, and a result made with them.
fn results() -> (Desk, impl Fn(UnixSeconds) -> String) {
    let desk = Desk::new();
    desk.printed("keys signing --out sign.pem --public sign.pub", b"", 0);
    desk.printed("keys decryption --out open.pem --public open.pub", b"", 0);
    let signing = SigningKey::from_pem(&desk.read("sign.pem")).unwrap().with_id("g1");
    let encryption = EncryptionKey::from_pem(&desk.read("open.pub")).unwrap();
    let issue_at = move |now| {
        let attributes = BTreeMap::from([("email".to_owned(), "anna@example.nl".to_owned())]);
        let outcome = AuthenticationOutcome::Success { attributes: attributes.into() };
        let result =
            NewResult { dialect: Dialect::IdContact, outcome: &outcome, session_url: None, not_after: None };
        issue(&result, &signing, &encryption, now).unwrap().expose().to_owned()
    };
    (desk, issue_at)
}

#[test]
fn a_result_is_laid_open_as_far_as_the_keys_go() {
    let (desk, issue_at) = results();
    let token = issue_at(SystemClock.now());
    fs::write(desk.path().join("result.jwt"), format!("{token}\n")).unwrap();

    let closed = desk.json("token", &format!("  {token}\n"), 0);
    assert_eq!(closed["encrypted"]["alg"], "ECDH-ES");
    assert_eq!(closed["outcome"], "not opened: --decrypt does");
    assert!(closed.get("signed").is_none() && closed.get("claims").is_none());

    let opened = desk.json("token result.jwt --decrypt open.pem", "", 0);
    assert_eq!((&opened["signed"]["alg"], &opened["signed"]["kid"]), (&"ES256".into(), &"g1".into()));
    assert_eq!(opened["outcome"], "not verified: --verify does");
    assert!(opened.get("claims").is_none());

    let verified = desk.json("token result.jwt --decrypt open.pem --verify sign.pub", "", 0);
    assert_eq!(verified["claims"]["attributes"]["email"], "anna@example.nl");
    assert_eq!(verified["outcome"], "valid");
}

#[test]
fn a_refused_result_says_why_and_an_expired_one_shows_its_claims() {
    let (desk, issue_at) = results();
    let all = "token --decrypt open.pem --verify sign.pub";
    let expired = desk.json(all, &issue_at(1_700_000_000), 1);
    assert_eq!(expired["outcome"], "refused: it has expired");
    assert_eq!(expired["claims"]["exp"], 1_700_000_300);

    let token = issue_at(SystemClock.now());
    desk.printed("keys decryption --out other.pem --public other.pub", b"", 0);
    let other = desk.json("token --decrypt other.pem --verify sign.pub", &token, 1);
    assert_eq!(other["outcome"], "refused: it cannot be decrypted with the key at hand");
    let forged = desk.json("token --decrypt open.pem --verify other.pub", &token, 1);
    assert_eq!(forged["outcome"], "refused: its signature is not of the key at hand");
    assert!(forged.get("claims").is_none());
    for (text, why) in [("", "form"), ("x.y", "form"), (&"A".repeat(70_000), "form")] {
        let outcome = desk.json(all, text, 1)["outcome"].as_str().unwrap().to_owned();
        assert!(outcome.starts_with("refused: ") && outcome.contains(why), "{outcome}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Number(u32);

impl SealedState for Number {
    const KIND: u8 = 9;
    const LIFETIME: u64 = 3_600;
}

#[test]
fn a_sealed_state_shows_its_kind_and_its_end_and_nothing_more() {
    let desk = Desk::new();
    desk.printed("keys state --out s1", b"", 0);
    desk.printed("keys state --out s2", b"", 0);
    let keys = StateKeys::new(StateKey::from_secret("s1", &desk.read("s1")).unwrap(), vec![]);
    let now = SystemClock.now();
    let opened = desk.json("token --state s1 --id s1", &keys.seal(&Number(7), now).unwrap(), 0);
    assert_eq!((&opened["sealed"]["kid"], &opened["outcome"]), (&"s1".into(), &"valid".into()));
    assert_eq!((&opened["state"]["kind"], &opened["state"]["exp"]), (&9.into(), &(now + 3_600).into()));
    assert_eq!(opened["state"].as_object().unwrap().len(), 2);

    let expired = desk.json("token --state s1 --id s1", &keys.seal(&Number(7), 1_000).unwrap(), 1);
    assert_eq!(
        (&expired["outcome"], &expired["state"]["exp"]),
        (&"refused: it has expired".into(), &4_600.into())
    );
    let refused = desk.json("token --state s2 --id s1", &keys.seal(&Number(7), now).unwrap(), 1);
    assert!(refused["outcome"].as_str().unwrap().starts_with("refused") && refused.get("state").is_none());
    let closed = desk.json("token", &keys.seal(&Number(7), now).unwrap(), 0);
    assert_eq!(closed["outcome"], "not opened: a sealed state, which --state opens");
}

#[test]
fn a_signed_start_is_verified_too() {
    let (desk, _) = results();
    let signer = ES256.signer_from_pem(desk.read("sign.pem")).unwrap();
    let mut header = JwsHeader::new();
    header.set_key_id("chat");
    let payload = format!(r#"{{"request":{{"purpose":"report_move"}},"iat":{}}}"#, SystemClock.now());
    let start = JwsContext::new().serialize_compact(payload.as_bytes(), &header, &signer).unwrap();
    let verified = desk.json("token --verify sign.pub", &start, 0);
    assert_eq!(
        (&verified["claims"]["request"]["purpose"], &verified["outcome"]),
        (&"report_move".into(), &"valid".into())
    );

    let header = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImNoYXQifQ";
    let shown = desk.json("token", &format!("{header}.e30.AAAA"), 0);
    assert_eq!(
        (&shown["signed"]["kid"], &shown["outcome"]),
        (&"chat".into(), &"not verified: --verify does".into())
    );
    let forged = desk.json("token --verify sign.pub", &format!("{header}.e30.AAAA"), 1);
    assert_eq!(forged["outcome"], "refused: its signature is not of the key at hand");
}
