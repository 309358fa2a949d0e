//! The protocol's steps: a request value and a snapshot in, an answer value out.
//!
//! No sockets and no ambient time or randomness here ([`Environment`](crate::plugins::Environment)
//! brings them), so that whole transcripts can be tested byte for byte.
//! May import: `snapshot`, `plugins`, `routing`, `tokens`, `config`, `model`; `pages`, `metrics`.

mod attributes;
mod auth_only;
mod brokering;
mod browser;
pub mod choose;
mod citizen;
mod continuation;
mod delivery;
pub mod endpoints;
mod events;
mod methods;
pub mod negotiate;
mod onward;
pub mod options;
pub mod problem;
mod resealing;
pub mod start;
pub mod start_request;
mod state;
mod update;

pub use self::{
    brokering::Carrier,
    problem::{Problem, ProblemCode},
    state::identify as identify_state,
};
