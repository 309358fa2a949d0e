//! Cookies of a session: the one that binds it to the browser that started, and the mark that its
//! result was delivered. Each session has its own, so that tabs do not disturb each other.

use http::HeaderValue;

use super::{SessionReference, state::SESSION_LIFETIME};
use crate::{model::BaseUrl, tokens::constant_time_eq};

/// `Set-Cookie` for the browser that starts a session.
pub(super) fn binding(reference: SessionReference, secret: [u8; 16], public_url: &BaseUrl) -> HeaderValue {
    let name = binding_name(reference, public_url);
    set_cookie(&format!("{name}={}; Path=/", hex(secret)), public_url)
}

/// Whether a request comes from the browser that started.
pub(super) fn is_bound(
    cookies: Option<&str>,
    reference: SessionReference,
    secret: [u8; 16],
    public_url: &BaseUrl,
) -> bool {
    value(cookies, &binding_name(reference, public_url))
        .is_some_and(|held| constant_time_eq(held.as_bytes(), hex(secret).as_bytes()))
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
    let (name, path) = (delivered_name(reference), public_url.path());
    let value = match mark {
        Mark::Delivered => DELIVERED,
        Mark::Failed => FAILED,
    };
    set_cookie(&format!("{name}={value}; Path={path}/session/continue"), public_url)
}

pub(super) fn marked(cookies: Option<&str>, reference: SessionReference) -> Option<Mark> {
    let value = value(cookies, &delivered_name(reference))?;
    Some(if value == FAILED { Mark::Failed } else { Mark::Delivered })
}

/// `__Host-` keeps other hosts of the domain from setting it, and wants TLS (RFC 6265bis,
/// section 4.1.3.2).
fn binding_name(reference: SessionReference, public_url: &BaseUrl) -> String {
    let prefix = if public_url.is_https() { "__Host-" } else { "" };
    format!("{prefix}idc-{reference}")
}

fn delivered_name(reference: SessionReference) -> String {
    format!("idc-delivered-{reference}")
}

fn set_cookie(cookie: &str, public_url: &BaseUrl) -> HeaderValue {
    let secure = if public_url.is_https() { "; Secure" } else { "" };
    // Kept as long as the state lives that they go with. `Lax`, because the citizen comes back from another site.
    let text = format!("{cookie}; Max-Age={SESSION_LIFETIME}; HttpOnly; SameSite=Lax{secure}");
    // A reference, hexadecimal digits and the path of a URL are fit for a header.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn value<'c>(cookies: Option<&'c str>, name: &str) -> Option<&'c str> {
    let mut pairs = cookies?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
