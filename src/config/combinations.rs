//! Whether what the three files say works together: each purpose with each pair of methods that it
//! allows, and the keys that trust needs (design.md, "Trust, and brokering").
//! May import: `check`, `mask`, `purposes`, `trust`, `model`.

use std::collections::HashSet;

use super::{
    AuthId, AuthKind, AuthMethod, AuthTrust, Brokering, CommId, CommKind, CommMethod, CommTrust, Config,
    Purpose, Receiver, Sender, Way,
    check::{Checker, did_you_mean, enumerate},
    mask::mask,
    purposes::PurposePlace,
    trust::MethodPlace,
};
use crate::model::{AttributeTag, Dialect};

/// Where the methods stand.
pub struct Places {
    pub auth: Vec<MethodPlace>,
    pub comm: Vec<MethodPlace>,
}

/// Why results of one method are of no use to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mismatch {
    /// The communication plugin cannot read what the gateway issues.
    CommIsOpaque,
    /// The gateway cannot read what the communication plugin wants from it.
    AuthIsOpaque,
    Dialects(Dialect, Dialect),
    /// Doubtful only: the receiver may read this dialect.
    DialectUnknown(Dialect),
}

/// What each method needs, whatever the purposes say. `checker` is that of plugins.yaml.
pub fn check_methods(config: &Config, places: &Places, checker: &mut Checker) {
    for (method, place) in config.auth.iter().zip(&places.auth) {
        if matches!(method.trust, AuthTrust::Reseal { .. }) {
            checker.check_resealed_auth(method, place, config);
        }
    }
    let mut resealed = config.comm.iter().zip(&places.comm).filter(|(method, _)| is_resealed(method));
    for (method, place) in resealed.clone() {
        if !is_plugin(method) {
            checker.refuse_trust_in_adapter(place);
        }
    }
    let signs = !config.keys.signing.is_empty();
    if let Some((_, place)) = resealed.find(|(method, _)| !signs && is_plugin(method)) {
        checker
            .warning_at(
                "no-signing-key",
                place.trust.clone(),
                format!("{} verifies the gateway's signature, and no signing key is configured", place.name),
            )
            .with_help(
                "the gateway makes one for its own lifetime and publishes it at `/.well-known/jwks.json`; \
                 for one that lasts: `keys: { signing: [ { id: g1, private_key: { file: FILE } } ] }`",
            );
    }
}

fn is_resealed(method: &CommMethod) -> bool {
    matches!(method.trust, CommTrust::Reseal { .. })
}

fn is_plugin(method: &CommMethod) -> bool {
    matches!(method.kind, CommKind::Remote { .. })
}

impl Checker<'_> {
    fn check_resealed_auth(&mut self, method: &AuthMethod, place: &MethodPlace, config: &Config) {
        let name = &place.name;
        if !matches!(method.kind, AuthKind::Remote { .. }) {
            self.refuse_trust_in_adapter(place);
            return;
        }
        if config.keys.decryption.is_empty() {
            self.error_at(
                "no-decryption-key",
                place.trust.clone(),
                format!("results of {name} are encrypted to the gateway, which has no decryption key"),
            )
            .with_help(
                "`id-contact-gateway keys decryption` makes one for \
                 `keys: { decryption: [ { id: d1, private_key: { file: FILE } } ] }`; \
                 the plugin encrypts to its public half",
            );
        }
        if method.brokering == Brokering::Off {
            self.error_at(
                "trust-without-brokering",
                place.brokering.clone(),
                format!(
                    "with `brokering: off` no result of {name} passes through the gateway, as `trust` wants"
                ),
            )
            .with_help("write `observe` or `bind`, or leave `trust` out");
        }
    }

    fn refuse_trust_in_adapter(&mut self, place: &MethodPlace) {
        let message = format!("{} is the gateway itself, and has no keys of its own", place.name);
        self.error_at("trust-in-adapter", place.trust.clone(), message)
            .with_help("remove `trust`: it is for plugins");
    }
}

/// Each purpose with its methods. `checker` is that of purposes.yaml.
pub fn check_purposes(
    config: &Config,
    purpose_places: &[PurposePlace],
    places: &Places,
    checker: &mut Checker,
) {
    let mut pairs = Pairs { config, places, reported: HashSet::new(), refused: false };
    for (purpose, place) in config.purposes.iter().zip(purpose_places) {
        for id in &purpose.allowed_auth {
            if let (Some(method), Some(method_place)) = (config.auth.get(id.0), places.auth.get(id.0)) {
                check_attributes(purpose, place, method, method_place, checker);
            }
        }
        pairs.check(purpose, place, checker);
    }
}

/// The pairs of all purposes. A pair is reported once, in the first purpose that has it.
struct Pairs<'c> {
    config: &'c Config,
    places: &'c Places,
    reported: HashSet<(usize, usize)>,
    /// One of them is an error.
    refused: bool,
}

impl Pairs<'_> {
    /// Compares kinds of methods and not methods, so that a thousand of each are no million steps.
    fn check(&mut self, purpose: &Purpose, place: &PurposePlace, checker: &mut Checker) {
        let groups = self.groups(&purpose.allowed_comm);
        for auth in &purpose.allowed_auth {
            let Some(from) = self.config.auth.get(auth.0).map(issued) else { continue };
            for (to, comms) in &groups {
                let Some(mismatch) = mismatch(from, *to) else { continue };
                for comm in comms {
                    // Nobody reads further, and a million pairs would take their time. One error counts
                    // all the same.
                    if !checker.wants_help() && (self.refused || !mismatch.is_error()) {
                        break;
                    }
                    if self.reported.insert((auth.0, comm.0)) {
                        self.refused |= mismatch.is_error();
                        self.report(mismatch, place, (*auth, *comm), checker);
                    }
                }
            }
        }
    }

    fn groups(&self, comms: &[CommId]) -> Vec<(Reader, Vec<CommId>)> {
        let mut groups: Vec<(Reader, Vec<CommId>)> = Vec::new();
        for id in comms {
            let Some(to) = self.config.comm.get(id.0).map(read) else { continue };
            match groups.iter_mut().find(|(group, _)| *group == to) {
                Some((_, ids)) => ids.push(*id),
                None => groups.push((to, vec![*id])),
            }
        }
        groups
    }

    fn report(
        &self,
        mismatch: Mismatch,
        place: &PurposePlace,
        (auth, comm): (AuthId, CommId),
        checker: &mut Checker,
    ) {
        let (Some(auth), Some(comm)) = (self.places.auth.get(auth.0), self.places.comm.get(comm.0)) else {
            return;
        };
        let purpose = checker.quote(&place.tag);
        let message =
            format!("the purpose {purpose} allows {} with {}: {}", auth.name, comm.name, mismatch.reason());
        let diagnostic = if mismatch.is_error() {
            checker.error("combination", &place.tag, message)
        } else {
            checker.warning("combination", &place.tag, message)
        };
        let (from, to) = mismatch.labels();
        diagnostic
            .with_also(auth.tag.clone(), from)
            .with_also(comm.tag.clone(), to)
            .with_help(mismatch.help(&auth.name, &comm.name));
    }
}

/// What is to be known of a communication method, whichever it is.
type Reader = (Receiver, Option<Dialect>);

fn issued(method: &AuthMethod) -> (Sender, Dialect) {
    (method.sender(), method.dialect)
}

fn read(method: &CommMethod) -> Reader {
    (method.receiver(), method.dialect)
}

fn mismatch((from, issued): (Sender, Dialect), (to, read): Reader) -> Option<Mismatch> {
    match (Way::between(from, to), from, to) {
        (None, Sender::Opaque, _) => Some(Mismatch::AuthIsOpaque),
        (None, Sender::Resealed | Sender::Development, _) => Some(Mismatch::CommIsOpaque),
        (Some(_), Sender::Opaque, Receiver::Opaque) => match read {
            Some(read) if read != issued => Some(Mismatch::Dialects(issued, read)),
            // What everybody reads unless somebody says otherwise is `id-contact`.
            None if issued == Dialect::VerderHelpen => Some(Mismatch::DialectUnknown(issued)),
            _ => None,
        },
        (Some(_), ..) => None,
    }
}

impl Mismatch {
    fn is_error(self) -> bool {
        !matches!(self, Self::DialectUnknown(_))
    }

    fn reason(self) -> String {
        match self {
            Self::CommIsOpaque => {
                "the gateway re-seals results of the first, and the second does not trust it".to_owned()
            }
            Self::AuthIsOpaque => {
                "the second wants results that the gateway re-sealed, and those of the first pass unread"
                    .to_owned()
            }
            Self::Dialects(from, to) => {
                format!("results come as `{}`, and are read as `{}`", from.as_str(), to.as_str())
            }
            Self::DialectUnknown(from) => {
                format!("results come as `{}`, and how they are read is not said", from.as_str())
            }
        }
    }

    fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::CommIsOpaque => ("has `trust: { reseal: … }`", "`trust` is `opaque`"),
            Self::AuthIsOpaque => ("`trust` is `opaque`", "has `trust: { reseal: … }`"),
            Self::Dialects(..) => ("issues one dialect", "reads the other"),
            Self::DialectUnknown(_) => ("issues this dialect", "has no `dialect`"),
        }
    }

    fn help(self, auth: &str, comm: &str) -> String {
        match self {
            Self::CommIsOpaque => format!(
                "set `trust: {{ reseal: {{ encrypt: {{ file: FILE }} }} }}` for {comm}, with the plugin's public key, \
                 or do not allow the two in one purpose"
            ),
            Self::AuthIsOpaque => format!(
                "set `trust: {{ reseal: {{ verify: {{ file: FILE }} }} }}` for {auth}, with the plugin's public key, \
                 or do not allow the two in one purpose"
            ),
            Self::Dialects(..) => {
                "results are translated only where the gateway re-seals them: set `trust` for both, \
                                   or do not allow the two in one purpose"
                    .to_owned()
            }
            Self::DialectUnknown(from) => {
                format!("if {comm} reads it, add `dialect: {}` to it", from.as_str())
            }
        }
    }
}

/// What is asked for and not provided: certain of a plugin whose operator says what it provides; the
/// values of `test` are made up, and whatever is missing there concerns nobody.
fn check_attributes(
    purpose: &Purpose,
    place: &PurposePlace,
    method: &AuthMethod,
    method_place: &MethodPlace,
    checker: &mut Checker,
) {
    let missing = missing_attributes(purpose, method);
    if missing.is_empty() {
        return;
    }
    let misspelt = misspelt_attribute(purpose, method, &missing);
    let missing: Vec<_> = missing.into_iter().map(|attribute| mask(attribute.as_str())).collect();
    let missing = enumerate(missing.iter().map(String::as_str));
    let purpose = checker.quote(&place.tag);
    let message = format!("the method {} cannot satisfy the purpose {purpose}", method_place.name);
    let (diagnostic, help) = match &method.kind {
        AuthKind::Test { .. } => (
            checker.warning("unprovided-attribute", &place.tag, message),
            format!("add {missing} to the method's `test: {{ attributes: … }}`"),
        ),
        AuthKind::Remote { .. } => (
            checker.error("unprovided-attribute", &place.tag, message),
            format!("add {missing} to the method's `provides`, or do not allow it here"),
        ),
        AuthKind::Oidc(_) | AuthKind::Http(_) | AuthKind::Headers(_) => (
            checker.error("unprovided-attribute", &place.tag, message),
            format!("add {missing} to the method's `attributes`, or do not allow it here"),
        ),
    };
    diagnostic.with_label(format!("asks for {missing}"));
    match misspelt {
        Some((written, meant)) => diagnostic
            .with_also(method_place.tag.clone(), format!("provides `{written}`: did you mean `{meant}`?"))
            .with_help(format!("write `{meant}` for the method's `{written}`, or {help}")),
        None => diagnostic.with_help(help),
    };
}

/// What a purpose asks for and a method is known not to prove.
fn missing_attributes<'p>(purpose: &'p Purpose, method: &AuthMethod) -> Vec<&'p AttributeTag> {
    let Some(known) = known_attributes(method) else { return Vec::new() };
    purpose.attributes.iter().filter(|attribute| !known.contains(attribute)).collect()
}

/// The attributes that a method is known to prove; `None` where nobody knows.
fn known_attributes(method: &AuthMethod) -> Option<Vec<&AttributeTag>> {
    let provided = method.provides.as_ref().map(|provides| provides.iter().collect());
    provided.or_else(|| method.kind.attributes())
}

/// An attribute of the method that nobody asks for here, and the missing one that it is nearly.
fn misspelt_attribute(
    purpose: &Purpose,
    method: &AuthMethod,
    missing: &[&AttributeTag],
) -> Option<(String, String)> {
    let unasked = known_attributes(method)?.into_iter().filter(|known| !purpose.attributes.contains(known));
    unasked.map(AttributeTag::as_str).find_map(|known| {
        let meant = did_you_mean(known, missing.iter().map(|attribute| attribute.as_str()))?;
        Some((mask(known), mask(meant)))
    })
}
