//! What a front proxy says of the citizen, before it is shared.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

/// What is about to be shared.
pub struct Confirm<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// The name of the purpose.
    pub purpose: &'a str,
    pub attributes: Vec<ConfirmedAttribute<'a>>,
    /// Comes back with the form, and proves that this browser was shown the page.
    pub token: &'a str,
}

pub struct ConfirmedAttribute<'a> {
    pub tag: &'a str,
    pub value: &'a str,
}

/// Shows the form. It posts `action=confirm` or `cancel`, and `token`, to the page's own URL.
pub fn confirm(view: &Confirm<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Confirm<'a>,
}
