//! The adapters `http`: REST services of either side, called as plugins.yaml declares.
//!
//! What a service answers is not trusted: it is typed, bounded and encoded for its place before anything
//! is done with it.
//! May import: what `plugins` may.

mod auth;
mod comm;
mod saved;
mod service;
mod trouble;
mod values;

pub use self::{auth::HttpAuthAdapter, comm::HttpCommAdapter};
