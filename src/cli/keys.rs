//! `keys`: new keys, and the public halves to hand out.
//!
//! Keys go to standard output or to a new file, and what people need to know goes to standard error.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret;

use super::complain;
use crate::tokens::files::{NewKey, generate_pair, generate_secret, public_half};

#[derive(Args)]
pub(super) struct KeysArguments {
    #[command(subcommand)]
    key: Key,
}

#[derive(Subcommand)]
enum Key {
    /// Print a new secret that seals what URLs carry.
    State(SecretArguments),
    /// Print a new private key that signs results.
    Signing(PairArguments),
    /// Print a new private key that opens results addressed to the gateway.
    Decryption(PairArguments),
    /// Print the public half of a private key.
    Public(PublicArguments),
}

#[derive(Args)]
struct SecretArguments {
    /// Write to a new file that only you may read, not to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct PairArguments {
    #[arg(long, value_enum, default_value = "p256")]
    algorithm: Algorithm,
    /// Write the private key to a new file that only you may read, not to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the public half to this new file.
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
}

#[derive(Args)]
struct PublicArguments {
    /// The private key, PEM; `-` is standard input.
    #[arg(value_name = "PRIVATE_KEY_FILE")]
    private: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    /// Smaller and faster: ES256 and ECDH-ES.
    P256,
    /// 3072 bits, for partners that have nothing else: RS256 and RSA-OAEP.
    Rsa,
}

pub(super) fn keys(arguments: &KeysArguments) -> ExitCode {
    let done = match &arguments.key {
        Key::State(arguments) => state(arguments),
        Key::Signing(arguments) => pair(arguments, SIGNING_HINT),
        Key::Decryption(arguments) => pair(arguments, DECRYPTION_HINT),
        Key::Public(arguments) => public(&arguments.private),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&format!("error: {reason}\n"));
            ExitCode::FAILURE
        }
    }
}

const STATE_HINT: &str = "Instances that share sessions share this secret. In plugins.yaml, the first seals:
  keys: { state: [ { id: s1, secret: { file: FILE } } ] }
";
const SIGNING_HINT: &str = "In plugins.yaml, the first signs, and the public halves of all are published:
  keys: { signing: [ { id: g1, private_key: { file: FILE } } ] }
Communication plugins that the gateway issues results to verify them with the public half.
";
const DECRYPTION_HINT: &str = "In plugins.yaml:
  keys: { decryption: [ { id: d1, private_key: { file: FILE } } ] }
Authentication plugins whose results the gateway opens encrypt them to the public half.
";

fn state(arguments: &SecretArguments) -> Result<(), String> {
    let secret = generate_secret().map_err(|error| error.to_string())?;
    write_private(arguments.out.as_deref(), format!("{}\n", secret.expose_secret()).as_bytes())?;
    complain(STATE_HINT);
    Ok(())
}

fn pair(arguments: &PairArguments, hint: &str) -> Result<(), String> {
    let kind = match arguments.algorithm {
        Algorithm::P256 => NewKey::P256,
        Algorithm::Rsa => NewKey::Rsa,
    };
    let pair = generate_pair(kind).map_err(|error| error.to_string())?;
    if let Some(path) = &arguments.public {
        write_new(path, WORLD_READABLE, &pair.public)?;
    }
    let written = write_private(arguments.out.as_deref(), pair.private.expose_secret());
    if let (Err(_), Some(path)) = (&written, &arguments.public) {
        // Half a pair is of no use, and it would be in the way of the next attempt.
        let _ = fs::remove_file(path);
    }
    written?;
    complain(hint);
    Ok(())
}

fn public(private: &Path) -> Result<(), String> {
    let pem = if private == Path::new("-") {
        let mut pem = Vec::new();
        io::stdin().read_to_end(&mut pem).map(|_| pem)
    } else {
        fs::read(private)
    };
    let pem = pem.map_err(|error| format!("{}: {error}", private.display()))?;
    let public = public_half(&pem).map_err(|error| format!("{}: {error}", private.display()))?;
    write_output(&public)
}

const OWNER_ONLY: u32 = 0o600;
const WORLD_READABLE: u32 = 0o644;

fn write_private(out: Option<&Path>, content: &[u8]) -> Result<(), String> {
    match out {
        Some(path) => write_new(path, OWNER_ONLY, content),
        None => write_output(content),
    }
}

/// A key that did not arrive must not look as if it had: unlike elsewhere, failing is an error.
fn write_output(content: &[u8]) -> Result<(), String> {
    let mut output = io::stdout();
    let written = output.write_all(content).and_then(|()| output.flush());
    written.map_err(|error| format!("standard output: {error}"))
}

/// Creates a file; one that is there already may hold a key that is in use.
fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<(), String> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
