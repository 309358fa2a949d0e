//! The citizen's choice as pages: a purpose, then the methods.

use crate::{
    config::Purpose,
    model::{Language, OwnAnswer, OwnRequest, wire::MethodOption},
    pages::{self, ChooseMethods, ChoosePurpose, MethodChoice, PurposeChoice},
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
pub fn methods(snapshot: &Snapshot, segment: &str, request: &OwnRequest) -> Option<OwnAnswer> {
    let purpose = snapshot.purpose(&decode_segment(segment)?)?;
    let language = request.language;
    let options = snapshot.options_of(purpose, language);
    let view = ChooseMethods {
        base: snapshot.base_path(),
        purpose: choice(purpose, language),
        auth_methods: options.auth_methods.into_iter().map(method).collect(),
        comm_methods: options.comm_methods.into_iter().map(method).collect(),
        unauthenticated: purpose.unauthenticated,
    };
    Some(pages::choose_methods(&view, language))
}

fn choice(purpose: &Purpose, language: Language) -> PurposeChoice<'_> {
    let tag = purpose.tag.as_str();
    PurposeChoice { tag, name: purpose.display_name(language) }
}

fn method(option: MethodOption<'_>) -> MethodChoice<'_> {
    MethodChoice { tag: option.tag, name: option.name, image_path: option.image_path }
}
