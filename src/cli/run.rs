//! `run`: serve.

use std::{process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};

use super::{ConfigDirectory, EXIT_INVALID, complain, environment, print_report};
use crate::{
    config::{self, AuthKind, Ingredients, Loaded, Recorder, Report, Sources},
    logs::{LogFormat, LogSink},
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
    warn_of_development(&loaded);
    warn_of_ephemeral_keys(&loaded);
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

/// Sessions survive neither a restart nor another instance with keys that nobody else has.
fn warn_of_ephemeral_keys(loaded: &Loaded) {
    if loaded.config.keys.state.is_empty() {
        tracing::warn!(
            "`keys.state` is not configured: running sessions end with this process \
             (make a secret with `id-contact-gateway keys state`)"
        );
    }
}

/// Said at every start, because it must never be true in production.
fn warn_of_development(loaded: &Loaded) {
    for method in &loaded.config.auth {
        if matches!(method.kind, AuthKind::Test { .. }) {
            tracing::warn!(
                auth_method = method.tag.as_str(),
                "development only: anybody can sign in with this method"
            );
        }
    }
}
