//! `check`: say what is wrong with the configuration.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigDirectory, EXIT_INVALID, Format, complain, environment, print, print_report};
use crate::config::{self, Report, Sources};

#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigDirectory,
    /// The form of the report: text goes to standard error, JSON to standard output.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
}

pub(super) fn check(arguments: &CheckArguments) -> ExitCode {
    let report = match Sources::read(&arguments.config.directory)
        .and_then(|sources| config::load(&sources, &environment()))
    {
        Ok(loaded) => loaded.warnings,
        Err(report) => report,
    };
    match arguments.format {
        Format::Json => print(&format!("{:#}\n", report.to_json())),
        Format::Text if report.is_empty() => complain("the configuration is valid\n"),
        Format::Text => print_report(&report),
    }
    if is_acceptable(&report, arguments.strict) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_INVALID) }
}

fn is_acceptable(report: &Report, strict: bool) -> bool {
    report.error_count() == 0 && !(strict && report.warning_count() > 0)
}
