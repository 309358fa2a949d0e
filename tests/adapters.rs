//! Whole sessions in which the gateway itself plays a plugin: `headers` and `link`, with the other side
//! played by everybody who can.
#![cfg(test)]

mod support;

#[path = "adapters/headers.rs"]
mod headers;
#[path = "adapters/link.rs"]
mod link;
#[path = "adapters/link_refusals.rs"]
mod link_refusals;
#[path = "adapters/removal.rs"]
mod removal;
#[path = "sessions/world.rs"]
#[allow(dead_code, reason = "sessions with plugins need more of it")]
mod world;
