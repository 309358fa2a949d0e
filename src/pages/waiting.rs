//! The citizen waits until it is known whether they signed in somewhere else, such as on their phone.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

pub struct Waiting<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// The path of this page, which is loaded again after so many seconds.
    pub again: &'a str,
    pub seconds: u64,
    /// Where a citizen goes who stops waiting.
    pub cancel: &'a str,
}

pub fn waiting(view: &Waiting<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "waiting.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Waiting<'a>,
}
