//! The core of the ID Contact ecosystem as a configuration-driven gateway.
pub mod config;
pub mod metrics;
pub mod model;
pub mod plugins;
pub mod upstreams;
