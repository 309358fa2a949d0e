//! Goes on by itself to a URL that is too long for a redirect.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

pub struct Onward<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// May carry a citizen's result.
    pub url: &'a str,
}

pub fn onward(view: &Onward<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "onward.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Onward<'a>,
}
