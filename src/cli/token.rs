//! `token`: what a token says, as far as the keys at hand open it.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{EXIT_INVALID, complain, print};
use crate::{
    model::{Clock, SystemClock},
    session::identify_state,
    tokens::{
        DecryptionKey, KeyError, MAX_TOKEN_BYTES, StateKey, StateKeys, VerificationKey,
        inspection::{Inspection, Outcome, inspect, inspect_state},
    },
};

#[derive(Args)]
pub(super) struct TokenArguments {
    /// File with the token; `-` is standard input. A token is never an argument: lists of processes
    /// show those.
    #[arg(value_name = "FILE", default_value = "-")]
    token: PathBuf,
    /// Private key that opens a result.
    #[arg(long, value_name = "PEM_FILE")]
    decrypt: Option<PathBuf>,
    /// Public key that verifies it; its claims are shown then, attributes included.
    #[arg(long, value_name = "PEM_FILE")]
    verify: Option<PathBuf>,
    /// Secret that opens a sealed state, of which only the end, the endpoint and the session's
    /// reference are shown.
    #[arg(long, value_name = "SECRET_FILE", requires = "id", conflicts_with_all = ["decrypt", "verify"])]
    state: Option<PathBuf>,
    /// The `id` of that secret in plugins.yaml.
    #[arg(long, value_name = "ID", requires = "state")]
    id: Option<String>,
}

pub(super) fn token(arguments: &TokenArguments) -> ExitCode {
    match look_into(arguments) {
        Ok(inspection) => report(inspection),
        Err(reason) => {
            complain(&format!("error: {reason}\n"));
            ExitCode::from(EXIT_INVALID)
        }
    }
}

fn report(Inspection { mut layers, outcome }: Inspection) -> ExitCode {
    let (text, code) = match outcome {
        Outcome::Valid => ("valid".to_owned(), ExitCode::SUCCESS),
        Outcome::Encrypted if is_state(&layers) => {
            ("not opened: a sealed state, which --state opens".to_owned(), ExitCode::SUCCESS)
        }
        Outcome::Encrypted => ("not opened: --decrypt does".to_owned(), ExitCode::SUCCESS),
        Outcome::Unverified => ("not verified: --verify does".to_owned(), ExitCode::SUCCESS),
        Outcome::Refused(error) => (format!("refused: {error}"), ExitCode::FAILURE),
    };
    layers.insert("outcome".to_owned(), Value::from(text));
    print(&format!("{:#}\n", Value::Object(layers)));
    code
}

/// Results are encrypted to a public key, states directly.
fn is_state(layers: &Map<String, Value>) -> bool {
    layers.get("encrypted").is_some_and(|header| header.get("alg") == Some(&json!("dir")))
}

fn look_into(arguments: &TokenArguments) -> Result<Inspection, String> {
    let now = SystemClock.now();
    if let (Some(secret), Some(id)) = (&arguments.state, &arguments.id) {
        let key = read_key(secret, |secret| StateKey::from_secret(id, secret))?;
        let keys = StateKeys::new(key, Vec::new());
        let token = read_token(&arguments.token)?;
        let mut inspection = inspect_state(&token, &keys, now);
        if let Some(state) = inspection.layers.get_mut("state").and_then(Value::as_object_mut)
            && let Some((endpoint, session)) = identify_state(&token, &keys, now)
        {
            state.insert("endpoint".to_owned(), Value::from(endpoint));
            state.insert("session".to_owned(), Value::from(session.to_string()));
        }
        return Ok(inspection);
    }
    let decryption = arguments.decrypt.as_deref().map(|file| read_key(file, DecryptionKey::from_pem));
    let verification = arguments.verify.as_deref().map(|file| read_key(file, VerificationKey::from_pem));
    let (decryption, verification) = (decryption.transpose()?, verification.transpose()?);
    Ok(inspect(&read_token(&arguments.token)?, decryption.as_ref(), verification.as_ref(), now))
}

fn read_key<K>(file: &Path, parse: impl FnOnce(&[u8]) -> Result<K, KeyError>) -> Result<K, String> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// Reads no more than can be a token; what is longer is refused as one.
fn read_token(file: &Path) -> Result<String, String> {
    let limit = MAX_TOKEN_BYTES as u64 + 2;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(limit).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|opened| opened.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}
