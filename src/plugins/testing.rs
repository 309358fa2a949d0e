//! A world that tests of the adapters control: fixed clock, seeded randomness, and an HTTP client
//! without sockets.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::{
    Environment,
    client::{HttpClient, IncomingAnswer, OutgoingRequest, TransportError},
};
use crate::{
    config::Purpose,
    metrics::Metrics,
    model::{
        AttributeTag, BaseUrl, Clock, Language, LocalizedText, OwnAnswer, OwnRequest, PurposeTag, Random,
        UnixSeconds,
    },
};

pub(super) const NOW: UnixSeconds = 1_800_000_000;

pub(super) struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixSeconds {
        NOW
    }
}

/// Counts, so that every session has another name, the same in every run.
#[derive(Default)]
pub(super) struct SeededRandom(AtomicU64);

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let seed = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().rev().zip(seed.iter().rev()).for_each(|(byte, seed)| *byte = *seed);
    }
}

/// Keeps what is posted and gives the answer it is told to.
pub(super) struct FakeClient {
    pub(super) posted: Mutex<Vec<Posted>>,
    pub(super) answer: Result<StatusCode, TransportError>,
}

/// What a test looks at of a request.
pub(super) struct Posted {
    pub(super) server: BaseUrl,
    pub(super) path_and_query: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
    pub(super) request_id: String,
    pub(super) repeatable: bool,
}

#[async_trait]
impl HttpClient for FakeClient {
    async fn send(&self, request: OutgoingRequest<'_>) -> Result<IncomingAnswer, TransportError> {
        self.posted.lock().unwrap().push(Posted {
            server: request.server.url().clone(),
            path_and_query: request.path_and_query.to_owned(),
            content_type: request.content_type,
            body: request.body,
            request_id: request.request_id.to_owned(),
            repeatable: request.repeatable,
        });
        self.answer.map(|status| IncomingAnswer { status, headers: HeaderMap::new(), body: Bytes::new() })
    }
}

pub(super) struct World {
    pub(super) random: SeededRandom,
    pub(super) client: FakeClient,
    metrics: Metrics,
}

impl World {
    pub(super) fn answering(answer: Result<StatusCode, TransportError>) -> Self {
        Self {
            random: SeededRandom::default(),
            client: FakeClient { posted: Mutex::default(), answer },
            metrics: Metrics::new().unwrap(),
        }
    }

    pub(super) fn environment(&self) -> Environment<'_> {
        Environment {
            clock: &FixedClock,
            random: &self.random,
            http: &self.client,
            metrics: &self.metrics,
            request_id: "request-1",
        }
    }
}

pub(super) fn purpose() -> Purpose {
    Purpose {
        tag: PurposeTag::parse("report_move").unwrap(),
        name: Some(LocalizedText::Plain("Verhuizing <doorgeven>".into())),
        attributes: attributes(),
        allowed_auth: Vec::new(),
        allowed_comm: Vec::new(),
        unauthenticated: false,
    }
}

pub(super) fn attributes() -> Vec<AttributeTag> {
    ["email", "bsn"].into_iter().map(|tag| AttributeTag::parse(tag).unwrap()).collect()
}

pub(super) fn request(method: Method, content_type: Option<&str>, body: &str) -> OwnRequest {
    OwnRequest {
        method,
        path: String::new(),
        query: None,
        content_type: content_type.map(str::to_owned),
        accept: None,
        if_none_match: None,
        cookie: None,
        prefetch: false,
        language: Language::En,
        peer: None,
        asserted: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

pub(super) fn header<'a>(answer: &'a OwnAnswer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(n, _)| n == name).and_then(|(_, value)| value.to_str().ok())
}

pub(super) fn html(answer: &OwnAnswer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}
