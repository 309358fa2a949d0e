//! What the adapter `inspect` received, for development.

use askama::Template;
use http::StatusCode;

use super::{Frame, answer, utc::Utc};
use crate::model::{Dialect, Language, OwnAnswer, UnixSeconds};

/// A conversation as its communication plugin sees it.
pub struct Delivered<'a> {
    /// Path of `public_url`, without a slash at its end.
    pub base: &'a str,
    /// The name of the purpose.
    pub purpose: &'a str,
    pub delivery: Delivery<'a>,
}

/// What is known of the result.
pub enum Delivery<'a> {
    /// It may still come: the page asks again every two seconds.
    Waiting,
    /// The citizen came back without one, or it never came.
    Nothing,
    Received {
        route: Route,
        result: DeliveredResult<'a>,
    },
    Unreadable {
        route: Route,
        reason: Unreadable,
    },
}

/// A result that was decrypted and verified.
pub struct DeliveredResult<'a> {
    pub dialect: Dialect,
    /// `None` when signing in failed or was cancelled.
    pub attributes: Option<Vec<(&'a str, &'a str)>>,
    pub session_url: Option<&'a str>,
    pub issued_at: UnixSeconds,
    pub expires_at: UnixSeconds,
}

/// How a result came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// In the request that started the communication.
    AtStart,
    /// By POST to `attr_url`.
    AttrUrl,
    /// With the citizen, as the query parameter `result`.
    Result,
}

/// Why a result cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    OtherKey,
    Signature,
    Expired,
    NotYetValid,
    Malformed,
}

/// Shows what was delivered.
pub fn delivered(view: &Delivered<'_>, language: Language) -> OwnAnswer {
    let page = DeliveredPage { frame: Frame { base: view.base, language }, view };
    answer(StatusCode::OK, &page, language)
}

#[derive(Template)]
#[template(path = "delivered.html")]
struct DeliveredPage<'a> {
    frame: Frame<'a>,
    view: &'a Delivered<'a>,
}

impl Delivery<'_> {
    /// What programs know the page by, whatever its language.
    fn mark(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Nothing => "nothing",
            Self::Received { result, .. } if result.attributes.is_some() => "received",
            Self::Received { .. } => "failed",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

impl Route {
    fn describe(self, frame: &Frame<'_>) -> &'static str {
        match self {
            Self::AtStart => frame.say("bij het starten (auth_result)", "at the start (auth_result)"),
            Self::AttrUrl => frame.say("rechtstreeks, op attr_url", "directly, to attr_url"),
            Self::Result => frame.say("met de bezoeker mee (result)", "along with the visitor (result)"),
        }
    }
}

impl Unreadable {
    fn describe(self, frame: &Frame<'_>) -> &'static str {
        match self {
            Self::OtherKey => frame.say(
                "Het is versleuteld voor een andere sleutel. Dit is gewoon wanneer een echte plugin het uitgaf.",
                "It is encrypted to another key. That is to be expected when a real plugin issued it.",
            ),
            Self::Signature => frame.say(
                "Het is ontsleuteld, maar de handtekening is niet van deze gateway.",
                "It was decrypted, but the signature is not of this gateway.",
            ),
            Self::Expired => frame.say("Het is verlopen.", "It has expired."),
            Self::NotYetValid => {
                frame.say("Het is nog niet geldig: het is in de toekomst uitgegeven.", "It is not valid yet: it was issued in the future.")
            }
            Self::Malformed => {
                frame.say("Het is geen inlogresultaat van de juiste vorm.", "It is not an authentication result of the right form.")
            }
        }
    }
}
