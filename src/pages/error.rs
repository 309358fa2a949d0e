//! Something went wrong: what happened, what the citizen can do, and a way on.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer, path_segment};

/// The texts are in the citizen's language already.
pub struct ErrorPage<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    pub status: StatusCode,
    pub title: &'a str,
    pub what_happened: &'a str,
    pub what_to_do: &'a str,
    /// The ways on, the best one first; none leads to the choice of a purpose.
    pub links: &'a [BackLink],
    /// The reference that finds the log lines.
    pub session: Option<&'a str>,
}

/// A way on. The URL may be a citizen's conversation.
pub struct BackLink {
    pub url: String,
    pub label: &'static str,
}

impl BackLink {
    /// To the choice of methods for a purpose, by its tag; `base` is the path of `public_url`.
    pub fn start_again(base: &str, purpose: &str, language: Language) -> Self {
        Self {
            url: format!("{base}/choose/{}", path_segment(purpose)),
            label: language.pick("Opnieuw beginnen", "Start again"),
        }
    }
}

/// Shows the error with its own status.
pub fn error(view: &ErrorPage<'_>, language: Language) -> OwnAnswer {
    let page = Page { frame: Frame { base: view.base, language }, view };
    answer(view.status, &page, language)
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a ErrorPage<'a>,
}
