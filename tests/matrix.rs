//! Conversations in a real Matrix homeserver (Synapse).
//!
//! Ignored by a plain `cargo test`, because it needs Synapse: `make test-matrix` installs it and runs
//! these.
#![cfg(test)]

mod support;

use std::{fs, path::Path};

use serde_json::json;
use url::Url;

use support::{
    browser::Browser,
    gateway::{Files, TestGateway},
    homeserver::Homeserver,
    network::Network,
};

#[test]
#[ignore = "needs Synapse: make test-matrix"]
fn a_room_gets_a_message_once() {
    let homeserver = Homeserver::start();
    let (bot, agent) = (&homeserver.bot, &homeserver.agent);
    let room = bot.create_room("report_move", agent);
    let attributes = json!({ "email": "anna@example.nl", "fullname": "Anna de Wit-Özdemir" });
    // A body for people, and the same for programs under a name of its own.
    let content =
        json!({ "msgtype": "m.text", "body": "anna@example.nl", "nl.example.attributes": attributes });
    let event = bot.send(&room, "transaction-1", &content);
    assert_eq!(bot.send(&room, "transaction-1", &content), event);

    assert_eq!((agent.invitations(), agent.rooms().len()), (vec![room.clone()], 0));
    agent.join(&room);
    assert_eq!((agent.name_of(&room).as_str(), agent.rooms()), ("report_move", vec![room.clone()]));
    assert_eq!(agent.messages(&room), [content]);
}

/// The example that is shipped, with the address and the names of this homeserver put in.
fn example(homeserver: &Homeserver) -> Files {
    let read = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/matrix").join(file);
        fs::read_to_string(path).expect("the example is there")
    };
    let replaced = |text: String, from: &str, to: &str| {
        assert!(text.contains(from), "the example has no {from}");
        text.replace(from, to)
    };
    let plugins = replaced(read("plugins.yaml"), "https://matrix.example.nl", homeserver.base());
    let plugins = replaced(plugins, "@agent:matrix.example.nl", &homeserver.agent.id);
    Files::new("gateway: { public_url: \"http://gateway.test\" }\n", &read("purposes.yaml"), &plugins)
}

#[test]
#[ignore = "needs Synapse: make test-matrix"]
fn the_example_makes_a_room_with_the_attributes_in_it() {
    let homeserver = Homeserver::start();
    let token = &homeserver.bot.access_token;
    let gateway =
        TestGateway::start_with(&example(&homeserver), |command| command.env("MATRIX_TOKEN", token));
    let network = Network::default();
    network.point("gateway.test", gateway.public);
    let mut browser = Browser::new(&network);
    let start = json!({ "purpose": "report_move", "auth_method": "test", "comm_method": "room" });
    let started = browser.post_json("http://gateway.test/start", &start);
    assert_eq!(started.status, 200, "{}", started.text());
    let sign_in = started.json()["client_url"].as_str().expect("a URL").to_owned();
    let agent = &homeserver.agent;
    let room = agent.invitations().pop().expect("the agent is invited at the start");
    agent.join(&room);
    assert!(agent.messages(&room).is_empty(), "nobody has signed in yet");

    let answer = browser.post_form(&sign_in, &[("action", "confirm")]);
    let continuation = answer.header("location").expect("a redirect").to_owned();
    let answer = browser.get(&continuation);
    let onward = answer.header("location").expect("a redirect").to_owned();
    let escaped = percent_encoding::utf8_percent_encode(&room, percent_encoding::NON_ALPHANUMERIC);
    let expected = Url::parse(&format!("https://chat.example.nl/#/room/{escaped}")).expect("a URL");
    let decoded = |url: &Url| {
        let fragment = url.fragment().unwrap_or_default().as_bytes().to_vec();
        percent_encoding::percent_decode(&fragment).decode_utf8_lossy().into_owned()
    };
    let onward = Url::parse(&onward).expect("a URL");
    assert_eq!((onward.host_str(), decoded(&onward)), (Some("chat.example.nl"), decoded(&expected)));
    let attributes = json!({ "email": "jan@example.com", "fullname": "Jan Jansen" });
    let content =
        json!({ "msgtype": "m.text", "body": attributes.to_string(), "nl.example.attributes": attributes });
    assert_eq!(agent.messages(&room), std::slice::from_ref(&content));

    // A citizen who reloads the page.
    browser.get(&continuation);
    assert_eq!(agent.messages(&room), [content], "the message is there once");
    assert!(!gateway.log_text().contains(token.as_str()) && !gateway.log_text().contains("jan@"));
}
