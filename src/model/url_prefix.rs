//! Which URLs an initiator, or a plugin, may name: a URL that others lie at or below.

use url::Url;

use super::{PluginUrl, UrlError};

/// Scheme, host and port, and the start of a path that ends at a segment's border.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlPrefix(Url);

impl UrlPrefix {
    /// From `https://chat.example.nl/` or `http://comm-chat:3000/rooms`.
    ///
    /// # Errors
    /// [`UrlError`]: no query, no fragment, no userinfo.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = PluginUrl::parse_attr_url(text.to_owned())?;
        match url.web() {
            Some(web) if web.query().is_none() && web.fragment().is_none() => Ok(Self(web.clone())),
            _ => Err(UrlError::QueryOrFragment),
        }
    }

    /// Whether a URL lies at or below this one. The host is compared as the URL standard normalises
    /// it, so that letter case does not matter and look-alikes differ.
    pub fn covers(&self, url: &PluginUrl) -> bool {
        let Some(url) = url.web() else { return false };
        let same_place = url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default();
        let prefix = self.0.path().trim_end_matches('/');
        let below =
            url.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        same_place && below
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
