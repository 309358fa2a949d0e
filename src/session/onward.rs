//! Sending the citizen on.

use url::form_urlencoded;

use super::citizen::WayOn;
use crate::{
    model::{Language, OwnAnswer, PluginUrl, ResultToken, SessionReference},
    pages::{self, Call, NotSignedIn, Why},
    snapshot::Snapshot,
};

/// Goes there at once.
pub(super) fn go(snapshot: &Snapshot, url: &str, language: Language) -> OwnAnswer {
    pages::go_on(snapshot.base_path(), url, language)
}

/// Shows a telephone number and offers the call.
pub(super) fn call(snapshot: &Snapshot, telephone: &PluginUrl, language: Language) -> OwnAnswer {
    pages::call(&Call { base: snapshot.base_path(), url: telephone.as_str() }, language)
}

/// Tells a citizen who did not sign in how to go on.
pub(super) fn not_signed_in(
    snapshot: &Snapshot,
    why: Why,
    way_on: &WayOn,
    reference: SessionReference,
    language: Language,
) -> OwnAnswer {
    let base = snapshot.base_path();
    let reference = reference.to_string();
    let link = &way_on.link(base, language);
    pages::not_signed_in(&NotSignedIn { base, why, link, session: &reference }, language)
}

/// A result's characters are those of base64url and the full stop, unless a stranger made it up.
pub(super) fn with_result(client_url: &PluginUrl, result: &ResultToken) -> String {
    let encoded: String = form_urlencoded::byte_serialize(result.expose().as_bytes()).collect();
    client_url.with_result(&encoded)
}
