//! The citizen did not sign in, which is no error.

use askama::Template;
use http::StatusCode;

use super::{BackLink, Frame, answer};
use crate::model::{Language, OwnAnswer};

/// Why a session ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The citizen chose to stop.
    Cancelled,
    /// The sign-in did not succeed.
    Failed,
}

impl Why {
    /// The name of the page.
    fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "not_signed_in",
        }
    }
}

pub struct NotSignedIn<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    pub why: Why,
    pub link: &'a BackLink,
    /// The reference that finds the log lines.
    pub session: &'a str,
}

pub fn not_signed_in(view: &NotSignedIn<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "not_signed_in.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a NotSignedIn<'a>,
}
