//! What to do with a request, by its head alone.

use http::{HeaderMap, header};

use crate::{
    routing::{OwnPath, host_key, normalise, own_path},
    session::{
        Problem, ProblemCode,
        endpoints::{Endpoint, Listener},
    },
    snapshot::Snapshot,
};

/// The outcome: every request has exactly one.
pub enum Decision<'p> {
    /// One of the gateway's own endpoints answers.
    Own {
        path: OwnPath<'p>,
        endpoint: Endpoint,
    },
    /// The route of this index forwards; `path_and_query` is given where it differs.
    Forward {
        route: usize,
        path_and_query: Option<String>,
    },
    Refuse(Problem),
}

/// Decides for a request target as received (path and query) and its headers.
pub fn decide<'p>(
    listener: Listener,
    snapshot: &Snapshot,
    target: &'p [u8],
    headers: &HeaderMap,
) -> Decision<'p> {
    let Ok(target) = std::str::from_utf8(target) else {
        return refuse(ProblemCode::InvalidPath, "the path is not UTF-8");
    };
    let Some(host) = host(headers) else {
        return refuse(ProblemCode::MissingHost, "send exactly one valid Host header");
    };
    let (raw_path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let own = own_path(raw_path);
    if let Some(own) = own
        && !routed_away(listener, snapshot, &host, raw_path)
    {
        let endpoint = Endpoint::of(&own, listener);
        return Decision::Own { path: own, endpoint };
    }
    let path = match normalise(raw_path) {
        Ok(path) => path,
        Err(error) => return Decision::Refuse(Problem::new(ProblemCode::InvalidPath, error.to_string())),
    };
    let found = match listener {
        Listener::Public => snapshot.routes().find(Some(&host), &path),
        Listener::Internal => None,
    };
    let Some((route, forward)) = found.and_then(|route| Some((route, snapshot.forward(route)?))) else {
        return refuse(ProblemCode::NotFound, "no endpoint and no route matches the path");
    };
    let upstream_path = forward.mapping.upstream_path(&path);
    if upstream_path.starts_with("//") && !path.starts_with("//") {
        // Upstreams that redirect to their own path would send the client to another host.
        return refuse(ProblemCode::InvalidPath, "the path has two slashes after the route's own");
    }
    let path_and_query = (upstream_path != raw_path).then(|| match query {
        Some(query) => format!("{upstream_path}?{query}"),
        None => upstream_path.to_owned(),
    });
    Decision::Forward { route, path_and_query }
}

fn refuse(code: ProblemCode, detail: &'static str) -> Decision<'static> {
    Decision::Refuse(Problem::new(code, detail))
}

/// A host that a route names for itself, other than the public one, belongs to its routes whole.
fn routed_away(listener: Listener, snapshot: &Snapshot, host: &str, raw_path: &str) -> bool {
    listener == Listener::Public
        && host != snapshot.public_url().host()
        && snapshot.routes().claims_host(host)
        && normalise(raw_path).is_ok_and(|path| snapshot.routes().find_exact_host(host, &path).is_some())
}

/// The host of a request, as the route table knows hosts.
fn host(headers: &HeaderMap) -> Option<std::borrow::Cow<'_, str>> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        return None;
    }
    host_key(host)
}
