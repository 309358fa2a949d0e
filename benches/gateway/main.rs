//! Micro-benchmarks: `cargo bench`. One program, because each links with fat LTO.

#![allow(clippy::expect_used, reason = "a failed set-up ends the bench")]

mod routing;
mod session;
mod start;
mod templates;
mod tokens;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30);
    targets = tokens::sealed_state, tokens::results, tokens::signed_starts, routing::look_up, routing::paths, routing::answers, session::start_bodies, session::generations, start::starts, templates::rendering, templates::selection
}
criterion_main!(benches);
