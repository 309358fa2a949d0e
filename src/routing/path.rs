//! Request paths and `Host` values in the one form that is matched and forwarded.
//!
//! Two readers of the same bytes must not see two different paths: whatever a server behind the
//! gateway could resolve to another path than the one that was matched is refused here.
//! May import: nothing of this crate.

use std::{borrow::Cow, net::Ipv6Addr};

/// Why a request path is refused. Never holds the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("the path has dot segments")]
    DotSegment,
    #[error("the path has an encoded slash")]
    EncodedSlash,
    #[error("the path has an encoded NUL")]
    Nul,
    #[error("the path has a backslash")]
    Backslash,
    #[error("the path is malformed")]
    Malformed,
}

/// The path to match and to forward, from a request path as received, without its query:
/// percent-encoded unreserved characters are decoded and the hexadecimal digits of other escapes
/// are upper case (RFC 3986, sections 6.2.2.1 and 6.2.2.2). Everything else stays, empty segments
/// included. Borrows when nothing changes.
///
/// # Errors
/// [`PathError`] for what readers disagree on: dot segments, also encoded or with parameters
/// (`..;x`, which some servers take for `..`); encoded slashes and backslashes; backslashes; NUL;
/// control characters, spaces, `?` and `#`; broken escapes; a path that starts without a slash.
pub fn normalise(raw_path: &str) -> Result<Cow<'_, str>, PathError> {
    if !raw_path.starts_with('/') {
        return Err(PathError::Malformed);
    }
    let mut escapes = false;
    for byte in raw_path.bytes() {
        match byte {
            b'\\' => return Err(PathError::Backslash),
            0..=b' ' | 0x7f | b'?' | b'#' => return Err(PathError::Malformed),
            b'%' => escapes = true,
            _ => {}
        }
    }
    let path = if escapes { normalise_escapes(raw_path)? } else { Cow::Borrowed(raw_path) };
    if path.contains("/.") && path.split('/').any(is_dot_segment) {
        return Err(PathError::DotSegment);
    }
    Ok(path)
}

/// The host that a `Host` header names: lower case, without port or a dot at its end, an IPv6
/// address in brackets and in its shortest form (RFC 5952). `None` when it is not a host with an
/// optional port: empty, with userinfo, white space, empty labels or a port above 65535.
pub fn host_key(host_header: &str) -> Option<Cow<'_, str>> {
    if let Some(address) = host_header.strip_prefix('[') {
        let (address, port) = address.split_once(']')?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return ipv6_key(address).filter(|_| is_port).map(Cow::Owned);
    }
    let (host, port) = host_header.split_once(':').unwrap_or((host_header, ""));
    let host = host.strip_suffix('.').unwrap_or(host);
    if !is_port(port) || !is_host_name(host) {
        return None;
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(host.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(host))
}

/// Whether a path, resolved as RFC 3986 (section 5.2.4) says, climbs above its root. Browsers take
/// encoded dots for dots.
pub(super) fn climbs_out(path: &str) -> bool {
    let mut depth = 0_usize;
    for segment in path.split('/').skip(1) {
        match dots(segment) {
            Some(1) => {}
            Some(_) if depth == 0 => return true,
            Some(_) => depth -= 1,
            None => depth += 1,
        }
    }
    false
}

fn normalise_escapes(path: &str) -> Result<Cow<'_, str>, PathError> {
    let mut normal = true;
    for after_percent in path.split('%').skip(1) {
        let (digits, byte) = escape(after_percent)?;
        match byte {
            0 => return Err(PathError::Nul),
            b'/' => return Err(PathError::EncodedSlash),
            b'\\' => return Err(PathError::Backslash),
            _ => normal &= !is_unreserved(byte) && !digits.bytes().any(|b| b.is_ascii_lowercase()),
        }
    }
    if normal {
        return Ok(Cow::Borrowed(path));
    }
    let mut parts = path.split('%');
    let mut output = String::with_capacity(path.len());
    output.push_str(parts.next().unwrap_or_default());
    for after_percent in parts {
        let (digits, byte) = escape(after_percent)?;
        if is_unreserved(byte) {
            output.push(char::from(byte));
        } else {
            output.push('%');
            output.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
        }
        output.push_str(after_percent.get(digits.len()..).unwrap_or_default());
    }
    Ok(Cow::Owned(output))
}

/// The two digits after a percent sign and the byte they stand for.
fn escape(after_percent: &str) -> Result<(&str, u8), PathError> {
    let digits = after_percent.get(..2).ok_or(PathError::Malformed)?;
    // `from_str_radix` alone would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PathError::Malformed);
    }
    let byte = u8::from_str_radix(digits, 16).map_err(|_| PathError::Malformed)?;
    Ok((digits, byte))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether a segment with its unreserved characters decoded is a dot segment, perhaps with
/// parameters.
fn is_dot_segment(segment: &str) -> bool {
    let rest = segment.trim_start_matches('.');
    let dots = segment.len() - rest.len();
    matches!(dots, 1 | 2) && (rest.is_empty() || rest.starts_with(';') || rest.starts_with("%3B"))
}

/// How many dots a dot segment has, encoded or not; `None` for any other segment.
fn dots(segment: &str) -> Option<usize> {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        rest = rest
            .strip_prefix('.')
            .or_else(|| rest.strip_prefix("%2e"))
            .or_else(|| rest.strip_prefix("%2E"))?;
        count += 1;
    }
    matches!(count, 1 | 2).then_some(count)
}

fn is_host_name(host: &str) -> bool {
    host.split('.').all(|label| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// RFC 3986 allows an empty port.
pub(super) fn is_port(port: &str) -> bool {
    port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

fn ipv6_key(address: &str) -> Option<String> {
    address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unreserved_characters_are_decoded_and_the_rest_stays() {
        for (raw, expected) in [
            ("/", "/"),
            ("/%63hat", "/chat"),
            ("/a//b/", "/a//b/"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/caf%C3%A9", "/caf%C3%A9"),
            ("/a%2Db%7e", "/a-b~"),
            ("/a%20b%25", "/a%20b%25"),
            ("/%252e%252e", "/%252e%252e"),
            ("/.well-known/x", "/.well-known/x"),
            ("/..a/...", "/..a/..."),
            ("/a;x=1/b:c@d", "/a;x=1/b:c@d"),
        ] {
            assert_eq!(normalise(raw).unwrap(), expected, "{raw}");
        }
        assert!(matches!(normalise("/a%20b//.c"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_readers_disagree_on_is_refused() {
        for (raw, expected) in [
            ("/..", PathError::DotSegment),
            ("/a/./b", PathError::DotSegment),
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/a/.%2e", PathError::DotSegment),
            ("/a/..;/b", PathError::DotSegment),
            ("/a/.%2e%3bx/b", PathError::DotSegment),
            ("/a%2fb", PathError::EncodedSlash),
            ("/a%5Cb", PathError::Backslash),
            ("/a\\b", PathError::Backslash),
            ("/a%00", PathError::Nul),
            ("/a\0", PathError::Malformed),
            ("/a\r\nb", PathError::Malformed),
            ("/a b", PathError::Malformed),
            ("/a\x7f", PathError::Malformed),
            ("/a?b", PathError::Malformed),
            ("/a#b", PathError::Malformed),
            ("/%", PathError::Malformed),
            ("/%4", PathError::Malformed),
            ("/%+1", PathError::Malformed),
            ("/%é", PathError::Malformed),
            ("/%zz", PathError::Malformed),
            ("", PathError::Malformed),
            ("*", PathError::Malformed),
            ("http://h/x", PathError::Malformed),
        ] {
            assert_eq!(normalise(raw), Err(expected), "{raw:?}");
        }
    }

    #[test]
    fn hosts_are_compared_without_case_port_or_final_dot() {
        for (header, expected) in [
            ("Contact.Example.NL:8443", "contact.example.nl"),
            ("localhost", "localhost"),
            ("a_b.example.", "a_b.example"),
            ("a:", "a"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[0:0::ABCD]", "[::abcd]"),
        ] {
            assert_eq!(host_key(header).as_deref(), Some(expected), "{header}");
        }
        for header in [
            "",
            ":80",
            ".",
            "a..b",
            ".a",
            "a..",
            "u@h",
            "a b",
            " a",
            "a,b",
            "a/b",
            "a:b",
            "a:65536",
            "a:+1",
            "a:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "[v1.a]",
            "[fe80::1%eth0]",
            "é",
            "a%2e",
            "a\0",
        ] {
            assert_eq!(host_key(header), None, "{header:?}");
        }
    }

    #[test]
    fn climbing_is_seen_through_encoding() {
        for path in ["/..", "/../x", "/a/../../x", "/%2e%2E/x", "/a/.%2e/./.."] {
            assert!(climbs_out(path), "{path}");
        }
        for path in ["/", "/a/..", "/a/../b", "//../x", "/...", "/a/./b", ""] {
            assert!(!climbs_out(path), "{path}");
        }
    }

    /// Paths of the pieces that matter, so that many are accepted and many only just refused.
    fn path() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &["/", "a", ".", "%2e", "%63", "%c3%a9", "%20", ";", "%25", "2e", "é", "~"];
        prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|p| format!("/{}", p.concat()))
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(raw in path()) {
            if let Ok(once) = normalise(&raw) {
                let once = once.into_owned();
                let twice = normalise(&once).map(Cow::into_owned);
                prop_assert_eq!(twice, Ok(once));
            }
        }

        #[test]
        fn normalising_keeps_what_the_path_decodes_to(raw in path()) {
            let decoded = |path: &str| percent_encoding::percent_decode_str(path).collect::<Vec<_>>();
            if let Ok(path) = normalise(&raw) {
                prop_assert_eq!(decoded(&path), decoded(&raw));
                prop_assert!(!decoded(&path).split(|b| *b == b'/').any(|s| s == b"." || s == b".."));
            }
        }

        #[test]
        fn any_text_is_answered(raw in "\\PC*") {
            let _ = normalise(&raw);
            let _ = normalise(&format!("/{raw}"));
        }

        #[test]
        fn a_host_key_is_its_own_key(header in "[a-zA-Z.:0-9\\[\\]_-]{0,12}") {
            if let Some(key) = host_key(&header) {
                let again = host_key(&key).map(Cow::into_owned);
                prop_assert_eq!(again, Some(key.into_owned()));
            }
        }
    }
}
