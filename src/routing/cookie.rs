//! `Path` and `Domain` of cookies.
//!
//! May import: nothing outside `routing`.

use std::borrow::Cow;

use super::{
    path::host_key,
    rewrite::{ClientView, Edit, Mapping},
};

impl Mapping {
    /// A `Set-Cookie` header (RFC 6265, section 4.1) for the client: a path gets the stripped
    /// prefix back, a domain that is one of the upstream's hosts becomes the client's host. The
    /// rest stays byte for byte; `None` leaves all of it as it is.
    pub fn set_cookie(&self, value: &str, view: &ClientView<'_>) -> Option<String> {
        let (pair, attributes) = value.split_once(';')?;
        if is_host_only(pair) || value.contains(|c: char| c.is_control()) {
            return None;
        }
        let mut edit = Edit::new(value);
        let mut start = pair.len() + 1;
        for attribute in attributes.split(';') {
            let end = start + attribute.len();
            if let Some((kept, mapped)) = self.attribute(attribute, view) {
                edit.replace(start + kept..end, &mapped);
            }
            start = end + 1;
        }
        edit.finish()
    }

    /// How many bytes of an attribute stay, up to its value, and its new value.
    fn attribute(&self, attribute: &str, view: &ClientView<'_>) -> Option<(usize, String)> {
        let (name, value) = attribute.split_once('=')?;
        let kept = name.len() + 1;
        let value = value.trim();
        let mapped = match name.trim() {
            name if name.eq_ignore_ascii_case("path") => self.cookie_path(value)?,
            name if name.eq_ignore_ascii_case("domain") => self.cookie_domain(value, view)?,
            _ => return None,
        };
        Some((kept, mapped))
    }

    /// `/` becomes the prefix without a slash, because `/chat/` would not cover `/chat` itself
    /// (RFC 6265, section 5.1.4). A value without a slash in front has no meaning there: it stays.
    fn cookie_path(&self, path: &str) -> Option<String> {
        if self.prefix.is_empty() || !path.starts_with('/') {
            return None;
        }
        Some(format!("{}{}", self.prefix, if path == "/" { "" } else { path }))
    }

    fn cookie_domain(&self, domain: &str, view: &ClientView<'_>) -> Option<String> {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        let own = self.origins.iter().any(|origin| origin.host.eq_ignore_ascii_case(domain));
        own.then(|| host_key(view.authority)).flatten().map(Cow::into_owned)
    }
}

/// `__Host-` promises `Path=/` and no `Domain`; browsers drop such a cookie when either changes.
fn is_host_only(pair: &str) -> bool {
    const PREFIX: &str = "__Host-";
    pair.trim_start().get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
