//! Doubtful but legal things in a configuration that is otherwise right. Names are masked in
//! messages: even a name can be a URL with a password.
//! May import: `check`, `link`, `mask`, `purposes`, `routes`, `model`.

use super::{
    AuthKind, AuthMethod, Config, Purpose,
    check::{Checker, enumerate},
    link::Used,
    mask::mask,
    purposes::PurposePlace,
    routes::Places,
};
use crate::model::AttributeTag;

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
        for method in purpose.allowed_auth.iter().filter_map(|id| config.auth.get(id.0)) {
            let missing = missing_attributes(purpose, method);
            if !missing.is_empty() {
                let missing: Vec<_> = missing.into_iter().map(|attribute| mask(attribute.as_str())).collect();
                let missing = enumerate(missing.iter().map(String::as_str));
                checker
                    .warning(
                        "unprovided-attribute",
                        &place.tag,
                        format!(
                            "the method `{}` cannot satisfy the purpose `{}`",
                            mask(method.tag.as_str()),
                            mask(purpose.tag.as_str())
                        ),
                    )
                    .with_label(format!("asks for {missing}"))
                    .with_help(match method.kind {
                        AuthKind::Test { .. } => {
                            format!("add {missing} to the method's `test: {{ attributes: … }}`")
                        }
                        AuthKind::Remote { .. } => {
                            format!("add {missing} to the method's `provides`, or do not allow it here")
                        }
                    });
            }
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

/// What a purpose asks for and a method is known not to prove.
fn missing_attributes<'p>(purpose: &'p Purpose, method: &AuthMethod) -> Vec<&'p AttributeTag> {
    let known: Vec<&AttributeTag> = match (&method.provides, &method.kind) {
        (Some(provides), _) => provides.iter().collect(),
        (None, AuthKind::Test { attributes }) => attributes.iter().map(|(tag, _)| tag).collect(),
        (None, AuthKind::Remote { .. }) => return Vec::new(),
    };
    purpose.attributes.iter().filter(|attribute| !known.contains(attribute)).collect()
}
