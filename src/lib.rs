//! The core of the ID Contact ecosystem as a configuration-driven gateway.
//!
//! Three YAML files become requests' answers in three stages, each with types of its own:
//! *Raw* (what serde reads, private to [`config`]), [`config::Config`] (valid, linked, plain data)
//! and [`snapshot::Snapshot`] (built: matchers, plugins, prepared answers). A request takes one
//! snapshot at its start and sees it to its end; a reload publishes a whole new one or nothing.
//!
//! Imports go one way; `tests/layers.rs` holds the table. From the rim inwards:
//! [`cli`] -> [`server`] -> [`proxy`], [`admin`], [`reload`] -> [`session`] -> [`snapshot`] ->
//! [`routing`], [`plugins`] -> [`upstreams`] -> [`config`] -> [`templates`], [`tokens`] -> [`model`];
//! [`pages`], [`metrics`] and [`logs`] are leaves beside them. docs/architecture.md follows a request
//! and a session through these rooms.

pub mod admin;
pub mod cli;
pub mod config;
pub mod logs;
pub mod metrics;
pub mod model;
pub mod pages;
pub mod plugins;
pub mod proxy;
pub mod reload;
pub mod routing;
pub mod server;
pub mod session;
pub mod snapshot;
pub mod templates;
pub mod tokens;
pub mod upstreams;
