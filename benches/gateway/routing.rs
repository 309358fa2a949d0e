//! What routing costs each request: normalising, look-up, mapping an answer back.
//!
//! Look-ups cycle through 1,024 different requests (warm), and
//! through 65,536 (cold), where a large table no longer fits a core's own caches and its number of
//! routes shows as waiting for memory. The path with 100,000 slashes is a stranger's.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use http::{HeaderMap, HeaderValue, header::LOCATION};
use id_contact_gateway::{
    config::{HeaderEdit, Rewrite, Route, Timeouts, Upstream, UpstreamId},
    model::{BaseUrl, RouteId, UpstreamName},
    routing::{ClientView, Mapping, RouteTable, host_key, normalise, own_path},
};

const REWRITE: Rewrite = Rewrite { redirects: true, cookies: true };
const VIEW: ClientView<'static> = ClientView { scheme: "https", authority: "contact.example.nl" };
/// How many different requests a round has.
const ROUNDS: [(&str, usize); 2] = [("warm", 1_024), ("cold", 65_536)];

fn route(host: Option<String>, path: String) -> Route {
    Route {
        id: RouteId::parse("r").expect("a valid id"),
        host,
        path,
        upstream: UpstreamId(0),
        strip_path: true,
        rewrite: REWRITE,
        request_headers: HeaderEdit::default(),
        response_headers: HeaderEdit::default(),
        body_limit: None,
    }
}

fn path(index: usize) -> String {
    format!("/municipality-{}/service-{index}", index % 100)
}

fn host(index: usize) -> String {
    format!("service-{index}.example.nl")
}

pub fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("look-up");
    for count in [10, 1_000, 100_000] {
        let by_path = RouteTable::new(&(0..count).map(|index| route(None, path(index))).collect::<Vec<_>>());
        let by_host = RouteTable::new(
            &(0..count).map(|index| route(Some(host(index)), "/".into())).collect::<Vec<_>>(),
        );
        for (round, requests) in ROUNDS {
            // Spread over the whole table.
            let indices = (0..requests).map(|request| request * 7_919 % count);
            let paths: Vec<_> = indices.clone().map(|index| path(index) + "/room/7").collect();
            let id = BenchmarkId::new(format!("path, {round}"), count);
            bench_round(&mut group, id, &paths, |path| by_path.find(Some("contact.example.nl"), path));

            let hosts: Vec<_> = indices.map(host).collect();
            let id = BenchmarkId::new(format!("host, {round}"), count);
            bench_round(&mut group, id, &hosts, |host| by_host.find(Some(host), "/room/7"));
        }
        bench_whole_look_up(&mut group, count);
        let slashes = "/".repeat(100_000);
        group.bench_function(BenchmarkId::new("100,000 slashes", count), |bencher| {
            bencher.iter(|| by_path.find(None, black_box(&slashes)));
        });
    }
}

/// All that a request pays to find its route: its host and path are read, and both tables asked.
fn bench_whole_look_up(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    count: usize,
) {
    let named = (0..count / 2).map(|index| route(Some(host(index)), path(index)));
    let routes: Vec<_> = named.chain((count / 2..count).map(|index| route(None, path(index)))).collect();
    let table = RouteTable::new(&routes);
    for (round, requests) in ROUNDS {
        let requests: Vec<_> = (0..requests)
            .map(|request| request * 7_919 % count)
            .map(|index| (format!("{}:8080", host(index)), path(index) + "/room/7"))
            .collect();
        let find = |(host, path): &(String, String)| {
            let (host, own, path) = (host_key(host)?, own_path(path), normalise(path).ok()?);
            table.find(Some(&host), &path).filter(|_| own.is_none())
        };
        assert!(requests.iter().all(|request| find(request).is_some()));
        let mut next = requests.iter().cycle();
        group.bench_function(BenchmarkId::new(format!("whole, {round}"), count), |bencher| {
            bencher.iter(|| next.next().and_then(|request| find(black_box(request))));
        });
    }
}

fn bench_round(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    id: BenchmarkId,
    requests: &[String],
    find: impl Fn(&str) -> Option<usize>,
) {
    assert!(requests.iter().all(|request| find(request).is_some()));
    let mut next = requests.iter().cycle();
    group.bench_function(id, |bencher| {
        bencher.iter(|| next.next().and_then(|request| find(black_box(request))));
    });
}

pub fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("path");
    for (name, path) in [("plain", "/chat/rooms/7/messages"), ("escaped", "/chat/caf%c3%a9/%7Euser")] {
        group.bench_function(BenchmarkId::new("normalise", name), |b| b.iter(|| normalise(black_box(path))));
    }
    group.bench_function("own", |b| b.iter(|| own_path(black_box("/session/continue/state"))));
    group.bench_function("not own", |b| b.iter(|| own_path(black_box("/chat/rooms/7/messages"))));
}

pub fn answers(criterion: &mut Criterion) {
    let servers = ["http://chat-1:3000", "http://chat-2:3000"];
    let upstream = Upstream {
        name: UpstreamName::parse("chat").expect("a valid name"),
        servers: servers.iter().map(|server| BaseUrl::parse(server).expect("a valid URL")).collect(),
        timeouts: Timeouts::default(),
    };
    let mapping = Mapping::new(&route(None, "/chat".into()), &upstream);
    let mut group = criterion.benchmark_group("answer");
    for (name, location) in [
        ("absolute", "http://chat-2:3000/rooms/7?from=widget#last"),
        ("path", "/rooms/7?from=widget#last"),
        ("foreign", "https://login.example.org/authorize?state=x"),
    ] {
        group.bench_function(BenchmarkId::new("location", name), |bencher| {
            bencher.iter(|| mapping.location(black_box(location), &VIEW));
        });
    }
    group.bench_function("set-cookie", |bencher| {
        bencher
            .iter(|| mapping.set_cookie(black_box("sid=0123456789; Path=/; HttpOnly; SameSite=Lax"), &VIEW));
    });
    let mut headers = HeaderMap::new();
    for name in ["content-type", "content-length", "date", "server", "cache-control", "etag"] {
        headers.insert(name, HeaderValue::from_static("x"));
    }
    group.bench_function("headers, none to change", |bencher| {
        bencher.iter(|| mapping.answer_changes(black_box(&headers), REWRITE, &VIEW));
    });
    headers.insert(LOCATION, HeaderValue::from_static("/rooms/7"));
    group.bench_function("headers, a location", |bencher| {
        bencher.iter(|| mapping.answer_changes(black_box(&headers), REWRITE, &VIEW));
    });
}
