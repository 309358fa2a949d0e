//! The paths that are the gateway's own.

/// The gateway's own paths (design.md, "Endpoints"): each of them and everything below it. No
/// route may stand at or below one. Without a slash at the end, already normalised.
pub const RESERVED: &[&str] = &[
    "/session_options",
    "/start",
    "/session",
    "/auth",
    "/comm",
    "/choose",
    "/static",
    "/widget.js",
    "/.well-known/jwks.json",
    "/openapi.json",
];

/// Whether a normalised path is one of the gateway's own or lies below one.
pub fn is_reserved(path: &str) -> bool {
    RESERVED
        .iter()
        .any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_ends_at_a_segment_border() {
        for path in ["/start", "/start/x", "/.well-known/jwks.json", "/session/foo"] {
            assert!(is_reserved(path), "{path}");
        }
        for path in ["/", "/startx", "/.well-known/acme-challenge/x", "/x/start", "//start"] {
            assert!(!is_reserved(path), "{path}");
        }
    }
}
