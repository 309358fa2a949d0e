//! The admin listener: health, metrics, the effective configuration, reload.
//!
//! May import: `reload`, `session` (problems), `snapshot`, `config`, `metrics`; `pingora`.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Method, Response, StatusCode, header};
use pingora::{apps::http_app::ServeHttp, protocols::http::ServerSession};
use serde_json::json;

use crate::{
    config,
    logs::LogSink,
    metrics::Metrics,
    model::{Language, OwnAnswer},
    reload::{Reloader, Trigger},
    session::{Problem, ProblemCode, endpoints},
    snapshot::Generations,
};

/// The admin listener's application.
pub struct Admin {
    pub generations: Arc<Generations>,
    pub reloader: Arc<Reloader>,
    pub metrics: Metrics,
    pub log: LogSink,
}

const TEXT: &str = "text/plain; charset=utf-8";
/// Prometheus text format (prometheus.io, "Exposition formats").
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

const HOME: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>ID Contact Gateway</title>
<h1>ID Contact Gateway</h1>
<ul>
<li><a href=\"/healthz\">/healthz</a>: the process answers
<li><a href=\"/readyz\">/readyz</a>: a configuration is live
<li><a href=\"/metrics\">/metrics</a>: for Prometheus
<li><a href=\"/config\">/config</a>: the effective configuration
<li><code>POST /reload</code>: load the files again
</ul>
</html>
";

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let head = session.req_header();
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let foreign = is_cross_site(head.headers.get("sec-fetch-site"));
        let answer = self.answer(&method, &path, foreign).await;
        into_response(answer, method == Method::HEAD)
    }
}

impl Admin {
    async fn answer(&self, method: &Method, path: &str, cross_site: bool) -> OwnAnswer {
        let read = matches!(*method, Method::GET | Method::HEAD);
        match path {
            "/reload" if *method == Method::POST && !cross_site => self.reload().await,
            "/reload" if *method == Method::POST => forbidden(),
            "/reload" => method_not_allowed("POST"),
            "/" | "/healthz" | "/readyz" | "/metrics" | "/config" if !read => method_not_allowed("GET, HEAD"),
            "/" => OwnAnswer::new(StatusCode::OK, "text/html; charset=utf-8", HOME),
            "/healthz" => OwnAnswer::new(StatusCode::OK, TEXT, "ok\n"),
            // A process that lives has a whole generation; one that ends has closed this listener.
            "/readyz" => OwnAnswer::new(StatusCode::OK, TEXT, format!("generation {}\n", self.generation())),
            "/metrics" => {
                self.metrics.log_lines_dropped(self.log.take_dropped());
                OwnAnswer::new(StatusCode::OK, METRICS, self.metrics.render())
            }
            "/config" => {
                let effective = config::effective(self.generations.live().config());
                OwnAnswer::new(StatusCode::OK, JSON, format!("{effective:#}\n"))
            }
            _ => Problem::new(ProblemCode::NotFound, "the admin listener has no such page").json(),
        }
    }

    fn generation(&self) -> u64 {
        self.generations.live().generation()
    }

    /// The report of `check`, and the generation that is live after it.
    async fn reload(&self) -> OwnAnswer {
        let (status, mut body) = match self.reloader.reload(Trigger::Request).await {
            Ok(reloaded) => {
                let mut body = reloaded.warnings.to_json();
                body["restart_needed"] = json!(reloaded.restart_needed);
                (StatusCode::OK, body)
            }
            Err(report) => (StatusCode::UNPROCESSABLE_ENTITY, report.to_json()),
        };
        body["generation"] = json!(self.generation());
        OwnAnswer::new(status, JSON, format!("{body:#}\n"))
    }
}

/// A page of another site that an operator's browser has open must not reload the gateway.
fn is_cross_site(fetch_site: Option<&HeaderValue>) -> bool {
    fetch_site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn forbidden() -> OwnAnswer {
    OwnAnswer::new(StatusCode::FORBIDDEN, TEXT, "requests from other sites are refused\n")
}

/// Always JSON: the admin listener serves no citizens.
fn method_not_allowed(allowed: &'static str) -> OwnAnswer {
    endpoints::method_not_allowed(allowed, None, Language::default(), "")
}

fn into_response(answer: OwnAnswer, head_only: bool) -> Response<Vec<u8>> {
    let mut response = Response::new(if head_only { Vec::new() } else { answer.body.to_vec() });
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.extend(answer.headers.into_iter().map(|(name, value)| (Some(name), value)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
