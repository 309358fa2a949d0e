//! `explain`: what the proxy would do with a URL, decided by the proxy's own matcher; and what crosses
//! each hop in the sessions of a purpose.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::Args;
use http::{HeaderMap, HeaderValue, header};

use super::{ConfigDirectory, complain, crossing, print, tags::position};
use crate::{
    config::{Config, Route},
    metrics::Metrics,
    model::{BaseUrl, PluginUrl},
    proxy::decide::{Decision, decide},
    session::endpoints::Listener,
    snapshot::{Foundation, Snapshot},
};

#[derive(Args)]
pub(super) struct ExplainArguments {
    /// The URL as a browser has it, such as `https://contact.example.nl/chat/room`, or the tag of a
    /// purpose.
    #[arg(value_name = "URL_OR_PURPOSE")]
    subject: String,
    #[command(flatten)]
    config: ConfigDirectory,
}

pub(super) fn explain(arguments: &ExplainArguments) -> ExitCode {
    let config = match arguments.config.load() {
        Ok(config) => config,
        Err(invalid) => return invalid,
    };
    match explanation(config, &arguments.subject) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            complain(&format!("error: {reason}\n"));
            ExitCode::FAILURE
        }
    }
}

fn explanation(config: Config, subject: &str) -> Result<String, String> {
    let tags: Vec<_> = config.purposes.iter().map(|purpose| purpose.tag.as_str()).collect();
    match position("purpose", subject, &tags) {
        Ok(index) => Ok(crossing::describe(&config, &config.purposes[index])),
        Err(_) if subject.contains("://") => explanation_of_url(config, subject),
        Err(reason) => Err(format!("{reason}; and a URL begins with http:// or https://")),
    }
}

fn explanation_of_url(config: Config, url: &str) -> Result<String, String> {
    PluginUrl::parse_attr_url(url.to_owned())
        .map_err(|reason| format!("the URL cannot be used: {reason}"))?;
    // The target stays as it was typed: the gateway must see `..` and `%2f` as a client sends them.
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let without_fragment = after_scheme.split('#').next().unwrap_or_default();
    let (authority, target) = match without_fragment.find(['/', '?']) {
        Some(at) => without_fragment.split_at(at),
        None => (without_fragment, "/"),
    };
    let target = if target.starts_with('?') { format!("/{target}") } else { target.to_owned() };
    let host = HeaderValue::from_str(authority).map_err(|_| "the host cannot be used".to_owned())?;
    let snapshot = snapshot(config)?;
    let headers = HeaderMap::from_iter([(header::HOST, host)]);
    let decision = decide(Listener::Public, &snapshot, target.as_bytes(), &headers);
    Ok(describe(&snapshot, &decision, &target))
}

fn snapshot(config: Config) -> Result<Snapshot, String> {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    let foundation = Foundation::new(metrics, nowhere, nowhere).map_err(|error| error.to_string())?;
    Ok(Snapshot::build(0, config, &foundation))
}

fn describe(snapshot: &Snapshot, decision: &Decision<'_>, target: &str) -> String {
    match decision {
        Decision::Own { endpoint, .. } => format!("answered by the gateway itself ({})\n", endpoint.label()),
        Decision::Refuse(problem) => {
            format!(
                "refused with {}: {} ({})\n",
                problem.code.status(),
                problem.detail,
                problem.code.as_str()
            )
        }
        Decision::Forward { route, path_and_query } => {
            let config = snapshot.config();
            match config.routes.get(*route) {
                Some(route) => describe_route(config, route, path_and_query.as_deref().unwrap_or(target)),
                None => "the route is not in the configuration\n".to_owned(),
            }
        }
    }
}

fn describe_route(config: &Config, route: &Route, upstream_target: &str) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to memory does not fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("route", route.id.as_str());
    line("matches", &format!("{} {}", route.host.as_deref().unwrap_or("any host,"), route.path));
    if let Some(upstream) = config.upstreams.get(route.upstream.0) {
        let servers: Vec<_> = upstream.servers.iter().map(BaseUrl::as_str).collect();
        line("upstream", &format!("{} ({})", upstream.name, servers.join(", ")));
    }
    line("forwards", upstream_target);
    let rewrites: Vec<_> = [
        (route.rewrite.redirects, "Location, Content-Location, Refresh, Link"),
        (route.rewrite.cookies, "Set-Cookie"),
    ]
    .into_iter()
    .filter_map(|(on, what)| on.then_some(what))
    .collect();
    let rewrites = if rewrites.is_empty() { "nothing".to_owned() } else { rewrites.join(", ") };
    line("rewrites", &rewrites);
    for (edit, name) in [(&route.request_headers, "request"), (&route.response_headers, "response")] {
        let set = edit.set.iter().map(|(name, _)| format!("set {name}"));
        let remove = edit.remove.iter().map(|name| format!("remove {name}"));
        let edits: Vec<_> = set.chain(remove).collect();
        if !edits.is_empty() {
            line(name, &edits.join(", "));
        }
    }
    if let Some(limit) = route.body_limit {
        line("body", &format!("at most {limit} bytes"));
    }
    text
}
