//! The sign-in page of the adapter `test`, for development.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

/// What the citizen is asked to share.
pub struct SignIn<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// The name of the purpose.
    pub purpose: &'a str,
    pub attributes: Vec<RequestedAttribute<'a>>,
}

pub struct RequestedAttribute<'a> {
    pub tag: &'a str,
    /// What will be shared; `None` when this method does not have it.
    pub value: Option<&'a str>,
}

/// Shows the form. It posts `action=confirm`, `cancel` or `fail` to the page's own URL.
pub fn sign_in(view: &SignIn<'_>, language: Language) -> OwnAnswer {
    let page = SignInPage { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame<'a>,
    view: &'a SignIn<'a>,
}
