//! Hostile, broken and very large files.

use std::{
    fs,
    time::{Duration, Instant},
};

use id_contact_gateway::config::{ConfigFile, Sources, load};
use proptest::prelude::*;

use super::{directories, environment, loaded, refused, root, sources, world::SECRET};

fn texts(directory: &std::path::Path) -> [String; 3] {
    ConfigFile::ALL.map(|file| {
        let own = directory.join(file.file_name());
        let path = if own.exists() { own } else { root("tests/config/valid/base").join(file.file_name()) };
        fs::read_to_string(path).unwrap()
    })
}

fn report(texts: &[String; 3]) -> String {
    let sources = Sources::from_texts(&texts[0], &texts[1], &texts[2]);
    match load(&sources, &environment()) {
        Ok(loaded) => loaded.warnings.render(false),
        Err(report) => {
            assert!(report.error_count() > 0);
            report.render(false) + &report.to_json().to_string()
        }
    }
}

#[test]
fn no_diagnostic_contains_a_secret() {
    for directory in directories("tests/config/invalid") {
        let report = load(&sources(&directory), &environment()).unwrap_err();
        let shown = report.render(true) + &report.to_json().to_string() + &format!("{report:?}");
        assert!(!shown.contains(SECRET), "{}:\n{shown}", directory.display());
    }
}

/// Every place of a valid file, followed by something that makes it invalid and holds a secret.
#[test]
fn no_mistake_next_to_a_secret_shows_it() {
    let valid = texts(&root("tests/config/valid/design"));
    let mistakes = [
        "\n  client_secret: hunter2\n",
        "\nsecret: [hunter2\n",
        "{ token: hunter2",
        "\n\tpassword: hunter2\n",
        "\n- private_key: |\n    hunter2\n",
        "http://user:hunter2@host/",
        "\nkeys: { state: hunter2 }\n",
        "\n      api_key: \"hunter2\n",
        "${env:CREDENTIAL}",
        "\n      client_secrt: hunter2\n",
        "\n      secrts: { pin: hunter2 }\n",
        "\n      credentials:\n        pin: hunter2\n",
        "{ jwt: hunter2",
        "\n      jwt: { alg: HS256, secrt: hunter2, hs256: hunter2 }\n",
        "\n      hmac: [ X-Signature, hunter2 ]\n",
        "\n      hmac: { header: \"X-Signature: hunter2\", sha256: hunter2 }\n",
        "{ x-auth: \"Bearer hunter2\"",
    ];
    for (file, text) in valid.iter().enumerate() {
        let places = text.char_indices().map(|(offset, _)| offset).step_by(29);
        for (offset, mistake) in places.flat_map(|offset| mistakes.map(|mistake| (offset, mistake))) {
            let mut texts = valid.clone();
            texts[file].insert_str(offset, mistake);
            let shown = report(&texts);
            assert!(!shown.contains(SECRET), "{mistake:?} at {offset} of {file}:\n{shown}");
        }
    }
}

#[test]
fn missing_and_unreadable_files_are_reported_together() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("routes.yaml"), b"gateway: \xff").unwrap();
    fs::create_dir(directory.path().join("purposes.yaml")).unwrap();
    let report = Sources::read(directory.path()).unwrap_err();
    assert_eq!(report.error_count(), 3);
    let rendered = report.render(false);
    for part in ["not UTF-8: byte 10", "it is a directory", "it does not exist", "plugins.yaml", "3 errors"] {
        assert!(rendered.contains(part), "{part}:\n{rendered}");
    }
    assert_eq!(report.diagnostics()[0].line(), None);
}

#[test]
fn an_oversized_file_is_refused_unread() {
    let directory = tempfile::tempdir().unwrap();
    for file in ConfigFile::ALL {
        fs::write(directory.path().join(file.file_name()), "a: b").unwrap();
    }
    let file = fs::File::create(directory.path().join("routes.yaml")).unwrap();
    file.set_len(id_contact_gateway::config::MAX_FILE_BYTES + 1).unwrap();
    let report = Sources::read(directory.path()).unwrap_err().render(false);
    assert!(report.contains("larger than 16 MiB"), "{report}");
}

#[test]
fn deep_and_expanding_files_end_in_a_message() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &(1..20)
            .map(|level| format!("a{level}: &a{level} [*a,*a,*a,*a,*a,*a,*a,*a]\n"))
            .collect::<String>();
    for hostile in [
        "[".repeat(200_000),
        "{a: ".repeat(200_000),
        "- ".repeat(200_000),
        bomb,
        format!("routes: {}", "x".repeat(5_000_000)),
        format!("routes: [{}]", "a, ".repeat(500_000)),
        "\u{0}\u{1}".to_owned(),
        "? ? ? a".to_owned(),
        "%YAML 9.9\n---\n".to_owned(),
        "\"\\ud800\": x".to_owned(),
        "!!binary aGk=".to_owned(),
        "secret: !!int hunter2".to_owned(),
        "\u{2028}: \u{85}".to_owned(),
    ] {
        let started = Instant::now();
        let rendered = refused(&hostile, "purposes: []", "auth: []").render(false);
        assert!(!rendered.contains(SECRET), "{rendered}");
        // Far more than it takes anywhere, and less than for ever.
        assert!(started.elapsed() < Duration::from_secs(120), "{:.60}: {:?}", hostile, started.elapsed());
    }
}

/// Generous, because debug builds and busy machines are slow: a quadratic check takes minutes.
#[test]
fn a_hundred_thousand_routes_load() {
    let mut routes = "gateway: { public_url: 'https://contact.example.nl' }\nupstreams:\n".to_owned();
    for number in 0..1_000 {
        routes += &format!("  u{number}: {{ servers: ['http://10.0.0.1:8000'] }}\n");
    }
    routes += "routes:\n";
    for number in 0..100_000 {
        routes += &format!("- {{ id: r{number}, path: /p/{number}, upstream: u{} }}\n", number % 1_000);
    }
    let started = Instant::now();
    let config = loaded(&Sources::from_texts(&routes, "purposes: []", "auth: []"));
    assert_eq!(config.routes.len(), 100_000);
    println!("{:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());

    let wrong = routes.replace("upstream: u", "upstream: w");
    let started = Instant::now();
    let rendered = refused(&wrong, "purposes: []", "auth: []").render(false);
    assert!(rendered.contains("100000 errors (the first 1000 are shown)"));
    println!("{:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_mutation_makes_it_panic(
        file in 0_usize..3,
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        inserted in prop_oneof![
            "[-:{}\\[\\]\"'#&*!|>%@,? \n\ta-z0-9é]{0,12}",
            prop::sample::select(vec!["null", "~", "[]", "{}", "true", "-1", "1e9", "\"\"", "é", "\r\n", "---\n", "<<: x", "${env:", "\u{feff}"])
                .prop_map(str::to_owned),
        ],
    ) {
        let mut texts = texts(&root("tests/config/valid/design"));
        let text: Vec<char> = texts[file].chars().collect();
        let from = from.index(text.len());
        let to = (from + length).min(text.len());
        texts[file] = text[..from].iter().copied().chain(inserted.chars()).chain(text[to..].iter().copied()).collect();
        report(&texts);
    }
}
