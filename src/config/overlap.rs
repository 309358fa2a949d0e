//! Routes against each other and against the gateway's own paths.
//! May import: `check`, `routes`, `model`.

use std::collections::HashMap;

use super::{
    Gateway,
    check::Checker,
    routes::{RouteKey, RoutePlace},
};
use crate::model::RESERVED;

/// Reports routes that no request would reach as written: two for the same host and path, and
/// those over or under the gateway's own paths.
pub fn check(keys: &[RouteKey], gateway: Option<&Gateway>, checker: &mut Checker) {
    let mut taken: HashMap<(Option<&str>, &str), &RoutePlace> = HashMap::with_capacity(keys.len());
    for route in keys {
        let place = &route.place;
        match taken.get(&(route.host.as_deref(), &route.path)) {
            Some(first) => checker.same_route(route, place, first),
            None => {
                taken.insert((route.host.as_deref(), &route.path), place);
            }
        }
        if gateway.is_some_and(|gateway| shares_host(route, gateway))
            && let Some(reserved) = RESERVED.iter().find(|reserved| covers(&route.path, reserved))
        {
            checker.reserved_path(route, place, reserved);
        }
    }
}

/// A route for another host may use any path: that host is its own.
fn shares_host(route: &RouteKey, gateway: &Gateway) -> bool {
    route.host.as_deref().is_none_or(|host| host == gateway.public_url.host())
}

/// Whether one path lies at, below or above the other. The root lies above everything and takes
/// nothing away, because the gateway's own paths go first.
fn covers(path: &str, reserved: &str) -> bool {
    path != "/" && (is_within(path, reserved) || is_within(reserved, path))
}

fn is_within(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Checker<'_> {
    fn same_route(&mut self, route: &RouteKey, place: &RoutePlace, first: &RoutePlace) {
        let first = self.place(&first.path);
        let host = if route.host.is_some() { "the same host" } else { "any host" };
        self.error("duplicate-route", &place.path, format!("two routes match {host} and the same path"))
            .with_label("matched again here")
            .with_also(first, "matched first here")
            .with_help("remove one of them, or give it another host or path");
    }

    fn reserved_path(&mut self, route: &RouteKey, place: &RoutePlace, reserved: &str) {
        let message = format!("this route would cover the gateway's own path `{reserved}`");
        let help = match route.host {
            Some(_) => "choose another path, or a host other than that of `public_url`",
            None => "choose another path, or give the route a `host` of its own",
        };
        self.error("reserved-path", &place.path, message).with_help(help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_what_lies_above_and_below_it() {
        for path in ["/auth", "/auth/irma", "/.well-known", "/static/x/y", "/widget.js"] {
            assert!(RESERVED.iter().any(|reserved| covers(path, reserved)), "{path}");
        }
        for path in ["/", "/authentication", "/chat", "/.well-known/acme-challenge", "/widget.json"] {
            assert!(!RESERVED.iter().any(|reserved| covers(path, reserved)), "{path}");
        }
    }
}
