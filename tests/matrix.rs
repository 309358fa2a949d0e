//! Conversations in a real Matrix homeserver (Synapse).
//!
//! Ignored by a plain `cargo test`, because it needs Synapse: `make test-matrix` installs it and runs
//! these.
#![cfg(test)]

mod support;

use serde_json::json;

use support::homeserver::Homeserver;

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
