//! Sends the citizen on: a redirect, or a page that goes on by itself where the URL is too long for one.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

/// Longest `Location`, in characters: nginx takes 4 KB of headers from an upstream (protocol.md, "URL
/// budget").
pub const MAX_LOCATION: usize = 3_500;

/// Goes there at once. `base` is the path of `public_url`, without a slash at its end; `url` may carry
/// a citizen's result.
pub fn go_on(base: &str, url: &str, language: Language) -> OwnAnswer {
    if url.len() <= MAX_LOCATION {
        return OwnAnswer::see_other(url);
    }
    let page = Page { frame: Frame { base, language }, url };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "onward.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// May carry a citizen's result.
    url: &'a str,
}
