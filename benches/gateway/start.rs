//! A whole `POST /start` of a full session, without sockets: two plugin calls that are answered at once,
//! with and without brokering.

use std::{collections::HashMap, hint::black_box, net::SocketAddr};

use async_trait::async_trait;
use bytes::Bytes;
use criterion::Criterion;
use http::{HeaderMap, Method, StatusCode};
use id_contact_gateway::{
    config::{self, Sources},
    metrics::Metrics,
    model::{Language, OwnRequest, SystemClock, SystemRandom},
    plugins::{Environment, HttpClient, IncomingAnswer, OutgoingRequest, TransportError},
    session::{endpoints::Listener, start},
    snapshot::{Foundation, Snapshot},
};

const PURPOSES: &str = "purposes:\n  - { tag: report_move, attributes: [email], allowed_auth: [\"*\"], allowed_comm: [\"*\"] }\n";

/// Plugins that answer what plugins of the field do.
struct Plugins;

#[async_trait]
impl HttpClient for Plugins {
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        let body = if request.path_and_query.ends_with("/start_authentication") {
            r#"{"client_url":"https://auth.example/ui/5e092f4bf422d659a285915c"}"#
        } else {
            r#"{"client_url":"https://chat.example/r/5e092f4bf422d659","attr_url":"http://chat:3000/attributes/5e092f4bf422d659"}"#
        };
        Ok(IncomingAnswer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        })
    }
}

/// `off` is what the calls and the answer cost; the rest is sealing.
pub fn starts(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let metrics = Metrics::new().expect("valid metrics");
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let foundation = Foundation::new(metrics.clone(), nowhere, nowhere).expect("new keys");
    let mut group = criterion.benchmark_group("start of a full session");
    for brokering in ["off", "observe", "bind"] {
        let snapshot = snapshot(brokering, &foundation);
        let request = request();
        group.bench_function(format!("brokering {brokering}"), |bencher| {
            bencher.iter(|| {
                let environment = Environment {
                    http: &Plugins,
                    clock: &SystemClock,
                    random: &SystemRandom,
                    metrics: &metrics,
                    request_id: "1",
                };
                let answer =
                    runtime.block_on(start::start(&snapshot, Listener::Public, &request, environment));
                assert_eq!(answer.status, 200);
                black_box(answer)
            });
        });
    }
}

fn snapshot(brokering: &str, foundation: &Foundation) -> Snapshot {
    let plugins = format!(
        r#"auth:
  - {{ tag: irma, name: IRMA, image_path: /i.svg, start: "http://irma:8000", brokering: "{brokering}" }}
comm:
  - {{ tag: chat, name: Chat, image_path: /c.svg, start: "http://chat:3000" }}
"#
    );
    let routes = "gateway: { public_url: \"https://contact.example.nl\" }\n";
    let sources = Sources::from_texts(routes, PURPOSES, &plugins);
    let loaded = config::load(&sources, &HashMap::new()).expect("a valid configuration");
    Snapshot::build(1, loaded.config, foundation)
}

fn request() -> OwnRequest {
    let body = r#"{"purpose":"report_move","auth_method":"irma","comm_method":"chat"}"#;
    OwnRequest {
        method: Method::POST,
        path: "/start".to_owned(),
        query: None,
        content_type: Some("application/json".to_owned()),
        accept: Some("application/json".to_owned()),
        if_none_match: None,
        cookie: None,
        prefetch: false,
        peer: None,
        asserted: Vec::new(),
        language: Language::Nl,
        body: Bytes::from_static(body.as_bytes()),
    }
}
