//! Cookies of the gateway's own, to and from header values (RFC 6265).

use http::HeaderValue;

use super::BaseUrl;

/// A cookie that scripts cannot read and that comes along when a citizen returns from another site.
pub struct Cookie<'a> {
    pub name: &'a str,
    /// Letters, digits, hyphens, underscores and full stops.
    pub value: &'a str,
    pub path: &'a str,
    /// Seconds; 0 removes the cookie.
    pub max_age: u64,
    /// Whether browsers reach the gateway over TLS.
    pub secure: bool,
}

impl Cookie<'_> {
    /// The value of `Set-Cookie`.
    pub fn header(&self) -> HeaderValue {
        let Self { name, value, path, max_age, secure } = self;
        let secure = if *secure { "; Secure" } else { "" };
        // `Lax`, because the citizen comes back from another site.
        let text = format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        // Tokens, hexadecimal digits and the path of a URL are fit for a header.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The name of a cookie that tells one browser from another. `__Host-` keeps other hosts of the domain from
/// planting it, and wants TLS and the path `/` (RFC 6265bis, section 4.1.3.2).
pub fn host_name(name: &str, public_url: &BaseUrl) -> String {
    let prefix = if public_url.is_https() { "__Host-" } else { "" };
    format!("{prefix}{name}")
}

/// The value of a cookie in the header `Cookie`.
pub fn find<'c>(cookies: Option<&'c str>, name: &str) -> Option<&'c str> {
    let mut pairs = cookies?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
