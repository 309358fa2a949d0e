//! The citizen's choice: a purpose, then how to sign in and how to communicate.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer, path_segment};

/// `GET /choose`.
pub struct ChoosePurpose<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    pub purposes: Vec<PurposeChoice<'a>>,
}

pub struct PurposeChoice<'a> {
    pub tag: &'a str,
    pub name: &'a str,
}

/// `GET /choose/{purpose}`.
pub struct ChooseMethods<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    pub purpose: PurposeChoice<'a>,
    pub auth_methods: Vec<MethodChoice<'a>>,
    pub comm_methods: Vec<MethodChoice<'a>>,
    /// Whether the purpose allows communication without signing in.
    pub unauthenticated: bool,
    /// The sealed session of a citizen who has signed in already.
    pub session: Option<&'a str>,
}

pub struct MethodChoice<'a> {
    pub tag: &'a str,
    pub name: &'a str,
    /// A URL, or a path below `public_url`.
    pub image_path: &'a str,
}

/// Lists the purposes as links to the next step.
pub fn choose_purpose(view: &ChoosePurpose<'_>, language: Language) -> OwnAnswer {
    let page = PurposePage { frame: Frame { base: view.base, language }, purposes: &view.purposes };
    answer(StatusCode::OK, &page, language)
}

/// Shows the methods of a purpose as a form for `POST /start`.
pub fn choose_methods(view: &ChooseMethods<'_>, language: Language) -> OwnAnswer {
    let page = MethodsPage { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "choose_purpose.html")]
struct PurposePage<'a> {
    frame: Frame<'a>,
    purposes: &'a [PurposeChoice<'a>],
}

#[derive(Template)]
#[template(path = "choose_methods.html")]
struct MethodsPage<'a> {
    frame: Frame<'a>,
    view: &'a ChooseMethods<'a>,
}

impl PurposeChoice<'_> {
    fn segment(&self) -> String {
        path_segment(self.tag).to_string()
    }
}

impl MethodChoice<'_> {
    fn image(&self, base: &str) -> Cow<'_, str> {
        let below_base = self.image_path.starts_with('/') && !self.image_path.starts_with("//");
        if below_base { format!("{base}{}", self.image_path).into() } else { self.image_path.into() }
    }
}
