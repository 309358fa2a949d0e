//! `schema`: the JSON schema of a configuration file, for editors.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::print;
use crate::config::{ConfigFile, schema as schema_of};

#[derive(Args)]
pub(super) struct SchemaArguments {
    #[arg(value_enum)]
    file: FileName,
}

#[derive(Clone, Copy, ValueEnum)]
enum FileName {
    Routes,
    Purposes,
    Plugins,
}

pub(super) fn schema(arguments: &SchemaArguments) -> ExitCode {
    let file = match arguments.file {
        FileName::Routes => ConfigFile::Routes,
        FileName::Purposes => ConfigFile::Purposes,
        FileName::Plugins => ConfigFile::Plugins,
    };
    print(&format!("{:#}\n", schema_of(file)));
    ExitCode::SUCCESS
}
