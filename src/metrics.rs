//! What operators see in Prometheus: the metrics of the design, in a registry of their own.
//!
//! Labels come only from configuration ids and closed enums, so their number is bounded.
//! May import: nothing of this crate.

use std::{sync::OnceLock, time::Duration};

use http::StatusCode;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder, core::Collector,
};

/// Seconds, from a tenth of a millisecond: the gateway's own share is far below a millisecond.
const OVERHEAD_BUCKETS: [f64; 10] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];
/// Seconds, for whole requests and plugin calls.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Seconds, from what a plugin call takes to what a citizen takes to sign in.
const STAGE_BUCKETS: [f64; 12] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// A metric that cannot be registered: its name or its labels are not valid.
pub use prometheus::Error as MetricsError;

/// All metrics of the process. Cheap to clone; outlives every generation of the configuration.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    http_requests: IntCounterVec,
    http_seconds: HistogramVec,
    overhead_seconds: HistogramVec,
    plugin_requests: IntCounterVec,
    plugin_seconds: HistogramVec,
    sessions_started: IntCounterVec,
    session_events: IntCounterVec,
    session_stages: HistogramVec,
    token_operations: IntCounterVec,
    config_generation: IntGauge,
    config_last_reload_success: IntGauge,
    config_last_reload_timestamp: IntGauge,
    config_reloads: IntCounterVec,
    log_lines_dropped: IntCounter,
}

/// Names one session in labels; a method that takes no part is the empty string.
#[derive(Debug, Clone, Copy)]
pub struct SessionLabels<'a> {
    pub purpose: &'a str,
    pub auth_method: &'a str,
    pub comm_method: &'a str,
}

impl Metrics {
    /// # Errors
    /// When a metric's name or labels are not valid, which a test rules out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            http_requests: counter(
                &registry,
                "idcontact_http_requests_total",
                "Requests answered, by route and status.",
                &["route", "status"],
            )?,
            http_seconds: histogram(
                &registry,
                "idcontact_http_request_seconds",
                "Time from a request's head to the last byte of its answer.",
                &["route"],
                &REQUEST_BUCKETS,
            )?,
            overhead_seconds: histogram(
                &registry,
                "idcontact_gateway_overhead_seconds",
                "The part of a request's time that was not spent waiting for an upstream or a plugin.",
                &["route"],
                &OVERHEAD_BUCKETS,
            )?,
            plugin_requests: counter(
                &registry,
                "idcontact_plugin_requests_total",
                "Calls to plugins, by operation and outcome.",
                &["plugin", "operation", "outcome"],
            )?,
            plugin_seconds: histogram(
                &registry,
                "idcontact_plugin_request_seconds",
                "Time that calls to plugins took.",
                &["plugin", "operation"],
                &REQUEST_BUCKETS,
            )?,
            sessions_started: counter(
                &registry,
                "idcontact_sessions_started_total",
                "Sessions started.",
                &["purpose", "auth_method", "comm_method", "kind"],
            )?,
            session_events: counter(
                &registry,
                "idcontact_session_events_total",
                "Steps of sessions and how they ended.",
                &["event", "outcome", "purpose", "auth_method", "comm_method"],
            )?,
            session_stages: histogram(
                &registry,
                "idcontact_session_stage_seconds",
                "Time that stages of sessions took: start, authentication, delivery.",
                &["stage"],
                &STAGE_BUCKETS,
            )?,
            token_operations: counter(
                &registry,
                "idcontact_token_operations_total",
                "Operations on tokens and how they ended: ok, expired, refused or failed.",
                &["operation", "outcome"],
            )?,
            config_generation: registered(
                &registry,
                IntGauge::new("idcontact_config_generation", "Number of the live configuration, from 1.")?,
            )?,
            config_last_reload_success: registered(
                &registry,
                IntGauge::new(
                    "idcontact_config_last_reload_success",
                    "1 when the last attempt to load the configuration succeeded.",
                )?,
            )?,
            config_last_reload_timestamp: registered(
                &registry,
                IntGauge::new(
                    "idcontact_config_last_reload_timestamp_seconds",
                    "When the configuration was last tried, in seconds since 1970.",
                )?,
            )?,
            config_reloads: counter(
                &registry,
                "idcontact_config_reloads_total",
                "Attempts to load the configuration, the first included: ok or refused.",
                &["outcome"],
            )?,
            log_lines_dropped: registered(
                &registry,
                IntCounter::new(
                    "idcontact_log_lines_dropped_total",
                    "Log lines lost because their reader was too slow.",
                )?,
            )?,
            registry,
        })
    }

    /// The handles of one route; ask once per generation, not per request.
    pub fn route(&self, label: &str) -> RouteMetrics {
        RouteMetrics {
            label: label.into(),
            metrics: self.clone(),
            ok: OnceLock::new(),
            seconds: OnceLock::new(),
            overhead: OnceLock::new(),
        }
    }

    /// Counts one call to a plugin; `outcome` is of a closed set.
    pub fn plugin_called(
        &self,
        plugin: &str,
        operation: &'static str,
        outcome: &'static str,
        elapsed: Duration,
    ) {
        self.plugin_requests.with_label_values(&[plugin, operation, outcome]).inc();
        self.plugin_seconds.with_label_values(&[plugin, operation]).observe(elapsed.as_secs_f64());
    }

    /// Counts a session that started; `kind` is of a closed set.
    pub fn session_started(&self, session: SessionLabels<'_>, kind: &'static str) {
        let SessionLabels { purpose, auth_method, comm_method } = session;
        self.sessions_started.with_label_values(&[purpose, auth_method, comm_method, kind]).inc();
    }

    /// Counts a step of a session; `event` and `outcome` are of closed sets.
    pub fn session_event(&self, session: SessionLabels<'_>, event: &'static str, outcome: &'static str) {
        let SessionLabels { purpose, auth_method, comm_method } = session;
        self.session_events.with_label_values(&[event, outcome, purpose, auth_method, comm_method]).inc();
    }

    /// Records how long a stage of a session took; `stage` is of a closed set.
    pub fn session_stage(&self, stage: &'static str, elapsed: Duration) {
        self.session_stages.with_label_values(&[stage]).observe(elapsed.as_secs_f64());
    }

    /// Counts an operation on a token; `operation` and `outcome` are of closed sets.
    pub fn token_operation(&self, operation: &'static str, outcome: &'static str) {
        self.token_operations.with_label_values(&[operation, outcome]).inc();
    }

    /// Records an attempt to load the configuration at this time (seconds since 1970).
    /// `generation` is the one that went live, `None` when the attempt failed.
    pub fn configuration_tried(&self, generation: Option<u64>, now: u64) {
        if let Some(generation) = generation {
            self.config_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        }
        let outcome = if generation.is_some() { "ok" } else { "refused" };
        self.config_reloads.with_label_values(&[outcome]).inc();
        self.config_last_reload_success.set(i64::from(generation.is_some()));
        self.config_last_reload_timestamp.set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    pub fn log_lines_dropped(&self, lines: u64) {
        self.log_lines_dropped.inc_by(lines);
    }

    /// The text that `/metrics` answers (Prometheus text format 0.0.4).
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory fails only for a metric without samples of its own kind: none is made.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

/// The metrics of one route, found once and used by each of its requests.
pub struct RouteMetrics {
    label: Box<str>,
    metrics: Metrics,
    // Made at first use: 100,000 routes must not cost 100,000 histograms.
    ok: OnceLock<IntCounter>,
    seconds: OnceLock<Histogram>,
    overhead: OnceLock<Histogram>,
}

impl RouteMetrics {
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Records one answered request: `elapsed` is its whole time, `overhead` the gateway's share.
    pub fn answered(&self, status: StatusCode, elapsed: Duration, overhead: Duration) {
        if status == StatusCode::OK {
            self.ok.get_or_init(|| self.counter(status)).inc();
        } else {
            self.counter(status).inc();
        }
        self.seconds
            .get_or_init(|| self.metrics.http_seconds.with_label_values(&[&*self.label]))
            .observe(elapsed.as_secs_f64());
        self.overhead
            .get_or_init(|| self.metrics.overhead_seconds.with_label_values(&[&*self.label]))
            .observe(overhead.as_secs_f64());
    }

    fn counter(&self, status: StatusCode) -> IntCounter {
        self.metrics.http_requests.with_label_values(&[&*self.label, status.as_str()])
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    registered(registry, HistogramVec::new(options, labels)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_in_all_three_http_metrics() {
        let metrics = Metrics::new().unwrap();
        let route = metrics.route("chat");
        route.answered(StatusCode::OK, Duration::from_millis(3), Duration::from_micros(80));
        route.answered(StatusCode::BAD_GATEWAY, Duration::from_secs(2), Duration::from_micros(80));
        let text = String::from_utf8(metrics.render()).unwrap();
        for line in [
            r#"idcontact_http_requests_total{route="chat",status="200"} 1"#,
            r#"idcontact_http_requests_total{route="chat",status="502"} 1"#,
            r#"idcontact_http_request_seconds_count{route="chat"} 2"#,
            r#"idcontact_gateway_overhead_seconds_bucket{route="chat",le="0.0001"} 2"#,
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_failed_load_keeps_the_generation() {
        let metrics = Metrics::new().unwrap();
        metrics.configuration_tried(Some(7), 100);
        metrics.configuration_tried(None, 200);
        let text = String::from_utf8(metrics.render()).unwrap();
        assert!(text.contains("idcontact_config_generation 7"), "{text}");
        assert!(text.contains("idcontact_config_last_reload_success 0"), "{text}");
        assert!(text.contains(r#"idcontact_config_reloads_total{outcome="refused"} 1"#), "{text}");
        assert!(text.contains("idcontact_config_last_reload_timestamp_seconds 200"), "{text}");
    }
}
