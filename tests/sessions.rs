//! Whole sessions through the real program: a browser, an authentication and a communication plugin
//! that behave as the ecosystem's own do, and the gateway between them.
//!
//! `cargo test --test sessions matrix -- --nocapture` prints what each hop of each kind of session
//! carried.
#![cfg(test)]

mod support;

#[path = "sessions/binding.rs"]
mod binding;
#[path = "sessions/budget.rs"]
mod budget;
#[path = "sessions/case.rs"]
mod case;
#[path = "sessions/command.rs"]
mod command;
#[path = "sessions/delivery.rs"]
mod delivery;
#[path = "sessions/driving.rs"]
mod driving;
#[path = "sessions/endings.rs"]
mod endings;
#[path = "sessions/forgery.rs"]
mod forgery;
#[path = "sessions/instances.rs"]
mod instances;
#[path = "sessions/matrix.rs"]
mod matrix;
#[path = "sessions/person.rs"]
mod person;
#[path = "sessions/rights.rs"]
mod rights;
#[path = "sessions/signed.rs"]
mod signed;
#[path = "sessions/split.rs"]
mod split;
#[path = "sessions/telephone.rs"]
mod telephone;
#[path = "sessions/updates.rs"]
mod updates;
#[path = "sessions/world.rs"]
mod world;
