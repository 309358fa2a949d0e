//! Secrets and keys, which the files name and never hold: `{ file: PATH }` or `{ env: NAME }`.
//! May import: `check`, `interpolation`, `node`, `source`, `tokens` for the errors of keys.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretSlice};
use serde::Deserialize;

use super::{
    check::Checker,
    interpolation::is_variable_name,
    node::{Span, Spanned},
    source::{Environment, Sources},
};
use crate::tokens::KeyError;

/// Longest path that is looked for (`PATH_MAX` of Linux): a longer one is something else.
const MAX_PATH: usize = 4096;

/// Where a secret or a key is: in a file, or in a variable of the environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Secret",
    extend("x-secret" = true, "minProperties" = 1, "maxProperties" = 1, "examples" = [{ "file": "FILE" }])
)]
pub struct RawSecret {
    /// A file, at most 64 KiB; a relative path starts in the directory of this file.
    #[schemars(extend("x-decisive" = true))]
    file: Option<Spanned<String>>,
    /// A variable of the environment.
    #[schemars(extend("x-decisive" = true))]
    env: Option<Spanned<String>>,
}

/// Reads what references name.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    pub sources: &'a Sources,
    pub environment: &'a dyn Environment,
}

impl Secrets<'_> {
    /// The key that a reference leads to; `None` and an error at its place where there is none.
    /// `what` says whose it is: ``the signing key `g1` ``.
    pub fn key<K>(
        self,
        reference: &Spanned<RawSecret>,
        what: &str,
        parse: impl FnOnce(&[u8]) -> Result<K, KeyError>,
        checker: &mut Checker,
    ) -> Option<K> {
        let (content, span) = self.read(reference, what, checker)?;
        match parse(content.expose_secret()) {
            Ok(key) => Some(key),
            Err(error) => {
                let (reason, help) = explain(error, content.expose_secret());
                checker.error("key", span, format!("{what} cannot be used: {reason}")).with_help(help);
                None
            }
        }
    }

    /// The content, which is not empty, and the place of its name.
    fn read<'r>(
        self,
        reference: &'r Spanned<RawSecret>,
        what: &str,
        checker: &mut Checker,
    ) -> Option<(SecretSlice<u8>, &'r Span)> {
        let (content, span) = match (&reference.value.file, &reference.value.env) {
            (Some(file), None) => (self.file(file, what, checker)?, &file.span),
            (None, Some(name)) => (self.variable(name, what, checker)?, &name.span),
            (file, _) => {
                let found = if file.is_some() { "both a file and" } else { "neither a file nor" };
                checker
                    .error("secret", &reference.span, format!("{what} names {found} a variable"))
                    .with_help("write either `{ file: PATH }` or `{ env: NAME }`");
                return None;
            }
        };
        if content.expose_secret().trim_ascii().is_empty() {
            let place = checker.quote(span);
            checker
                .error("secret", span, format!("{what} is empty: nothing stands in {place}"))
                .with_help("`openssl rand -hex 32` makes a secret, `id-contact-gateway keys` a key");
            return None;
        }
        Some((content, span))
    }

    fn file(self, path: &Spanned<String>, what: &str, checker: &mut Checker) -> Option<SecretSlice<u8>> {
        let is_path = (1..=MAX_PATH).contains(&path.value.len())
            && !path.value.contains(char::is_control)
            && !path.value.contains("-----");
        if !is_path {
            checker
                .error("secret", &path.span, format!("the file of {what} is not named by a path"))
                .with_help(
                    "`file` takes the name of a file that holds the secret, and never the secret itself",
                );
            return None;
        }
        match self.environment.file(&self.sources.path_of(&path.value)) {
            Ok(content) => Some(content),
            Err(reason) => {
                let message =
                    format!("the file {} of {what} cannot be read: {reason}", checker.quote(&path.span));
                checker.error("unresolved-secret", &path.span, message).with_help(
                    "a relative path starts in the directory of plugins.yaml, and the user that runs \
                     the gateway must be able to read the file",
                );
                None
            }
        }
    }

    fn variable(self, name: &Spanned<String>, what: &str, checker: &mut Checker) -> Option<SecretSlice<u8>> {
        if !is_variable_name(&name.value) {
            checker
                .error("secret", &name.span, format!("the variable of {what} is not named as variables are"))
                .with_help(
                    "`env` takes the name of a variable, such as `STATE_1`, and never the secret itself",
                );
            return None;
        }
        let value = self.environment.variable(&name.value);
        if value.is_none() {
            let name_shown = checker.quote(&name.span);
            let message = format!("the environment variable {name_shown} of {what} is not set");
            checker
                .error("unresolved-secret", &name.span, message)
                .with_help("set it for the gateway and for this command, or name a file: `{ file: PATH }`");
        }
        value.map(|value| value.into_bytes().into())
    }
}

/// What is wrong with a key and what would be right, from the kind of its PEM alone.
fn explain(error: KeyError, content: &[u8]) -> (String, &'static str) {
    let text = String::from_utf8_lossy(content);
    let begins = |label: &str| text.contains(&format!("{label}-----"));
    let (reason, help) = match error {
        KeyError::NotAPrivateKey
            if begins("ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") =>
        {
            ("it is encrypted with a pass phrase", "store it without: `openssl pkey -in OLD -out NEW`")
        }
        KeyError::NotAPrivateKey if begins("BEGIN PUBLIC KEY") => {
            ("it is a public key, and the private key belongs here", PRIVATE_HELP)
        }
        KeyError::NotAPublicKey if begins("PRIVATE KEY") => (
            "it is a private key, and the public key belongs here",
            "`openssl pkey -in PRIVATE -pubout` writes the public half; the private one stays with its owner",
        ),
        KeyError::NotAPublicKey if begins("BEGIN CERTIFICATE") => (
            "it is a certificate, and a bare public key belongs here",
            "`openssl x509 -in CERTIFICATE -noout -pubkey` writes it",
        ),
        KeyError::NotAPrivateKey => return (error.to_string(), PRIVATE_HELP),
        KeyError::NotAPublicKey => {
            return (error.to_string(), "a public key begins with `-----BEGIN PUBLIC KEY-----`");
        }
        KeyError::SecretTooShort => {
            return (error.to_string(), "`id-contact-gateway keys state` makes one of 32 random bytes");
        }
        KeyError::MacTooShort => {
            return (error.to_string(), "take 32 random bytes: `openssl rand -hex 32`");
        }
        KeyError::NotText => {
            return (error.to_string(), "put the secret alone on the first line, in UTF-8");
        }
        KeyError::VerifyingKind => {
            return (
                error.to_string(),
                "take a key on P-256, an Ed25519 key, or an RSA key of 2048 bits or more",
            );
        }
        KeyError::RsaTooShort | KeyError::Curve | KeyError::Kind | KeyError::Library => {
            return (error.to_string(), "take a key on P-256, or an RSA key of 2048 bits or more");
        }
    };
    (reason.to_owned(), help)
}

const PRIVATE_HELP: &str = "a private key begins with `-----BEGIN PRIVATE KEY-----`; \
                            `id-contact-gateway keys signing` or `keys decryption` makes one";
