//! Which URLs an initiator, or a plugin, may name: a URL that others lie at or below.

use url::Url;

use super::{PluginUrl, UrlError};

/// What servers and proxies do not agree on in a path: some decode `%2f`, `%5c` and `%2e` before they
/// look for segments, and some decode `%25` twice.
const AMBIGUOUS: [&str; 4] = ["%2f", "%5c", "%2e", "%25"];

/// Scheme, host and port, and the start of a path that ends at a segment's border.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlPrefix {
    url: Url,
    /// The host as it was written, in lower case: international names in their own letters.
    written_host: String,
}

impl UrlPrefix {
    /// From `https://chat.example.nl/` or `http://comm-chat:3000/rooms`.
    ///
    /// # Errors
    /// [`UrlError`]: no query, no fragment, no userinfo, no path that could be read in two ways.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = PluginUrl::parse_attr_url(text.to_owned())?;
        let Some(web) = url.web().filter(|web| web.query().is_none() && web.fragment().is_none()) else {
            return Err(UrlError::QueryOrFragment);
        };
        let raw = Raw::of(text);
        let written_host = raw.host.to_lowercase();
        if raw.path_is_ambiguous() || written_host.contains('%') {
            return Err(UrlError::Ambiguous);
        }
        Ok(Self { url: web.clone(), written_host })
    }

    /// Whether a URL lies at or below this one, whoever reads it: the same scheme, host (in any
    /// letter case, otherwise as it is written here or in its ASCII form) and port, and a path that
    /// goes on at a segment's border. A URL whose path could be read in two ways lies below a host
    /// alone, and below no path.
    pub fn covers(&self, url: &PluginUrl) -> bool {
        let Some(web) = url.web() else { return false };
        let raw = Raw::of(url.as_str());
        let same_place = web.scheme() == self.url.scheme()
            && web.host() == self.url.host()
            && web.port_or_known_default() == self.url.port_or_known_default()
            && self.is_spelled(raw.host);
        let prefix = self.url.path().trim_end_matches('/');
        let below =
            web.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        same_place && below && (prefix.is_empty() || !raw.path_is_ambiguous())
    }

    /// The URL standard takes `%65`, full-width letters and `127.1` for other spellings of a host;
    /// other readers do not.
    fn is_spelled(&self, host: &str) -> bool {
        self.url.host_str().is_some_and(|normal| normal.eq_ignore_ascii_case(host))
            || host.to_lowercase() == self.written_host
    }

    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }
}

/// Parts of a web URL as they are written, before anything is normalised.
struct Raw<'t> {
    host: &'t str,
    path: &'t str,
}

impl<'t> Raw<'t> {
    /// Of a text that is known to be a web URL without userinfo and backslashes.
    fn of(text: &'t str) -> Self {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        Self { host, path }
    }

    /// Whether another parser could find other segments in the path. A slash at its end is none.
    fn path_is_ambiguous(&self) -> bool {
        let lower = self.path.to_ascii_lowercase();
        let inner = lower.strip_prefix('/').unwrap_or(&lower);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        // Java servers take `..;x` for `..`.
        let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        let has_empty = lower.len() > 1 && inner.split('/').any(str::is_empty);
        AMBIGUOUS.iter().any(|code| lower.contains(code)) || inner.split('/').any(is_dots) || has_empty
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(prefix: &str, url: &str) -> bool {
        let prefix = UrlPrefix::parse(prefix).expect(prefix);
        PluginUrl::parse_client_url(url.to_owned()).is_ok_and(|url| prefix.covers(&url))
    }

    #[test]
    fn a_url_lies_at_or_below_a_prefix() {
        for (prefix, url) in [
            ("https://chat.example.nl/", "https://chat.example.nl"),
            ("https://chat.example.nl", "https://chat.example.nl/room/1?a=b#c"),
            ("https://chat.example.nl/", "HTTPS://Chat.EXAMPLE.nl/x"),
            ("https://Chat.example.nl/", "https://chat.example.nl:443/x"),
            ("https://chat.example.nl:443/", "https://chat.example.nl/x"),
            ("http://comm-chat:3000/rooms", "http://comm-chat:3000/rooms"),
            ("http://comm-chat:3000/rooms", "http://comm-chat:3000/rooms/"),
            ("http://comm-chat:3000/rooms/", "http://comm-chat:3000/rooms?x=/../y"),
            ("http://comm-chat:3000/rooms", "http://comm-chat:3000/rooms/1/a%20b"),
            ("http://[::1]:8080/", "http://[::1]:8080/x"),
            ("https://münchen.example/", "https://MÜNCHEN.example/x"),
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/x"),
            // A host alone covers whatever its paths mean.
            ("https://chat.example.nl/", "https://chat.example.nl/a/../b%2f//"),
        ] {
            assert!(covers(prefix, url), "{prefix} covers {url}");
        }
    }

    #[test]
    fn what_lies_elsewhere_or_could_is_not_covered() {
        let host = "https://chat.example.nl/";
        for url in [
            "http://chat.example.nl/",
            "https://chat.example.nl:8443/",
            "https://chat.example.nl:80/",
            "https://chat.example.nl./",
            "https://chat.example.nl.evil.example/",
            "https://evil.example/chat.example.nl/",
            "https://evil.example#chat.example.nl/",
            "https://evil.example?https://chat.example.nl/",
            "https://chat.example.nl@evil.example/",
            "https://user@chat.example.nl/",
            "https://user:pw@chat.example.nl/",
            "https://chat.example.nl\\@evil.example/",
            "https://sub.chat.example.nl/",
            "https://example.nl/",
            // Cyrillic a; full-width e; a percent-encoded letter.
            "https://ch\u{430}t.example.nl/",
            "https://chat.\u{ff45}xample.nl/",
            "https://chat.%65xample.nl/",
            "tel:+31201234567",
            "https:chat.example.nl",
            "//chat.example.nl/",
        ] {
            assert!(!covers(host, url), "{url}");
        }
        for path in [
            "",
            "/",
            "/room",
            "/roomsx",
            "/Rooms",
            "/%72ooms",
            "/rooms/../admin",
            "/rooms/..",
            "/rooms/./x",
            "/rooms/%2e%2e/admin",
            "/rooms/%2E./admin",
            "/rooms%2f..%2fadmin",
            "/rooms%2Fx",
            "/rooms/a%5c..%5cb",
            "/rooms//x",
            "//rooms",
            "/rooms//",
            "/x/../rooms/1",
            "/rooms/..;/admin",
            "/rooms/.;x/admin",
            "/rooms/%252e%252e/admin",
        ] {
            assert!(
                !covers("https://chat.example.nl/rooms", &format!("https://chat.example.nl{path}")),
                "{path}"
            );
        }
        assert!(!covers("http://127.0.0.1/", "http://127.1/"));
        assert!(!covers("http://127.0.0.1/", "http://0x7f000001/"));
    }

    #[test]
    fn a_prefix_can_be_read_in_one_way_only() {
        for (text, why) in [
            ("https://h/?a", UrlError::QueryOrFragment),
            ("https://h/#a", UrlError::QueryOrFragment),
            ("https://u@h/", UrlError::UserInfo),
            ("ftp://h/", UrlError::Scheme("https or http")),
            ("h.example.nl", UrlError::Malformed),
            ("https://h//", UrlError::Ambiguous),
            ("https://h/a/../b", UrlError::Ambiguous),
            ("https://h/a%2fb", UrlError::Ambiguous),
            ("https://h%65/", UrlError::Ambiguous),
        ] {
            assert_eq!(UrlPrefix::parse(text).unwrap_err(), why, "{text}");
        }
    }

    /// A reader of another kind: decodes until nothing changes, takes backslashes for slashes, drops
    /// empty segments and parameters, and resolves dots.
    fn segments_of_a_lax_server(path: &str) -> Vec<String> {
        let mut path = path.to_owned();
        loop {
            let decoded = percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned();
            if decoded == path {
                break;
            }
            path = decoded;
        }
        let mut segments = Vec::new();
        for segment in path.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap_or_default()) {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                _ => segments.push(segment.to_owned()),
            }
        }
        segments
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn even_a_lax_server_stays_below_the_prefix(
            parts in prop::collection::vec(prop::sample::select(vec![
                "/", "//", ".", "..", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%25", "2e", "2f", "5c", "25", ";", "a",
                "rooms", "/rooms", "/rooms/", "%72", "?", "#", "é", "%00",
            ]), 0..10),
            below in any::<bool>(),
        ) {
            let path = format!("{}{}", if below { "/rooms" } else { "" }, parts.concat());
            let text = format!("https://chat.example.nl{path}");
            if covers("https://chat.example.nl/rooms", &text) {
                let read = segments_of_a_lax_server(path.split(['?', '#']).next().unwrap_or_default());
                prop_assert_eq!(read.first().map(String::as_str), Some("rooms"), "{}", text);
            }
        }

        #[test]
        fn whatever_is_covered_has_the_same_origin(text in "(https?|HTTP)://[a-zA-Z0-9.@:%\\[\\]/\\\\?#éａ-]{0,30}") {
            for prefix in ["https://a.example/", "http://a", "http://a:81/b"] {
                if covers(prefix, &text) {
                    let origin = Url::parse(&text).map(|url| url.origin());
                    prop_assert_eq!(origin, Url::parse(prefix).map(|url| url.origin()), "{}", text);
                }
            }
        }

        #[test]
        fn a_prefix_covers_what_continues_it(segments in prop::collection::vec("[a-z0-9_~-]{1,8}", 0..4)) {
            let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
            for (prefix, url) in [("", path.as_str()), ("/rooms", &format!("/rooms{path}"))] {
                let at_host = |path: &str| format!("https://chat.example.nl{path}");
                prop_assert!(covers(&at_host(prefix), &at_host(url)));
            }
        }
    }
}
