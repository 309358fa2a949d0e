//! The cookies of one walk through a session (RFC 6265), kept per host and path.

use url::Url;

#[derive(Default)]
pub(super) struct Cookies(Vec<Cookie>);

struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
    secure: bool,
}

impl Cookies {
    /// Takes one `Set-Cookie` of an answer from `url`. One for a whole domain is kept for its host only:
    /// no session needs more.
    pub(super) fn take(&mut self, url: &Url, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let attribute = |wanted: &str| {
            attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
        };
        let path = attribute("path")
            .filter(|path| path.starts_with('/'))
            .map_or_else(|| default_path(url.path()).to_owned(), str::to_owned);
        let cookie = Cookie {
            host: url.host_str().unwrap_or_default().to_owned(),
            path,
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            secure: attribute("secure").is_some(),
        };
        self.0.retain(|other| {
            (&other.host, &other.path, &other.name) != (&cookie.host, &cookie.path, &cookie.name)
        });
        let ended = attribute("max-age").is_some_and(|age| age == "0" || age.starts_with('-'));
        if !ended && (!cookie.secure || url.scheme() == "https") {
            self.0.push(cookie);
        }
    }

    /// The value of `Cookie` for a request to `url`; `None` where there is none to send.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let fits = |cookie: &&Cookie| {
            Some(cookie.host.as_str()) == url.host_str()
                && is_below(url.path(), &cookie.path)
                && (!cookie.secure || url.scheme() == "https")
        };
        let pairs: Vec<_> =
            self.0.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// RFC 6265, section 5.1.4.
fn default_path(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((directory, _)) => directory,
    }
}

/// RFC 6265, section 5.1.4.
fn is_below(path: &str, of_cookie: &str) -> bool {
    path.strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookies_go_back_to_their_host_and_path() {
        let mut cookies = Cookies::default();
        cookies.take(&url("http://a.test/x/y"), "one=1");
        cookies.take(&url("http://a.test/x/y"), "two=2; Path=/; HttpOnly");
        cookies.take(&url("http://a.test/x/y"), "three=3; path=/x/y/");
        for (to, sent) in [
            ("http://a.test/x", Some("one=1; two=2")),
            ("http://a.test:8080/x/z", Some("one=1; two=2")),
            ("http://a.test/x/y/z", Some("one=1; two=2; three=3")),
            ("http://a.test/xy", Some("two=2")),
            ("http://b.test/x", None),
        ] {
            assert_eq!(cookies.header(&url(to)).as_deref(), sent, "{to}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_removed_and_kept_to_tls() {
        let mut cookies = Cookies::default();
        let (clear, tls) = (url("http://a.test/"), url("https://a.test/"));
        cookies.take(&clear, "dropped=1; Secure");
        cookies.take(&tls, "__Host-s=1; Path=/; Secure");
        cookies.take(&tls, "__Host-s=2; Path=/; Secure");
        assert_eq!(cookies.header(&tls).as_deref(), Some("__Host-s=2"));
        assert_eq!(cookies.header(&clear), None);
        cookies.take(&tls, "__Host-s=; Path=/; Max-Age=0");
        assert_eq!(cookies.header(&tls), None);
        cookies.take(&tls, "no cookie at all");
        assert_eq!(cookies.header(&tls), None);
    }
}
