//! The configuration by its front door: files in, a `Config` or a report out.
#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "variables say when expected files are to be written anew")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use id_contact_gateway::{
    config::{Config, ConfigFile, Loaded, Report, Sources, effective, load, schema},
    tokens::{SigningKey, VerificationKey},
};

#[path = "config/behaviour.rs"]
mod behaviour;
#[path = "config/robustness.rs"]
mod robustness;
#[path = "config/secrets.rs"]
mod secrets;
#[path = "config/world.rs"]
mod world;

use world::{World, world};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn root(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

/// What the configurations under `tests/config` may refer to.
fn environment() -> World {
    world()
}

/// The files of a directory, with those of the base in place of missing ones.
fn sources(directory: &Path) -> Sources {
    let [routes, purposes, plugins] = ConfigFile::ALL.map(|file| {
        let own = directory.join(file.file_name());
        let path = if own.exists() { own } else { root("tests/config/valid/base").join(file.file_name()) };
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    });
    Sources::from_texts(&routes, &purposes, &plugins)
}

fn directories(path: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(root(path))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Compares with a committed file; `UPDATE_EXPECTED=1` writes it instead.
fn assert_matches_file(path: &Path, actual: &str) {
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let name = path.strip_prefix(ROOT).unwrap().display().to_string();
    assert!(
        expected == actual,
        "{name} differs; run `UPDATE_EXPECTED=1 cargo test --test config` and read the difference.\n\
         expected:\n{expected}\nactual:\n{actual}"
    );
}

fn loaded(sources: &Sources) -> Config {
    match load(sources, &environment()) {
        Ok(Loaded { config, warnings }) => {
            assert!(warnings.is_empty(), "{warnings}");
            config
        }
        Err(report) => panic!("{report}"),
    }
}

#[test]
fn valid_configurations_load_without_a_warning() {
    for directory in directories("tests/config/valid") {
        println!("{}", directory.display());
        loaded(&sources(&directory));
    }
}

#[test]
fn the_shipped_configuration_loads_without_a_warning() {
    let config = loaded(&Sources::read(&root(".")).unwrap());
    assert_eq!(config.purposes.len(), 2);
    assert_eq!(config.purposes[0].allowed_auth.len(), 2);
}

#[test]
fn the_examples_in_the_shipped_files_are_valid_when_uncommented() {
    let texts = ConfigFile::ALL.map(|file| {
        let text = fs::read_to_string(root(file.file_name())).unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(example) if example.starts_with("  ") => example,
            _ => line,
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        ["upstreams: {}", "routes: []", "initiators: []", "keys: {}"]
            .into_iter()
            .fold(text, |text, empty| text.replace(empty, empty.trim_end_matches([' ', '[', ']', '{', '}'])))
    });
    let config = loaded(&Sources::from_texts(&texts[0], &texts[1], &texts[2]));
    assert_eq!((config.upstreams.len(), config.routes.len()), (2, 2));
    assert_eq!((config.auth.len(), config.comm.len()), (4, 4));
    assert_eq!((config.keys.state.len(), config.keys.signing.len(), config.keys.decryption.len()), (2, 1, 1));
    assert_eq!(config.initiators.len(), 1);
}

#[test]
fn each_invalid_configuration_has_its_diagnostic() {
    let directories = directories("tests/config/invalid");
    assert!(directories.len() >= 90, "only {} invalid configurations", directories.len());
    for directory in directories {
        let report = load(&sources(&directory), &environment())
            .err()
            .unwrap_or_else(|| panic!("{} was accepted", directory.display()));
        assert!(report.error_count() > 0);
        assert_matches_file(&directory.join("expected.txt"), &report.render(false));
    }
}

#[test]
fn each_doubtful_configuration_loads_with_its_warning() {
    for directory in directories("tests/config/doubtful") {
        let loaded = load(&sources(&directory), &environment()).unwrap_or_else(|report| panic!("{report}"));
        assert!(!loaded.warnings.is_empty(), "{}", directory.display());
        assert_eq!(loaded.warnings.error_count(), 0);
        assert_matches_file(&directory.join("expected.txt"), &loaded.warnings.render(false));
    }
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for file in ConfigFile::ALL {
        let path = root("docs/schema").join(format!("{}.schema.json", file.name()));
        let actual = serde_json::to_string_pretty(&schema(file)).unwrap() + "\n";
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &actual).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == actual,
            "docs/schema/{}.schema.json is not what the types say: \
             run `UPDATE_SCHEMA=1 cargo test --test config` and commit the result",
            file.name()
        );
    }
}

#[test]
fn the_effective_configuration_loads_as_the_same() {
    for directory in directories("tests/config/valid").into_iter().chain([root(".")]) {
        let mut config = loaded(&sources(&directory));
        let shown = effective(&config);
        let [routes, purposes, plugins] =
            ["routes", "purposes", "plugins"].map(|file| shown[file].to_string());
        let again = loaded(&Sources::from_texts(&routes, &purposes, &with_references(plugins)));
        config.gateway.internal_url = again.gateway.internal_url.clone();
        assert_eq!(again, config, "{}", directory.display());
    }
}

/// Puts the files back in place of what is shown of their content.
fn with_references(mut plugins: String) -> String {
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hmac = |secret: &str| format!(r#""hmac":{{"header":"x-signature","secret":{secret}}}"#);
    plugins = plugins
        .replace(r#""token":"***""#, r#""token":{"env":"CREDENTIAL"}"#)
        .replace(&hmac(r#""***""#), &hmac(r#"{"env":"STATE_1"}"#));
    for (path, content) in world().files {
        let file = format!(r#"{{"file":"{}"}}"#, path.display());
        if let Ok(key) = VerificationKey::from_pem(&content) {
            plugins = plugins.replace(&format!("\"{}\"", hex(key.fingerprint())), &file);
        }
        if let Ok(key) = SigningKey::from_pem(&content) {
            let shown = format!(r#""fingerprint":"{}""#, hex(key.verification_key().fingerprint()));
            plugins = plugins.replace(&shown, &format!(r#""private_key":{file}"#));
            let shown = format!(r#""key":"{}""#, hex(key.verification_key().fingerprint()));
            plugins = plugins.replace(&shown, &format!(r#""key":{file}"#));
        }
    }
    plugins
        .replace(r#""id":"s2","secret":"***""#, r#""id":"s2","secret":{"file":"state-2"}"#)
        .replace(r#""id":"s1","secret":"***""#, r#""id":"s1","secret":{"env":"STATE_1"}"#)
        .replace(r#""secret":"***""#, r#""secret":{"file":"jitsi"}"#)
}

fn refused(routes: &str, purposes: &str, plugins: &str) -> Report {
    let report = load(&Sources::from_texts(routes, purposes, plugins), &environment());
    report.err().unwrap_or_else(|| panic!("accepted: {routes} {purposes} {plugins}"))
}
