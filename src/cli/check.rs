//! `check`: say what is wrong with the configuration.

use std::process::ExitCode;

use clap::Args;

use super::{
    ConfigDirectory, EXIT_INVALID, Format, complain, crossing::crossings, environment, print, print_report,
};
use crate::config::{self, Config, Report, Sources};

/// Combinations of methods shown, a line for each: more are not read.
const MAX_SHOWN: usize = 20;

#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigDirectory,
    /// The form of the report: text goes to standard error, JSON to standard output. With text, what
    /// crosses each hop of each combination of methods goes to standard output.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
}

pub(super) fn check(arguments: &CheckArguments) -> ExitCode {
    let (config, report) = match Sources::read(&arguments.config.directory)
        .and_then(|sources| config::load(&sources, &environment()))
    {
        Ok(loaded) => (Some(loaded.config), loaded.warnings),
        Err(report) => (None, report),
    };
    match arguments.format {
        Format::Json => print(&format!("{:#}\n", report.to_json())),
        Format::Text if report.is_empty() => complain("the configuration is valid\n"),
        Format::Text => print_report(&report),
    }
    if let (Format::Text, Some(config)) = (arguments.format, &config) {
        print(&combinations(config));
    }
    if is_acceptable(&report, arguments.strict) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INVALID) }
}

fn is_acceptable(report: &Report, strict: bool) -> bool {
    report.error_count() == 0 && !(strict && report.warning_count() > 0)
}

/// What becomes of results in each combination of methods that a purpose allows.
fn combinations(config: &Config) -> String {
    let all = config.purposes.iter().flat_map(|purpose| crossings(config, purpose));
    let shown = all.take(MAX_SHOWN).map(|crossing| format!("{}: {}\n", crossing.purpose(), crossing.line()));
    let mut text: String = shown.collect();
    let count = config.purposes.iter().map(|purpose| purpose.allowed_auth.len() * purpose.allowed_comm.len());
    let more = count.sum::<usize>().saturating_sub(MAX_SHOWN);
    if more > 0 {
        text += &format!("and {more} more, see `explain PURPOSE`\n");
    }
    text
}
