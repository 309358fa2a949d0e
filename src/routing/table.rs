//! Which route a request takes.
//!
//! May import: `config`.

use ahash::AHashMap;

use crate::config::Route;

/// The routes, ready for look-up. The most specific one wins: an exact host before any host, then
/// the longest path prefix that ends at a segment border.
///
/// A look-up asks one hash table per host for each prefix of the path, so its cost is bounded by
/// the deepest route of that host and not by the number of routes or the length of the path. The
/// tables are keyed by what strangers send, hence a keyed hash.
#[derive(Debug, Default)]
pub struct RouteTable {
    hosts: AHashMap<Box<str>, PathTable>,
    any_host: PathTable,
}

impl RouteTable {
    /// Of two routes with the same host and path, the first counts.
    pub fn new(routes: &[Route]) -> Self {
        let mut table = Self::default();
        for (index, route) in routes.iter().enumerate() {
            let paths = match &route.host {
                Some(host) => table.hosts.entry(host.as_str().into()).or_default(),
                None => &mut table.any_host,
            };
            paths.insert(&route.path, index);
        }
        table
    }

    /// The index of the route for a host (as [`host_key`](super::host_key) gives it) and a
    /// normalised path. Routes without a host are asked only when none of the host's own matches.
    pub fn find(&self, host_key: Option<&str>, path: &str) -> Option<usize> {
        host_key.and_then(|host| self.find_exact_host(host, path)).or_else(|| self.any_host.find(path))
    }

    /// As [`Self::find`], among the routes that name this host.
    pub fn find_exact_host(&self, host_key: &str, path: &str) -> Option<usize> {
        if self.hosts.is_empty() {
            return None;
        }
        self.hosts.get(host_key)?.find(path)
    }

    /// Whether any route names this host: the gateway's own paths do not answer there.
    pub fn claims_host(&self, host_key: &str) -> bool {
        !self.hosts.is_empty() && self.hosts.contains_key(host_key)
    }
}

/// The routes of one host.
#[derive(Debug, Default)]
struct PathTable {
    /// The route with path `/`.
    root: Option<usize>,
    prefixes: AHashMap<Box<str>, usize>,
    /// Most segments that a prefix has.
    depth: usize,
    /// Most bytes that a prefix has.
    length: usize,
}

impl PathTable {
    fn insert(&mut self, path: &str, route: usize) {
        if path == "/" {
            self.root.get_or_insert(route);
            return;
        }
        self.depth = self.depth.max(segment_ends(path).count());
        self.length = self.length.max(path.len());
        self.prefixes.entry(path.into()).or_insert(route);
    }

    fn find(&self, path: &str) -> Option<usize> {
        let mut best = self.root;
        for end in segment_ends(path).take(self.depth).take_while(|end| *end <= self.length) {
            if let Some(route) = path.get(..end).and_then(|prefix| self.prefixes.get(prefix)) {
                best = Some(*route);
            }
        }
        best
    }
}

/// Where each segment of a path that starts with a slash ends, in bytes.
fn segment_ends(path: &str) -> impl Iterator<Item = usize> {
    path.match_indices('/').map(|(index, _)| index).skip(1).chain([path.len()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        config::{HeaderEdit, Rewrite, UpstreamId},
        model::RouteId,
    };

    fn route(host: Option<&str>, path: &str) -> Route {
        Route {
            id: RouteId::parse("r").unwrap(),
            host: host.map(str::to_owned),
            path: path.to_owned(),
            upstream: UpstreamId(0),
            strip_path: false,
            rewrite: Rewrite { redirects: true, cookies: true },
            request_headers: HeaderEdit::default(),
            response_headers: HeaderEdit::default(),
            body_limit: None,
        }
    }

    #[test]
    fn the_most_specific_route_wins() {
        let table = RouteTable::new(&[
            route(None, "/chat"),
            route(None, "/"),
            route(None, "/chat/rooms/one"),
            route(Some("a.example"), "/chat"),
            route(Some("a.example"), "/chat"),
        ]);
        for (host, path, expected) in [
            (None, "/chat", Some(0)),
            (None, "/chat/", Some(0)),
            (None, "/chat//x", Some(0)),
            (None, "/chat/rooms", Some(0)),
            (None, "/chat/rooms/one/x", Some(2)),
            (None, "/chat/rooms/ones", Some(0)),
            (None, "/chatter", Some(1)),
            (None, "/", Some(1)),
            (None, "//chat", Some(1)),
            (Some("b.example"), "/chat", Some(0)),
            (Some("a.example"), "/chat/rooms/one", Some(3)),
            (Some("a.example"), "/other", Some(1)),
        ] {
            assert_eq!(table.find(host, path), expected, "{host:?} {path}");
        }
        assert_eq!(table.find_exact_host("a.example", "/other"), None);
        assert!(table.claims_host("a.example") && !table.claims_host("b.example"));
        assert_eq!(RouteTable::new(&[]).find(Some("a"), "/"), None);
        assert_eq!(RouteTable::new(&[route(None, "/é")]).find(None, "/e/x"), None);
    }

    #[test]
    fn a_long_path_costs_no_more_than_the_deepest_route() {
        let table = RouteTable::new(&[route(None, "/a/b")]);
        assert_eq!((table.any_host.depth, table.any_host.length), (2, 4));
        assert_eq!(table.find(None, &"/".repeat(100_000)), None);
        assert_eq!(table.find(None, &format!("/a/b{}", "/".repeat(100_000))), Some(0));
    }

    /// The rule as design.md has it, one route after the other.
    fn linear_search(routes: &[Route], host: Option<&str>, path: &str) -> Option<usize> {
        let covers = |route: &Route| {
            let rest = path.strip_prefix(&route.path);
            route.path == "/" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let longest = |wanted: Option<&str>| {
            let candidates =
                routes.iter().enumerate().filter(|(_, r)| r.host.as_deref() == wanted && covers(r));
            candidates.rev().max_by_key(|(_, route)| route.path.len()).map(|(index, _)| index)
        };
        host.and_then(|host| longest(Some(host))).or_else(|| longest(None))
    }

    fn host() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(&[None, Some("a"), Some("b")][..])
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(&["/a", "/b", "/ab", "/ba"][..]), 0..5)
            .prop_map(|segments| if segments.is_empty() { "/".into() } else { segments.concat() })
    }

    fn requested() -> impl Strategy<Value = String> {
        (path(), prop::sample::select(&["", "/", "//a", "a", "/b"][..])).prop_map(|(path, end)| path + end)
    }

    proptest! {
        #[test]
        fn look_up_equals_a_linear_search(
            routes in prop::collection::vec((host(), path()), 0..20),
            requests in prop::collection::vec((host(), requested()), 1..20),
        ) {
            let routes: Vec<_> = routes.iter().map(|(host, path)| route(*host, path)).collect();
            let table = RouteTable::new(&routes);
            for (host, path) in &requests {
                prop_assert_eq!(table.find(*host, path), linear_search(&routes, *host, path), "{:?} {}", host, path);
            }
        }
    }
}
