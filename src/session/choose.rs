//! The citizen's choice as pages: a purpose, then the methods.

use super::{
    Problem,
    state::{Held, open},
};
use crate::{
    config::Purpose,
    model::{Language, OwnAnswer, OwnRequest, path_segment, wire::MethodOption},
    pages::{self, ChooseMethods, ChoosePurpose, MAX_LOCATION, MethodChoice, PurposeChoice},
    plugins::Environment,
    routing::decode_segment,
    snapshot::Snapshot,
};

/// `GET /choose`: what citizens can come for.
pub fn purposes(snapshot: &Snapshot, language: Language) -> OwnAnswer {
    let purposes = snapshot.config().purposes.iter().map(|purpose| choice(purpose, language));
    pages::choose_purpose(
        &ChoosePurpose { base: snapshot.base_path(), purposes: purposes.collect() },
        language,
    )
}

/// `GET /choose/{purpose}`: how to sign in and how to communicate; the form goes to `/start`.
/// `None` for an unknown purpose.
pub fn methods(
    snapshot: &Snapshot,
    segment: &str,
    request: &OwnRequest,
    environment: Environment<'_>,
) -> Option<OwnAnswer> {
    let purpose = snapshot.purpose(&decode_segment(segment)?)?;
    let Some(sealed) = request.parameters("session").next() else {
        return Some(page(snapshot, purpose, None, request.language));
    };
    match open::<Held>(&sealed, snapshot, environment) {
        Ok(held) if !held.is_of_browser(request.cookie.as_deref(), snapshot.public_url()) => {
            let problem = Problem::other_browser();
            Some(problem.answer(request, snapshot.base_path()))
        }
        Ok(held) if held.session.purpose == purpose.tag.as_str() => {
            Some(page(snapshot, purpose, Some(&sealed), request.language))
        }
        _ => Some(Problem::unknown_session().answer(request, snapshot.base_path())),
    }
}

/// The choice of a channel for a citizen who has signed in: by a redirect, or in place where the
/// sealed result is too long for one.
pub(super) fn channel(snapshot: &Snapshot, purpose: &Purpose, sealed: &str, language: Language) -> OwnAnswer {
    let path = format!("/choose/{}?session={sealed}", path_segment(purpose.tag.as_str()));
    let location = snapshot.public_url().join(&path);
    if location.len() <= MAX_LOCATION {
        OwnAnswer::see_other(&location)
    } else {
        page(snapshot, purpose, Some(sealed), language)
    }
}

fn page(snapshot: &Snapshot, purpose: &Purpose, session: Option<&str>, language: Language) -> OwnAnswer {
    let options = snapshot.options_of(purpose, language);
    let view = ChooseMethods {
        base: snapshot.base_path(),
        purpose: choice(purpose, language),
        auth_methods: options.auth_methods.into_iter().map(method).collect(),
        comm_methods: options.comm_methods.into_iter().map(method).collect(),
        unauthenticated: purpose.unauthenticated,
        session,
    };
    pages::choose_methods(&view, language)
}

fn choice(purpose: &Purpose, language: Language) -> PurposeChoice<'_> {
    let tag = purpose.tag.as_str();
    PurposeChoice { tag, name: purpose.display_name(language) }
}

fn method(option: MethodOption<'_>) -> MethodChoice<'_> {
    MethodChoice { tag: option.tag, name: option.name, image_path: option.image_path }
}
