//! A telephone number, the code to key in, and the call.

use askama::Template;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::{Frame, answer};
use crate::model::{Language, OwnAnswer};

pub struct Call<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// `tel:` in any letter case (RFC 3966), as the communication plugin wrote it.
    pub url: &'a str,
}

/// Shows the number and offers to dial it.
pub fn call(view: &Call<'_>, language: Language) -> OwnAnswer {
    let (number, code) = parts(view.url);
    let page = Page { frame: Frame { base: view.base, language }, view, number, code };
    answer(StatusCode::OK, &page, language)
}

/// The number, and what is dialled once the call is answered: everything after the pauses (`,`), or
/// the extension (`;ext=`).
fn parts(url: &str) -> (String, Option<String>) {
    let dialled = url.split_once(':').map_or(url, |(_, rest)| rest);
    let dialled = percent_decode_str(dialled).decode_utf8_lossy();
    let (dialled, parameters) = dialled.split_once(';').unwrap_or((&dialled, ""));
    let (number, code) = dialled.split_once(',').unwrap_or((dialled, ""));
    let code = code.trim_start_matches(',');
    let extension = parameters.split(';').find_map(|parameter| parameter.strip_prefix("ext="));
    let code = if code.is_empty() { extension.unwrap_or_default() } else { code };
    (number.to_owned(), (!code.is_empty()).then(|| code.to_owned()))
}

#[derive(Template)]
#[template(path = "call.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a Call<'a>,
    number: String,
    code: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_from_the_code_that_is_keyed_in_later() {
        for (url, number, code) in [
            ("tel:+31201234567,,12345#", "+31201234567", Some("12345#")),
            ("TEL:0201234567", "0201234567", None),
            ("tel:+31201234567,,12345%23", "+31201234567", Some("12345#")),
            ("tel:+31-20-1234567;ext=89;phone-context=x", "+31-20-1234567", Some("89")),
            ("tel:112,", "112", None),
        ] {
            assert_eq!(parts(url), (number.to_owned(), code.map(str::to_owned)), "{url}");
        }
    }
}
