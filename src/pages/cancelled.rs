//! The citizen did not sign in, which is no error.

use askama::Template;
use http::StatusCode;

use super::{BackLink, Frame, answer};
use crate::model::{Language, OwnAnswer};

pub struct Cancelled<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    pub link: &'a BackLink,
    /// The reference that finds the log lines.
    pub session: &'a str,
}

pub fn cancelled(view: &Cancelled<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "cancelled.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Cancelled<'a>,
}
