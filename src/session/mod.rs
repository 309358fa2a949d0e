//! The protocol's steps: a request value and a snapshot in, an answer value out.
//!
//! No sockets and no ambient time or randomness here ([`Environment`](crate::plugins::Environment)
//! brings them), so that whole transcripts can be tested byte for byte.
//! May import: `snapshot`, `plugins`, `config`, `model`; `pages`, `metrics`.

pub mod choose;
mod citizen;
pub mod endpoints;
pub mod negotiate;
pub mod options;
pub mod problem;
pub mod reference;
pub mod start;
pub mod start_request;

pub use self::{
    problem::{Problem, ProblemCode},
    reference::SessionReference,
};
