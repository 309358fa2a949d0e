//! The command line.
//!
//! May import: everything; and `clap`.

mod check;
mod crossing;
mod explain;
mod keys;
mod run;
mod schema;
mod session;
mod tags;
mod token;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::{self, Config, Report, Sources, SystemEnvironment};

/// Exit status for an invalid configuration or command line (`EX_USAGE` of sysexits.h).
pub(crate) const EXIT_INVALID: u8 = 64;

/// The core of the ID Contact ecosystem as a configuration-driven gateway.
#[derive(Parser)]
#[command(name = "id-contact-gateway", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, as the configuration says.
    Run(run::RunArguments),
    /// Say what is wrong with the configuration; exit 0, or 64 when it is invalid.
    Check(check::CheckArguments),
    /// Say which route, upstream and rewrites a URL meets, or what crosses each hop in sessions of a purpose.
    Explain(explain::ExplainArguments),
    /// Drive one session through the running gateway, as a browser would.
    Session(session::SessionArguments),
    /// Print the JSON schema of a configuration file.
    Schema(schema::SchemaArguments),
    /// Print a new key, or the public half of one.
    Keys(keys::KeysArguments),
    /// Say what a token says, as far as the keys at hand open it.
    Token(token::TokenArguments),
}

/// Where the three files stand.
#[derive(clap::Args)]
struct ConfigDirectory {
    /// Directory of routes.yaml, purposes.yaml and plugins.yaml.
    #[arg(long = "config", value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

impl ConfigDirectory {
    /// The configuration, or the exit status once everything that is wrong with it is told.
    fn load(&self) -> Result<Config, ExitCode> {
        let sources = Sources::read(&self.directory);
        let loaded = sources.and_then(|sources| config::load(&sources, &environment()));
        loaded.map(|loaded| loaded.config).map_err(|report| {
            print_report(&report);
            ExitCode::from(EXIT_INVALID)
        })
    }
}

/// The form of a report.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // `--help` and `--version` arrive here too.
            let _ = message.print();
            return if message.use_stderr() { ExitCode::from(EXIT_INVALID) } else { ExitCode::SUCCESS };
        }
    };
    match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Session(arguments) => session::session(arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Keys(arguments) => keys::keys(&arguments),
        Command::Token(arguments) => token::token(&arguments),
    }
}

/// Writes to standard output. A reader that left, as `head` does, is no mistake.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Writes to standard error.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn print_report(report: &Report) {
    complain(&report.render(io::stderr().is_terminal()));
}

fn environment() -> SystemEnvironment {
    SystemEnvironment
}
