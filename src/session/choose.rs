//! The citizen's choice as pages: a purpose, then the methods.

use crate::{
    model::{Language, OwnAnswer, OwnRequest},
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
    let (config, language) = (snapshot.config(), request.language);
    let auth = purpose.allowed_auth.iter().filter_map(|id| config.auth.get(id.0));
    let comm = purpose.allowed_comm.iter().filter_map(|id| config.comm.get(id.0));
    let view = ChooseMethods {
        base: snapshot.base_path(),
        purpose: choice(purpose, language),
        auth_methods: auth
            .map(|m| MethodChoice {
                tag: m.tag.as_str(),
                name: m.name.text(language),
                image_path: &m.image_path,
            })
            .collect(),
        comm_methods: comm
            .map(|m| MethodChoice {
                tag: m.tag.as_str(),
                name: m.name.text(language),
                image_path: &m.image_path,
            })
            .collect(),
        unauthenticated: purpose.unauthenticated,
    };
    Some(pages::choose_methods(&view, language))
}

fn choice(purpose: &crate::config::Purpose, language: Language) -> PurposeChoice<'_> {
    let tag = purpose.tag.as_str();
    PurposeChoice { tag, name: purpose.display_name(language) }
}
