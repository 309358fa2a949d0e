//! The adapters `http` through the real program: a REST service of the tests' own on either side, a browser,
//! and plugins of the ecosystem on the other.
#![cfg(test)]

mod support;

#[path = "rest/choice.rs"]
mod choice;
#[path = "rest/conversation.rs"]
mod conversation;
#[path = "rest/hostile.rs"]
mod hostile;
#[path = "rest/identity.rs"]
mod identity;
#[path = "rest/polling.rs"]
mod polling;
#[path = "rest/service.rs"]
mod service;
#[path = "rest/updates.rs"]
mod updates;
#[path = "rest/webhook.rs"]
mod webhook;
#[path = "rest/world.rs"]
mod world;
