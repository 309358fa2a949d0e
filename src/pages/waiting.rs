//! The citizen waits until it is known whether they signed in somewhere else, such as on their phone.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

pub struct Waiting<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// The path of this page, and that of the same page with the other kind of looking.
    pub again: &'a str,
    pub otherwise: &'a str,
    /// Seconds after which it looks again by itself; `None` where the citizen looks (WCAG 2.2.1: whoever
    /// uses a keyboard or a screen reader loses their place each time).
    pub every: Option<u64>,
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
