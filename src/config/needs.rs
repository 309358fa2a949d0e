//! Whether what a communication method's templates need can be there: an attribute that the purpose
//! does not ask for never comes, and without authentication none does.
//! May import: `check`, `mask`, `purposes`, `trust`, `model`.

use super::{
    CommKind, CommMethod, Config, Purpose,
    check::{Checker, did_you_mean, enumerate},
    mask::mask,
    purposes::PurposePlace,
    trust::MethodPlace,
};
use crate::model::AttributeTag;

/// A communication method whose templates need attributes.
struct Needy<'c> {
    attributes: Vec<&'c str>,
    place: &'c MethodPlace,
    /// Whether it renders its templates for somebody who did not sign in.
    serves_strangers: bool,
}

/// Attributes that no purpose asks for. `checker` is that of plugins.yaml.
pub fn check_templates(config: &Config, places: &[MethodPlace], checker: &mut Checker) {
    for (index, needy) in needy_methods(config, places) {
        let purposes: Vec<_> = config.purposes.iter().filter(|purpose| allows(purpose, index)).collect();
        let unasked = |attribute: &&str| !purposes.iter().any(|purpose| asks(purpose, attribute));
        for attribute in needy.attributes.iter().copied().filter(unasked) {
            if !purposes.is_empty() {
                warn_of_unasked(attribute, &purposes, needy.place, checker);
            }
        }
    }
}

fn warn_of_unasked(attribute: &str, purposes: &[&Purpose], place: &MethodPlace, checker: &mut Checker) {
    let spans = place.texts.iter().filter_map(|text| checker.place_of_attribute(text, attribute));
    let Some(span) = spans.into_iter().next() else { return };
    let shown = mask(attribute);
    let message =
        format!("no purpose that allows {} asks for `{shown}`, so that there is no value", place.name);
    let asked = purposes.iter().flat_map(|purpose| &purpose.attributes).map(AttributeTag::as_str);
    let help = match did_you_mean(attribute, asked) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "add `{shown}` to the `attributes` of the purpose, or say what stands for it: `… | default('')`"
        ),
    };
    checker.warning("unasked-attribute", &span, message).with_help(help);
}

/// Purposes with which a method's templates cannot be filled in. `checker` is that of purposes.yaml.
pub fn check_purposes(
    config: &Config,
    purpose_places: &[PurposePlace],
    places: &[MethodPlace],
    checker: &mut Checker,
) {
    for (index, needy) in needy_methods(config, places) {
        let allowing: Vec<_> = config
            .purposes
            .iter()
            .zip(purpose_places)
            .filter(|(purpose, _)| allows(purpose, index))
            .collect();
        for (purpose, place) in &allowing {
            if purpose.unauthenticated && needy.serves_strangers {
                warn_of_strangers(&needy, place, checker);
            }
            // What nobody asks for is reported where it is named.
            let missing = |attribute: &&&str| {
                !asks(purpose, attribute) && allowing.iter().any(|(other, _)| asks(other, attribute))
            };
            let missing: Vec<_> = needy.attributes.iter().filter(missing).copied().collect();
            if !missing.is_empty() {
                warn_of_missing(&missing, &needy, place, checker);
            }
        }
    }
}

fn warn_of_strangers(needy: &Needy, place: &PurposePlace, checker: &mut Checker) {
    let (shown, purpose) = (masked(&needy.attributes), checker.quote(&place.tag));
    let message = format!(
        "the purpose {purpose} needs no authentication, and {} cannot do without {shown}",
        needy.place.name
    );
    checker
        .warning("unauthenticated-template", &place.tag, message)
        .with_also(needy.place.tag.clone(), "names attributes without `default`")
        .with_help("give each of them a `default`, or do not allow the method here");
}

fn warn_of_missing(missing: &[&str], needy: &Needy, place: &PurposePlace, checker: &mut Checker) {
    let (shown, purpose) = (masked(missing), checker.quote(&place.tag));
    let message = format!("the purpose {purpose} does not ask for {shown}, which {} needs", needy.place.name);
    checker
        .warning("unasked-attribute", &place.tag, message)
        .with_also(needy.place.tag.clone(), "names attributes without `default`")
        .with_help(
            "add what is missing to `attributes`, give it a `default`, or do not allow the method here",
        );
}

fn masked(attributes: &[&str]) -> String {
    let masked: Vec<_> = attributes.iter().map(|attribute| mask(attribute)).collect();
    enumerate(masked.iter().map(String::as_str))
}

fn allows(purpose: &Purpose, comm: usize) -> bool {
    purpose.allowed_comm.iter().any(|id| id.0 == comm)
}

fn asks(purpose: &Purpose, attribute: &str) -> bool {
    purpose.attributes.iter().any(|tag| tag.as_str() == attribute)
}

fn needy_methods<'c>(
    config: &'c Config,
    places: &'c [MethodPlace],
) -> impl Iterator<Item = (usize, Needy<'c>)> {
    let methods = config.comm.iter().zip(places).enumerate();
    methods.filter_map(|(index, (method, place))| {
        let attributes = needed_attributes(method);
        let serves_strangers = matches!(method.kind, CommKind::Link(_));
        (!attributes.is_empty()).then_some((index, Needy { attributes, place, serves_strangers }))
    })
}

/// The attributes without which the templates of a method cannot be filled in, each once.
fn needed_attributes(method: &CommMethod) -> Vec<&str> {
    let names = match &method.kind {
        CommKind::Remote { .. } | CommKind::Inspect { .. } => Vec::new(),
        CommKind::Link(link) => link.needed(),
        CommKind::Http(http) => http.deliver.iter().flat_map(|deliver| deliver.call.needed()).collect(),
    };
    let attributes = names.into_iter().filter(|name| name.root == "attributes");
    let mut attributes: Vec<_> = attributes.filter_map(|name| name.member.as_deref()).collect();
    attributes.sort_unstable();
    attributes.dedup();
    attributes
}
