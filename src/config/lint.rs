//! Doubtful but legal things in a configuration that is otherwise right. Names are masked in
//! messages: even a name can be a URL with a password.
//! May import: `check`, `link`, `mask`, `purposes`, `routes`.

use super::{
    Config, Purpose, check::Checker, link::Used, mask::mask, purposes::PurposePlace, routes::Places,
};

/// Warnings about routes.yaml.
pub fn check_routes(config: &Config, used: &Used, places: &Places, checker: &mut Checker) {
    for (route, place) in config.routes.iter().zip(&places.routes) {
        if route.strip_path && route.path == "/" {
            checker
                .warning(
                    "strip-path",
                    &place.strip_path,
                    format!("`strip_path` does nothing in the route `{}`", mask(route.id.as_str())),
                )
                .with_help(
                    "its path is `/`, so there is nothing to take away: remove the key or set a `path`",
                );
        }
    }
    for (index, (upstream, place)) in config.upstreams.iter().zip(&places.upstreams).enumerate() {
        if !used.upstreams.contains(&index) {
            checker
                .warning(
                    "unused-upstream",
                    place,
                    format!("nobody uses the upstream `{}`", mask(upstream.name.as_str())),
                )
                .with_help("refer to it from a route or by `start: upstream:NAME`, or remove it");
        }
    }
}

/// Warnings about purposes.yaml.
pub fn check_purposes(config: &Config, places: &[PurposePlace], checker: &mut Checker) {
    for (purpose, place) in config.purposes.iter().zip(places) {
        if let Some(reason) = unusable(purpose) {
            checker
                .warning(
                    "unusable-purpose",
                    &place.tag,
                    format!("nobody can use the purpose `{}`", mask(purpose.tag.as_str())),
                )
                .with_label(reason)
                .with_help("name at least one method in both `allowed_auth` and `allowed_comm`");
        }
    }
}

fn unusable(purpose: &Purpose) -> Option<&'static str> {
    if purpose.allowed_comm.is_empty() {
        Some("it allows no communication method")
    } else if purpose.allowed_auth.is_empty() && !purpose.unauthenticated {
        Some("it allows no authentication method")
    } else {
        None
    }
}
