//! Imports go one way. This test reads the source text and holds the two tables below: which
//! module may use which, and which module may name which foreign crate. A module that is not in
//! the table fails too, so that a new one gets its place on purpose.
#![cfg(test)]

#[path = "layers/source.rs"]
mod source;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use source::{Mention, SourceFile};

/// A module and what it may use besides itself. Nothing may use what stands below it here.
const MODULES: &[(&str, &[&str])] = &[
    ("model", &[]),
    // Leaves beside the layers: what citizens see, what operators count, and what they read.
    ("pages", &["model"]),
    ("metrics", &[]),
    ("logs", &[]),
    // Below the configuration, so that a key that cannot be used is reported at its place in the file.
    ("tokens", &["model"]),
    ("templates", &["model"]),
    ("config", &["templates", "tokens", "model"]),
    ("upstreams", &["config", "model"]),
    ("routing", &["config", "model"]),
    ("plugins", &["upstreams", "templates", "tokens", "pages", "metrics", "config", "model"]),
    ("snapshot", &["routing", "plugins", "upstreams", "templates", "tokens", "metrics", "config", "model"]),
    (
        "session",
        &[
            "snapshot",
            "routing",
            "plugins",
            "upstreams",
            "templates",
            "tokens",
            "pages",
            "metrics",
            "config",
            "model",
        ],
    ),
    ("proxy", BELOW_THE_RIM),
    ("reload", BELOW_THE_RIM),
    (
        "admin",
        // `POST /reload` answers when the new generation is live.
        &[
            "reload",
            "session",
            "snapshot",
            "routing",
            "plugins",
            "upstreams",
            "templates",
            "tokens",
            "pages",
            "metrics",
            "logs",
            "config",
            "model",
        ],
    ),
    (
        "server",
        &[
            "proxy",
            "admin",
            "reload",
            "session",
            "snapshot",
            "routing",
            "plugins",
            "upstreams",
            "templates",
            "tokens",
            "pages",
            "metrics",
            "logs",
            "config",
            "model",
        ],
    ),
    (
        "cli",
        &[
            "server",
            "proxy",
            "admin",
            "reload",
            "session",
            "snapshot",
            "routing",
            "plugins",
            "upstreams",
            "templates",
            "tokens",
            "pages",
            "metrics",
            "logs",
            "config",
            "model",
        ],
    ),
    // The binary's door knows the command line and nothing else.
    ("main", &["cli"]),
    // The crate's root lists the modules.
    ("lib", &[]),
];

/// What the modules that touch sockets may use; they do not use each other.
const BELOW_THE_RIM: &[&str] = &[
    "session",
    "snapshot",
    "routing",
    "plugins",
    "upstreams",
    "templates",
    "tokens",
    "pages",
    "metrics",
    "logs",
    "config",
    "model",
];

/// A foreign crate and the only modules that may name it, so that it can be replaced there.
const OWNERS: &[(&str, &[&str])] = &[
    ("pingora", &["proxy", "admin", "reload", "server"]),
    ("josekit", &["tokens"]),
    ("openssl", &["tokens"]),
    ("openidconnect", &["plugins"]),
    ("serde_yaml", &["config"]),
    ("granit_parser", &["config"]),
    ("annotate_snippets", &["config"]),
    ("schemars", &["config"]),
    ("serde_json_path", &["templates"]),
    ("regex", &["templates"]),
    ("askama", &["pages"]),
    ("prometheus", &["metrics"]),
    ("notify", &["reload"]),
    ("clap", &["cli"]),
];

/// The binary form of sealed state has no names: its kind alone tells one type from another.
#[test]
fn each_kind_of_sealed_state_is_one_type() {
    let mut kinds = BTreeMap::new();
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file is readable");
        for rest in text.split("const KIND: u8 = ").skip(1) {
            // A wrapper has the kind of what it holds.
            let Some(Ok(number)) = rest.split(';').next().map(str::parse::<u8>) else { continue };
            let other = kinds.insert(number, file.clone());
            assert!(other.is_none(), "{file:?} and {other:?} have a kind in common");
        }
    }
    assert!(kinds.len() >= 14, "{kinds:?}");
}

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    assert!(files.len() > 2, "no sources found under {}", root.display());
    let violations: Vec<_> = files
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("a source file is readable");
            violations(path.strip_prefix(root).expect("found below the root"), &text)
        })
        .map(|violation| violation.to_string())
        .collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn every_module_of_the_tables_is_known() {
    for (user, used) in MODULES.iter().chain(OWNERS) {
        for name in *used {
            assert!(allowed_by(name).is_some(), "{user}'s row names {name}, which has no row");
        }
    }
}

#[test]
fn a_module_uses_only_rows_above_its_own() {
    for (position, (module, used)) in MODULES.iter().enumerate() {
        for name in *used {
            let below = MODULES.iter().position(|(row, _)| row == name);
            assert!(below < Some(position), "{module} may not use {name}, which stands below it");
        }
    }
}

struct Violation {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

fn violations(file: &Path, text: &str) -> Vec<Violation> {
    let source = SourceFile::parse(file, text);
    let violation = |line, rule| Violation { file: file.to_owned(), line, rule };
    let Some(allowed) = allowed_by(source.module()) else {
        let rule = format!("module `{}` has no row in tests/layers.rs", source.module());
        return vec![violation(1, rule)];
    };
    let crates: Vec<_> = OWNERS.iter().map(|(name, _)| *name).collect();
    let mut mentions = source.mentions(&crates);
    mentions.dedup();
    mentions
        .into_iter()
        .filter_map(|(line, mention)| Some(violation(line, broken_rule(source.module(), allowed, &mention)?)))
        .collect()
}

/// The rule that a mention breaks, if it breaks one.
fn broken_rule(module: &str, allowed: &[&str], mention: &Mention) -> Option<String> {
    match mention {
        Mention::Module(used) if used == module || allowed.contains(&used.as_str()) => None,
        Mention::Module(used) => {
            Some(format!("`{module}` may not use `{used}`, only: {}", allowed.join(", ")))
        }
        Mention::Crate(used) => {
            let (_, owners) = OWNERS.iter().find(|(name, _)| name == used)?;
            let message = format!("`{module}` may not name the crate `{used}`, only: {}", owners.join(", "));
            (!owners.contains(&module)).then_some(message)
        }
    }
}

fn allowed_by(module: &str) -> Option<&'static [&'static str]> {
    MODULES.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed)
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a source directory is readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry is readable").path()).collect();
    paths.sort();
    let (directories, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.chain(directories.iter().flat_map(|directory| rust_files(directory))).collect()
}

/// What the test would say about one file, as `line: rule`.
fn complaints(file: &str, text: &str) -> Vec<String> {
    let violations = violations(Path::new(file), text);
    violations.into_iter().map(|violation| format!("{}: {}", violation.line, violation.rule)).collect()
}

#[test]
fn a_wrong_import_is_found() {
    let only = "only: model";
    let cases = [
        ("use crate::session::start;", "session"),
        ("use crate::{model::Clock, session};", "session"),
        ("use crate::{model::{wire::Dialect, Clock}, proxy::{self, Phase}};", "proxy"),
        ("pub use crate::server as s;", "server"),
        ("use super::super::routing::Table;", "routing"),
        ("use super::{keys::Key, super::routing::Table};", "routing"),
        ("fn f() { crate::snapshot::build() }", "snapshot"),
        ("fn f() -> &'static str { if c == '{' { crate::snapshot::NAME } else { \"\" } }", "snapshot"),
        ("mod inner { use super::super::super::cli::run; }", "cli"),
        ("mod a {} mod b { mod c { use super::super::super::super::cli; } }", "cli"),
        ("macro_rules! m { () => { $crate::server::run() } }", "server"),
        ("use crate::*;", "*"),
    ];
    for (text, used) in cases {
        let expected = format!("1: `tokens` may not use `{used}`, {only}");
        assert_eq!(complaints("src/tokens/sealed.rs", text), [expected], "{text}");
    }
}

#[test]
fn a_crate_outside_its_modules_is_found() {
    let expected = "2: `session` may not name the crate `josekit`, only: tokens";
    for text in [
        "\nuse josekit::jws;",
        "\nuse ::josekit::jws;",
        "\nuse {josekit::jws, std::fmt};",
        "\nuse josekit as jose;",
        "\nextern crate josekit;",
        "\nfn f() -> josekit::Value { todo() }",
        "// no\n#[derive(josekit::Thing)] struct S;",
    ] {
        assert_eq!(complaints("src/session/mod.rs", text), [expected], "{text}");
    }
    assert!(complaints("src/tokens/mod.rs", "use josekit::jws;").is_empty());
}

#[test]
fn a_module_without_a_row_is_found() {
    let expected = ["1: module `helpers` has no row in tests/layers.rs"];
    assert_eq!(complaints("src/helpers.rs", ""), expected);
    assert_eq!(complaints("src/helpers/mod.rs", ""), expected);
}

#[test]
fn the_binary_and_the_root_are_held_too() {
    let text = "use id_contact_gateway::server;";
    assert_eq!(complaints("src/main.rs", text), ["1: `main` may not use `server`, only: cli"]);
    assert!(complaints("src/main.rs", "use id_contact_gateway::cli;").is_empty());
    assert_eq!(complaints("src/lib.rs", "pub use crate::config::Config;").len(), 1);
    assert!(complaints("src/lib.rs", "//! [`crate::server`]\npub mod server;").is_empty());
}

#[test]
fn what_is_no_import_is_left_alone() {
    for text in [
        "// use crate::session;\n/* crate::session /* nested */ crate::cli */",
        "/// [`crate::session`]\nstruct S;",
        r##"const A: &str = "crate::session"; const B: &str = r#"" crate::session "#;"##,
        r#"const A: char = '"'; use crate::model::Clock; const B: char = '\''; const C: &[u8] = b"\"";"#,
        "pub(crate) fn f<'a>(a: &'a str) -> &'a str { a }",
        "use super::keys::Key; use self::keys::Other; mod inner { use super::super::keys::Key; }",
        "use crate::{tokens::Key, model::{Clock, ids::RouteId}};",
        "use other::josekit::Thing; fn f(josekit: u8) -> u8 { josekit }",
    ] {
        assert_eq!(complaints("src/tokens/sealed.rs", text), Vec::<String>::new(), "{text}");
    }
}
