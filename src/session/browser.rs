//! Cookies of a session: the one that binds it to the browser that started, and the mark that its
//! result was delivered. Each session has its own, so that tabs do not disturb each other.

use http::HeaderValue;

use super::state::SESSION_LIFETIME;
use crate::{
    model::{
        BaseUrl, Nonce, SessionReference,
        cookie::{self, Cookie},
    },
    tokens::constant_time_eq,
};

/// `Set-Cookie` for the browser that starts a session.
pub(super) fn binding(reference: SessionReference, secret: Nonce, public_url: &BaseUrl) -> HeaderValue {
    let name = binding_name(reference, public_url);
    set_cookie(&name, &secret.to_string(), "/", public_url)
}

/// Whether a request comes from the browser that started.
pub(super) fn is_bound(
    cookies: Option<&str>,
    reference: SessionReference,
    secret: Nonce,
    public_url: &BaseUrl,
) -> bool {
    cookie::find(cookies, &binding_name(reference, public_url))
        .is_some_and(|held| constant_time_eq(held.as_bytes(), secret.to_string().as_bytes()))
}

/// Values of the mark.
const DELIVERED: &str = "1";
const FAILED: &str = "0";

/// How a delivery of the gateway's ended after which there is no other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Delivered,
    Failed,
}

/// `Set-Cookie` for a browser whose result was sent: another instance of the gateway knows by it not
/// to send it again. It is no proof, and needs to be none: it can only spare its own delivery.
pub(super) fn mark(mark: Mark, reference: SessionReference, public_url: &BaseUrl) -> HeaderValue {
    let path = format!("{}/session/continue", public_url.path());
    let value = match mark {
        Mark::Delivered => DELIVERED,
        Mark::Failed => FAILED,
    };
    set_cookie(&delivered_name(reference), value, &path, public_url)
}

pub(super) fn marked(cookies: Option<&str>, reference: SessionReference) -> Option<Mark> {
    let value = cookie::find(cookies, &delivered_name(reference))?;
    Some(if value == FAILED { Mark::Failed } else { Mark::Delivered })
}

fn binding_name(reference: SessionReference, public_url: &BaseUrl) -> String {
    cookie::host_name(&format!("idc-{reference}"), public_url)
}

fn delivered_name(reference: SessionReference) -> String {
    format!("idc-delivered-{reference}")
}

/// Kept as long as the state lives that it goes with.
fn set_cookie(name: &str, value: &str, path: &str, public_url: &BaseUrl) -> HeaderValue {
    Cookie { name, value, path, max_age: SESSION_LIFETIME, secure: public_url.is_https() }.header()
}
