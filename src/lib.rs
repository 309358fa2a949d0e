//! The core of the ID Contact ecosystem as a configuration-driven gateway.
//!
//! (crate documentation follows in the first landing)
pub mod config;
pub mod model;
pub mod plugins;
pub mod routing;
