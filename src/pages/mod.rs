//! What citizens see: HTML pages in Dutch and English, and the files these need.
//!
//! Each page is a function from a view, plain values that the caller has at hand, to an answer.
//! Pages work without JavaScript, and start every link with the base path of `public_url`.
//! May import: `model`.

pub mod assets;
mod call;
mod choose;
mod confirm;
mod delivered;
mod error;
mod not_signed_in;
mod onward;
mod sign_in;
mod utc;
mod waiting;

use askama::Template;
use http::{HeaderValue, StatusCode, header};

use crate::model::{Language, OwnAnswer};

pub use call::{Call, call};
pub use choose::{ChooseMethods, ChoosePurpose, MethodChoice, PurposeChoice, choose_methods, choose_purpose};
pub use confirm::{Confirm, ConfirmedAttribute, confirm};
pub use delivered::{Delivered, DeliveredResult, Delivery, Route, Unreadable, delivered};
pub use error::{BackLink, ErrorPage, error};
pub use not_signed_in::{NotSignedIn, Why, not_signed_in};
pub use onward::{MAX_LOCATION, go_on};
pub use sign_in::{RequestedAttribute, SignIn, sign_in};
pub use waiting::{Waiting, waiting};

/// No script, no style in the markup, no frames. There is deliberately no `form-action`: the form
/// is answered with a redirect to a plugin, to which Chromium would apply it.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; base-uri 'none'; frame-ancestors 'none'";

/// What every page needs, whatever it shows.
struct Frame<'a> {
    base: &'a str,
    language: Language,
}

impl Frame<'_> {
    /// The text in the citizen's language; both stand side by side in the templates.
    fn say<'t>(&self, dutch: &'t str, english: &'t str) -> &'t str {
        self.language.pick(dutch, english)
    }
}

fn answer(status: StatusCode, page: &impl Template, language: Language) -> OwnAnswer {
    let Ok(html) = page.render() else {
        return OwnAnswer::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut answer = OwnAnswer::new(status, "text/html; charset=utf-8", html)
        .with_header(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer = answer.with_header(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests;
