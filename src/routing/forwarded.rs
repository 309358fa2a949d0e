//! Headers that must not pass from one side of the gateway to the other.
//!
//! Pure decisions: the names to remove. Remove first and set the gateway's own headers afterwards,
//! so that no stranger's `Connection` can remove them again.
//! May import: nothing of this crate.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, UPGRADE},
};

/// Fields that end at each hop (RFC 9110, section 7.6.1), in lower case. `TE` goes even with
/// `trailers`: the gateway promises to forward none. `Transfer-Encoding` is not here: it belongs
/// to the framing. `HTTP2-Settings` comes with `Upgrade: h2c`.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
];

/// Fields that `Connection` cannot remove: they have their meaning end to end, so that no sender
/// may name them (RFC 9110, section 7.6.1), and without them the message would be another one.
const END_TO_END: [&str; 10] = [
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "location",
    "set-cookie",
    "transfer-encoding",
];

/// Fields that tell on whose behalf a proxy asks, beside all of `X-Forwarded-*`.
const FORWARDING: [&str; 4] = ["forwarded", "x-forwarded", "x-real-ip", "x-request-id"];

/// The fields of a message to remove before it goes on: those that end at each hop, and those that
/// `Connection` names, except what has its meaning end to end and what tells who asked.
///
/// With `upgrade`, `Upgrade` stays, unless it asks for `h2c`: a tunnel of requests past the routes.
/// `Connection` goes in any case; for an upgrade the caller sets `Connection: Upgrade`.
pub fn strip_hop_by_hop(headers: &HeaderMap, upgrade: bool) -> Vec<HeaderName> {
    let mut names: Vec<_> =
        headers.keys().filter(|name| HOP_BY_HOP.contains(&name.as_str())).cloned().collect();
    let keep_upgrade = upgrade && !headers.get_all(UPGRADE).iter().any(asks_for_h2c);
    if headers.contains_key(UPGRADE) && !keep_upgrade {
        names.push(UPGRADE);
    }
    for name in headers.get_all(CONNECTION).iter().flat_map(named_fields) {
        let kept = name == UPGRADE || END_TO_END.contains(&name.as_str()) || is_forwarding(&name);
        if !kept && headers.contains_key(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a field tells on whose behalf a proxy asks: `Forwarded`, `X-Forwarded-*`, `X-Real-IP`,
/// `X-Request-Id`, however it is spelled: see [`same_field`].
fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str();
    let forwarded = "x-forwarded-";
    FORWARDING.iter().any(|known| same_field(known, name))
        || name.get(..forwarded.len()).is_some_and(|start| same_field(forwarded, start))
}

/// The fields of a request to remove because a stranger wrote them: all that [`is_forwarding`].
pub fn strip_forwarding(headers: &HeaderMap) -> Vec<HeaderName> {
    headers.keys().filter(|name| is_forwarding(name)).cloned().collect()
}

/// The fields of a request that a server may take for this one, itself included: see [`same_field`].
pub fn spellings(headers: &HeaderMap, known: &HeaderName) -> Vec<HeaderName> {
    headers.keys().filter(|name| same_field(known.as_str(), name.as_str())).cloned().collect()
}

/// CGI-like servers take hyphens for underscores, and some of them every other sign too: only letters and
/// digits tell names apart.
fn same_field(known: &str, name: &str) -> bool {
    let folded = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    let same = |(known, byte)| folded(known) == folded(byte);
    known.len() == name.len() && known.bytes().zip(name.bytes()).all(same)
}

/// A token of `Upgrade` may carry a version: `h2c/1`.
fn asks_for_h2c(value: &HeaderValue) -> bool {
    tokens(value).any(|token| token.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"h2c")))
}

fn named_fields(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    tokens(value).filter_map(|token| HeaderName::from_bytes(token).ok())
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn stripped(lines: &[(&'static str, &'static str)], upgrade: bool) -> Vec<String> {
        let mut names: Vec<_> =
            strip_hop_by_hop(&headers(lines), upgrade).iter().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn what_ends_at_a_hop_is_removed_with_what_connection_names() {
        let lines = [
            ("connection", "close, X-Debug ,upgrade,bad name,x-absent"),
            ("connection", "x-second"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-debug", "1"),
            ("x-second", "1"),
            ("x-kept", "1"),
            ("upgrade", "websocket"),
        ];
        let without = ["connection", "keep-alive", "te", "upgrade", "x-debug", "x-second"];
        assert_eq!(stripped(&lines, false), without);
        assert_eq!(
            stripped(&lines, true),
            without.iter().copied().filter(|n| *n != "upgrade").collect::<Vec<_>>()
        );
        assert!(stripped(&[("accept", "*/*")], false).is_empty());
    }

    #[test]
    fn connection_cannot_remove_what_has_its_meaning_end_to_end() {
        let lines = [
            (
                "connection",
                "host, Content-Length, transfer-encoding, authorization, cookie, x-forwarded-for, x-request-id",
            ),
            ("host", "a"),
            ("content-length", "1"),
            ("transfer-encoding", "chunked"),
            ("authorization", "x"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-request-id", "1"),
        ];
        assert_eq!(stripped(&lines, false), ["connection"]);
    }

    #[test]
    fn no_upgrade_to_http_2_passes() {
        for token in ["h2c", "H2C", "websocket, h2c"] {
            let lines =
                [("connection", "upgrade, http2-settings"), ("upgrade", token), ("http2-settings", "x")];
            assert_eq!(stripped(&lines, true), ["connection", "http2-settings", "upgrade"], "{token}");
        }
    }

    #[test]
    fn strangers_copies_are_found_however_they_are_written() {
        let strange = [
            ("forwarded", "for=x"),
            ("x-forwarded-for", "x"),
            ("x_forwarded_proto", "x"),
            ("x-forwarded-anything", "x"),
            ("x-forwarded", "x"),
            ("x-real_ip", "x"),
            ("x.real~ip", "x"),
            ("x!forwarded.for", "x"),
            ("x-request-id", "x"),
        ];
        assert_eq!(strip_forwarding(&headers(&strange)).len(), strange.len());
        let kept = [("x-forward", "x"), ("forwarded-for", "x"), ("x-tenant", "x"), ("x-request-ids", "x")];
        assert!(strip_forwarding(&headers(&kept)).is_empty());
    }
}
