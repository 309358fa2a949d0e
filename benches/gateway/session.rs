//! What a start and a reload cost: reading bodies, loading files, building a generation.

use std::{
    collections::HashMap,
    fmt::Write as _,
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
};

use criterion::{BatchSize, BenchmarkId, Criterion};
use id_contact_gateway::{
    config::{self, Config, Sources},
    metrics::Metrics,
    session::start_request::StartBody,
    snapshot::{Foundation, Snapshot},
};

/// Reading the body of `POST /start`.
pub fn start_bodies(criterion: &mut Criterion) {
    let json = r#"{"purpose":"report_move","auth_method":"irma","comm_method":"chat"}"#;
    let form = "purpose=report_move&auth_method=irma&comm_method=chat";
    let result = "x".repeat(5_404);
    let with_result = format!(r#"{{"purpose":"report_move","comm_method":"chat","auth_result":"{result}"}}"#);
    let mut group = criterion.benchmark_group("start body");
    for (name, content_type, body) in [
        ("JSON", "application/json", json),
        ("JSON with a result of forty attributes", "application/json", with_result.as_str()),
        ("form", "application/x-www-form-urlencoded", form),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| StartBody::parse(Some(content_type), black_box(body.as_bytes())).is_ok());
        });
    }
}

/// Loading the files, and building a generation of them.
pub fn generations(criterion: &mut Criterion) {
    let foundation = Foundation::new(
        Metrics::new().expect("valid metrics"),
        SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
        SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
    )
    .expect("new keys");
    let mut group = criterion.benchmark_group("generation");
    group.sample_size(10);
    for routes in [10, 1_000, 100_000] {
        let sources = sources(routes);
        let config = load(&sources);
        group.bench_function(BenchmarkId::new("load", routes), |bencher| bencher.iter(|| load(&sources)));
        group.bench_function(BenchmarkId::new("build", routes), |bencher| {
            let build = |config| Snapshot::build(1, config, &foundation);
            bencher.iter_batched(|| config.clone(), build, BatchSize::LargeInput);
        });
    }
}

fn load(sources: &Sources) -> Config {
    config::load(sources, &HashMap::new()).map(|loaded| loaded.config).expect("a valid configuration")
}

fn sources(routes: usize) -> Sources {
    let mut text = String::from(
        "gateway: { public_url: \"http://gateway.test\" }\nupstreams: { u: { servers: [\"http://127.0.0.1:1\"] } }\nroutes:\n",
    );
    for index in 0..routes {
        writeln!(
            text,
            "  - {{ id: r{index}, path: /municipality-{}/service-{index}, upstream: u }}",
            index % 100
        )
        .expect("memory can be written to");
    }
    let purposes = include_str!("../../purposes.yaml");
    Sources::from_texts(&text, purposes, include_str!("../../plugins.yaml"))
}
