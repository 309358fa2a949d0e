//! The gateway's own paths, told apart before any route is looked up.
//!
//! May import: `model`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A request path that is the gateway's own; parts are as the client sent them, still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPath<'a> {
    /// `/session_options`
    SessionOptions,
    /// `/session_options/{purpose}`
    SessionOptionsOf(&'a str),
    /// `/start`
    Start,
    /// `/choose`
    Choose,
    /// `/choose/{purpose}`
    ChooseFor(&'a str),
    /// `/auth/{tag}/{rest}`: a page of an adapter; `rest` has no slash in front and may be empty.
    Auth { tag: &'a str, rest: &'a str },
    /// `/comm/{tag}/{rest}`
    Comm { tag: &'a str, rest: &'a str },
    /// `/static/{name}`
    Static(&'a str),
    /// `/session/continue/{state}`
    SessionContinue(&'a str),
    /// `/session/attributes/{state}`
    SessionAttributes(&'a str),
    /// `/session/update/{state}`
    SessionUpdate(&'a str),
    /// `/widget.js`
    WidgetJs,
    /// `/.well-known/jwks.json`
    Jwks,
    /// `/openapi.json`
    OpenApi,
    /// Below a reserved path and without meaning: not found, and never a route's.
    Unknown,
}

/// Which of the gateway's own paths this is; `None` for a path that routes may have. Takes the
/// path as received, without query, because a purpose may hold an encoded slash. Encoded letters
/// in the names do not hide a path: `/%73tart` is `/start`.
pub fn own_path(raw_path: &str) -> Option<OwnPath<'_>> {
    let (first, rest) = first_segment(raw_path.strip_prefix('/')?);
    let own = match &*decoded_name(first) {
        "session_options" => segment_or(OwnPath::SessionOptions, rest, OwnPath::SessionOptionsOf),
        "start" => alone(OwnPath::Start, rest),
        "choose" => segment_or(OwnPath::Choose, rest, OwnPath::ChooseFor),
        "auth" => adapter_page(rest, |tag, rest| OwnPath::Auth { tag, rest }),
        "comm" => adapter_page(rest, |tag, rest| OwnPath::Comm { tag, rest }),
        "static" => rest.filter(|name| !name.is_empty()).map_or(OwnPath::Unknown, OwnPath::Static),
        "session" => session_step(rest),
        "widget.js" => alone(OwnPath::WidgetJs, rest),
        "openapi.json" => alone(OwnPath::OpenApi, rest),
        ".well-known" => return well_known(rest),
        _ => return None,
    };
    Some(own)
}

/// A path segment percent-decoded, once; `None` when that is not UTF-8.
pub fn decode_segment(raw: &str) -> Option<String> {
    percent_decode_str(raw).decode_utf8().ok().map(Cow::into_owned)
}

fn first_segment(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    }
}

/// A segment to compare with a name. What is not UTF-8 equals none and stays as it is.
fn decoded_name(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    percent_decode_str(segment).decode_utf8().unwrap_or(Cow::Borrowed(segment))
}

fn alone<'a>(own: OwnPath<'a>, rest: Option<&str>) -> OwnPath<'a> {
    if rest.is_none() { own } else { OwnPath::Unknown }
}

fn segment_or<'a>(own: OwnPath<'a>, rest: Option<&'a str>, of: fn(&'a str) -> OwnPath<'a>) -> OwnPath<'a> {
    rest.map_or(own, |rest| one_segment(rest, of))
}

fn one_segment<'a>(rest: &'a str, of: fn(&'a str) -> OwnPath<'a>) -> OwnPath<'a> {
    if rest.is_empty() || rest.contains('/') { OwnPath::Unknown } else { of(rest) }
}

fn adapter_page<'a>(rest: Option<&'a str>, page: fn(&'a str, &'a str) -> OwnPath<'a>) -> OwnPath<'a> {
    match rest.map(first_segment) {
        Some((tag, rest)) if !tag.is_empty() => page(tag, rest.unwrap_or_default()),
        _ => OwnPath::Unknown,
    }
}

fn session_step(rest: Option<&str>) -> OwnPath<'_> {
    let Some((step, Some(state))) = rest.map(first_segment) else { return OwnPath::Unknown };
    match &*decoded_name(step) {
        "continue" => one_segment(state, OwnPath::SessionContinue),
        "attributes" => one_segment(state, OwnPath::SessionAttributes),
        "update" => one_segment(state, OwnPath::SessionUpdate),
        _ => OwnPath::Unknown,
    }
}

/// Only one well-known name is the gateway's: others, such as `acme-challenge`, are for routes.
fn well_known(rest: Option<&str>) -> Option<OwnPath<'_>> {
    let (name, rest) = first_segment(rest?);
    (decoded_name(name) == "jwks.json").then(|| alone(OwnPath::Jwks, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::{RESERVED, is_reserved},
        routing::normalise,
    };

    #[test]
    fn every_endpoint_is_recognised() {
        for (path, expected) in [
            ("/session_options", OwnPath::SessionOptions),
            ("/session_options/a%20b%2Fc", OwnPath::SessionOptionsOf("a%20b%2Fc")),
            ("/start", OwnPath::Start),
            ("/%73tart", OwnPath::Start),
            ("/choose", OwnPath::Choose),
            ("/choose/x", OwnPath::ChooseFor("x")),
            ("/auth/irma/a/b", OwnPath::Auth { tag: "irma", rest: "a/b" }),
            ("/auth/irma", OwnPath::Auth { tag: "irma", rest: "" }),
            ("/comm/x%2Fy/z", OwnPath::Comm { tag: "x%2Fy", rest: "z" }),
            ("/static/a/b.svg", OwnPath::Static("a/b.svg")),
            ("/session/continue/S", OwnPath::SessionContinue("S")),
            ("/session/attributes/S", OwnPath::SessionAttributes("S")),
            ("/session/up%64ate/S", OwnPath::SessionUpdate("S")),
            ("/widget.js", OwnPath::WidgetJs),
            ("/.well-known/jwks.json", OwnPath::Jwks),
            ("/openapi%2Ejson", OwnPath::OpenApi),
        ] {
            assert_eq!(own_path(path), Some(expected), "{path}");
            assert!(normalise(path).map_or(true, |path| is_reserved(&path)), "{path}");
        }
    }

    #[test]
    fn what_means_nothing_below_a_reserved_path_is_still_reserved() {
        for path in [
            "/start/",
            "/start/x",
            "/session",
            "/session/",
            "/session/foo",
            "/session/continue",
            "/session/continue/",
            "/session/continue/a/b",
            "/auth",
            "/auth/",
            "/auth//x",
            "/static",
            "/static/",
            "/session_options/",
            "/session_options/a/b",
            "/.well-known/jwks.json/x",
            "/widget.js/",
            "/start/../chat",
        ] {
            assert_eq!(own_path(path), Some(OwnPath::Unknown), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_ours() {
        for path in [
            "",
            "/",
            "start",
            "//start",
            "/startx",
            "/Start",
            "/x/start",
            "/.well-known",
            "/.well-known/acme",
            "/%ff",
            "/session%2Fcontinue/x",
            "/sessions",
            "/%2573tart",
        ] {
            assert_eq!(own_path(path), None, "{path}");
        }
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(decode_segment("met%20spatie%2F%C3%A9").as_deref(), Some("met spatie/é"));
        assert_eq!(decode_segment("%2541").as_deref(), Some("%41"));
        assert_eq!(decode_segment("%ff"), None);
    }

    proptest! {
        /// Configuration refuses routes by the list; requests are told apart by the code above.
        #[test]
        fn the_list_and_the_code_agree(own in prop::sample::select(RESERVED), tail in "[/.a%-]{0,4}") {
            let path = format!("{own}{tail}");
            if let Ok(normal) = normalise(&path) {
                prop_assert_eq!(own_path(&path).is_some(), is_reserved(&normal), "{}", path);
            }
        }
    }
}
