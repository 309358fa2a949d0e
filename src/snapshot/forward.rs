//! A proxied route, ready for requests.

use std::sync::Arc;

use crate::{
    config::{Config, HeaderEdit, Rewrite},
    metrics::{Metrics, RouteMetrics},
    routing::Mapping,
    upstreams::Upstream,
};

/// What the proxy does with a request that a route matched.
pub struct Forward {
    pub upstream: Arc<Upstream>,
    pub mapping: Mapping,
    pub rewrite: Rewrite,
    pub request_headers: HeaderEdit,
    pub response_headers: HeaderEdit,
    /// Bytes.
    pub body_limit: Option<u64>,
    pub metrics: RouteMetrics,
}

impl Forward {
    /// One per route, in the order of the configuration.
    pub(super) fn all(config: &Config, upstreams: &[Arc<Upstream>], metrics: &Metrics) -> Vec<Self> {
        config
            .routes
            .iter()
            .map(|route| Self {
                upstream: upstreams[route.upstream.0].clone(),
                mapping: Mapping::new(route, &config.upstreams[route.upstream.0]),
                rewrite: route.rewrite,
                request_headers: route.request_headers.clone(),
                response_headers: route.response_headers.clone(),
                body_limit: route.body_limit,
                metrics: metrics.route(route.id.as_str()),
            })
            .collect()
    }
}
