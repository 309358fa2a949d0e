//! Keys and secrets: how they are found, what is refused, and that nothing shows them.

use std::{collections::HashMap, fs, path::PathBuf};

use id_contact_gateway::{
    config::{AuthTrust, Brokering, CommTrust, Environment, Sources, SystemEnvironment, effective, load},
    model::Dialect,
    tokens::StateKey,
};

use super::{
    directories, environment, loaded, root, sources,
    world::{NOW, SECRET, World, world},
};

const ROUTES: &str = "gateway: { public_url: 'https://contact.example.nl' }";

fn plugins(text: &str, world: &World) -> Result<String, String> {
    match load(&Sources::from_texts(ROUTES, "purposes: []", text), world) {
        Ok(loaded) => Ok(loaded.warnings.render(false)),
        Err(report) => Err(report.render(false)),
    }
}

#[test]
fn keys_trust_and_initiators_arrive() {
    let config = loaded(&sources(&root("tests/config/valid/design")));
    assert_eq!(config.keys.state.iter().map(StateKey::id).collect::<Vec<_>>(), ["s2", "s1"]);
    assert_eq!((config.keys.signing[0].id(), config.keys.decryption[0].id()), (Some("g1"), Some("d1")));

    let [irma, digid] = [&config.auth[0], &config.auth[1]];
    assert_eq!(
        (irma.brokering, irma.disable_attr_url, &irma.trust),
        (Brokering::Observe, false, &AuthTrust::Opaque)
    );
    assert_eq!((digid.disable_attr_url, digid.shim_tel_url), (true, false));
    assert!(matches!(digid.trust, AuthTrust::Reseal { .. }));
    assert_eq!((config.comm[0].dialect, &config.comm[0].trust), (None, &CommTrust::Opaque));
    assert_eq!(config.comm[1].dialect, Some(Dialect::IdContact));
    assert!(matches!(config.comm[1].trust, CommTrust::Reseal { .. }));

    let initiator = &config.initiators[0];
    assert_eq!(initiator.kid, "chat");
    assert_eq!(initiator.purposes, config.purposes.iter().map(|each| each.tag.clone()).collect::<Vec<_>>());
    let urls = |urls: &[id_contact_gateway::model::UrlPrefix]| {
        urls.iter().map(|url| url.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(urls(&initiator.comm_urls), ["https://chat.example.nl/"]);
    assert_eq!(urls(&initiator.attr_urls), ["http://comm-chat:3000/"]);
}

#[test]
fn brokering_off_is_no_boolean() {
    let method = |brokering: &str| {
        format!("{{ tag: {brokering}, name: A, image_path: /a, start: 'http://a', brokering: {brokering} }}")
    };
    let text = format!("auth: [ {}, {}, {} ]", method("off"), method("observe"), method("bind"));
    let config = loaded(&Sources::from_texts(ROUTES, "purposes: []", &text));
    let brokering: Vec<_> = config.auth.iter().map(|method| method.brokering).collect();
    assert_eq!(brokering, [Brokering::Off, Brokering::Observe, Brokering::Bind]);
}

#[test]
fn a_key_is_the_content_of_its_file_or_variable() {
    let state = |secret: &str| {
        let text = format!("keys: {{ state: [ {{ id: s1, secret: {secret} }} ] }}");
        loaded(&Sources::from_texts(ROUTES, "purposes: []", &text)).keys.state.remove(0)
    };
    assert_eq!(state("{ file: state-1 }"), state("{ file: 'state-${env:NUMBER:-1}' }"));
    assert_ne!(state("{ file: state-1 }"), state("{ file: state-2 }"));
    assert_ne!(state("{ file: state-1 }"), state("{ env: STATE_1 }"));
}

#[test]
fn a_key_lasts_to_the_end_of_its_last_day() {
    let text = "keys: { state: [ { id: s1, secret: { file: state-1 }, expires: 2027-01-15 } ] }";
    // 2027-01-16T00:00:00Z, thirty days before and the seconds around it.
    let end = NOW + 16 * 3_600;
    let at = |now| plugins(text, &World { now, ..world() });
    assert_eq!(at(end - 30 * 86_400), Ok(String::new()));
    assert!(at(end - 30 * 86_400 + 1).unwrap().contains("expires in 29 days"));
    assert!(at(end - 1).unwrap().contains("expires today"));
    assert!(at(end).unwrap_err().contains("the state key `s1` expired"));
}

/// What the gateway is told in confidence: every variable and every line of every file.
fn confidences(world: &World) -> Vec<String> {
    let files = world.files.values().map(|content| String::from_utf8_lossy(content).into_owned());
    let texts: Vec<_> =
        world.variables.values().filter(|value| value.contains(SECRET)).cloned().chain(files).collect();
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim);
    lines.filter(|line| line.len() > 6 && !line.starts_with("-----")).map(str::to_owned).collect()
}

#[test]
fn nothing_shows_what_stands_in_files_and_variables() {
    let confidences = confidences(&environment());
    assert!(confidences.len() > 30);
    for directory in ["valid", "doubtful", "invalid"]
        .into_iter()
        .flat_map(|kind| directories(&format!("tests/config/{kind}")))
    {
        let shown = match load(&sources(&directory), &environment()) {
            Ok(loaded) => {
                let config = format!("{:?}", loaded.config.keys) + &effective(&loaded.config).to_string();
                config + &loaded.warnings.render(true) + &loaded.warnings.to_json().to_string()
            }
            Err(report) => report.render(true) + &report.to_json().to_string() + &format!("{report:?}"),
        };
        for confidence in &confidences {
            assert!(!shown.contains(confidence.as_str()), "{}: {confidence}:\n{shown}", directory.display());
        }
    }
}

/// Each scalar of the parts that deal with keys, replaced by a secret.
#[test]
fn a_secret_in_place_of_anything_is_not_shown() {
    const PLANTED: &str = "q7Zr9hunter2XkV3mT8wLpB5nYc1dGfJ4sA6eR0uQ";
    let [routes, purposes, plugins] = ["routes", "purposes", "plugins"]
        .map(|file| fs::read_to_string(root(&format!("tests/config/valid/design/{file}.yaml"))).unwrap());
    let words = [
        "digid-sign.pub.pem",
        "chat-encrypt.pub.pem",
        "chat-initiator.pub.pem",
        "state-2",
        "STATE_1",
        "sign.pem",
        "decrypt.pem",
        "{ file: state-2 }",
        "{ env: STATE_1 }",
        "{ file: sign.pem }",
        "{ file: decrypt.pem }",
        "{ file: digid-sign.pub.pem }",
        "{ file: chat-encrypt.pub.pem }",
        "{ file: chat-initiator.pub.pem }",
        "s2,",
        "g1,",
        "2027-03-31",
    ];
    for word in words {
        assert!(plugins.contains(word), "{word}");
        for planted in [
            PLANTED.to_owned(),
            format!("\"-----BEGIN PRIVATE KEY-----{PLANTED}\""),
            format!("[{PLANTED}]"),
            format!("{{ value: {PLANTED} }}"),
        ] {
            let text =
                plugins.replace(word, &format!("{planted}{}", if word.ends_with(',') { "," } else { "" }));
            let report = load(&Sources::from_texts(&routes, &purposes, &text), &environment()).unwrap_err();
            let shown = report.render(true) + &report.to_json().to_string();
            assert!(!shown.contains(PLANTED), "{planted} for {word}:\n{shown}");
        }
    }
}

#[test]
fn a_name_from_the_environment_is_not_shown_where_methods_do_not_fit() {
    let auth = "auth: [ { tag: 'a${env:CREDENTIAL}', name: A, image_path: /a, start: 'http://a', dialect: verder-helpen } ]";
    let comm = "comm: [ { tag: 'c${env:CREDENTIAL}', name: C, image_path: /c, start: 'http://c', dialect: id-contact } ]";
    let purposes = "purposes: [ { tag: 'p${env:CREDENTIAL}', allowed_auth: ['*'], allowed_comm: ['*'] } ]";
    let report =
        load(&Sources::from_texts(ROUTES, purposes, &format!("{auth}\n{comm}")), &environment()).unwrap_err();
    assert!(report.render(false).contains("verder-helpen"));
    assert!(!report.render(false).contains(SECRET), "{report}");
}

#[test]
fn a_pair_is_reported_once_and_many_pairs_in_bounded_time() {
    let method = |side: &str, number: usize, rest: &str| {
        format!("  - {{ tag: {side}{number}, name: A, image_path: /a, start: 'http://a'{rest} }}\n")
    };
    let list = |side: &str, count: usize, rest: &str| -> String {
        (0..count).map(|number| method(side, number, rest)).collect()
    };
    let purposes = |count: usize| -> String {
        let purpose =
            |number| format!("  - {{ tag: p{number}, allowed_auth: ['*'], allowed_comm: ['*'] }}\n");
        "purposes:\n".to_owned() + &(0..count).map(purpose).collect::<String>()
    };
    let errors = |purpose_count, method_count| {
        let auth = list("a", method_count, ", dialect: verder-helpen");
        let comm = list("c", method_count, ", dialect: id-contact");
        let text = format!("auth:\n{auth}comm:\n{comm}");
        load(&Sources::from_texts(ROUTES, &purposes(purpose_count), &text), &environment())
            .unwrap_err()
            .error_count()
    };
    assert_eq!(errors(3, 2), 4);
    assert_eq!(errors(20, 1_000), 1_000);
}

#[test]
fn a_thousand_warnings_hide_no_error() {
    let method = |tag: String, rest: &str| {
        format!("  - {{ tag: {tag}, name: A, image_path: /a, start: 'http://a'{rest} }}\n")
    };
    let auth: String =
        (0..60).map(|number| method(format!("a{number}"), ", dialect: verder-helpen")).collect();
    let comm: String = (0..20).map(|number| method(format!("c{number}"), "")).collect();
    let strict = method("strict".to_owned(), ", dialect: id-contact");
    let doubtful: Vec<_> = (0..20).map(|number| format!("c{number}")).collect();
    let purposes = |strict: &str| {
        let first =
            format!("  - {{ tag: p, allowed_auth: ['*'], allowed_comm: [{}] }}\n", doubtful.join(", "));
        format!("purposes:\n{first}  - {{ tag: q, allowed_auth: [a59], allowed_comm: [{strict}] }}\n")
    };
    let text = format!("auth:\n{auth}comm:\n{comm}{strict}");
    let load = |strict: &str| load(&Sources::from_texts(ROUTES, &purposes(strict), &text), &environment());
    assert_eq!(load("c1").unwrap().warnings.warning_count(), 1_000);
    assert_eq!(load("strict").unwrap_err().error_count(), 1);
}

#[test]
fn secret_files_are_bounded_and_found_beside_plugins_yaml() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for (name, text) in [
        ("routes.yaml", ROUTES),
        ("purposes.yaml", "purposes: []"),
        ("plugins.yaml", "keys: { state: [ { id: s1, secret: { file: state } } ] }"),
        ("state", "hunter2-hunter2-hunter2-hunter2-hunter2"),
    ] {
        fs::write(path(name), text).unwrap();
    }
    let read = || load(&Sources::read(directory.path()).unwrap(), &SystemEnvironment);
    assert_eq!(read().unwrap().config.keys.state.len(), 1);

    fs::write(path("state"), SECRET.repeat(10_000)).unwrap();
    assert!(read().unwrap_err().render(false).contains("larger than 64 KiB"));
    fs::remove_file(path("state")).unwrap();
    assert!(read().unwrap_err().render(false).contains("does not exist"));
    fs::create_dir(path("state")).unwrap();
    assert!(read().unwrap_err().render(false).contains("is a directory"));
    assert!(SystemEnvironment.file(&PathBuf::from("/dev/null")).is_err(), "it is no regular file");
    let nothing: HashMap<String, String> = HashMap::new();
    assert!(load(&Sources::read(directory.path()).unwrap(), &nothing).is_err());
}
