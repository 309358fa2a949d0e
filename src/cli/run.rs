//! `run`: serve.

use std::{process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};

use super::{ConfigDirectory, EXIT_INVALID, complain, environment, print_report};
use crate::{
    config::{self, Ingredients, Loaded, Recorder, Report, Sources},
    logs::{LogFormat, LogSink},
    reload::warn_of_provisional,
    server::{self, Settings},
};

#[derive(Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    config: ConfigDirectory,
    /// The form of log lines, on standard error.
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogStyle,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogStyle {
    Text,
    Json,
}

pub(super) fn run(arguments: RunArguments) -> ExitCode {
    let environment = environment();
    let (ingredients, loaded) = match load(&arguments, environment) {
        Ok(read) => read,
        Err(report) => {
            print_report(&report);
            return ExitCode::from(EXIT_INVALID);
        }
    };
    if !loaded.warnings.is_empty() {
        print_report(&loaded.warnings);
    }
    let format = match arguments.log_format {
        LogStyle::Text => LogFormat::Text,
        LogStyle::Json => LogFormat::Json,
    };
    let log = match LogSink::start(format, std::io::stderr()) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("error: the log cannot be written: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    log.receive_events();
    warn_of_provisional(&loaded.config);
    let settings = Settings {
        directory: arguments.config.directory,
        environment: Arc::new(environment),
        ingredients,
        loaded,
        log: log.clone(),
    };
    match server::run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.flush();
            complain(&format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn load(
    arguments: &RunArguments,
    environment: config::SystemEnvironment,
) -> Result<(Ingredients, Loaded), Report> {
    let sources = Sources::read(&arguments.config.directory)?;
    let recorder = Recorder::new(&environment);
    let loaded = config::load(&sources, &recorder)?;
    Ok((recorder.ingredients(&sources), loaded))
}
