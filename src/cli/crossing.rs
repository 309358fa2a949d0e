//! What crosses each hop of the combinations of methods that a purpose allows, and for whom it is
//! encrypted: for `check` and `explain`. What happens is decided by `config::Way` and
//! `session::Carrier`; here it is put into words.

use std::collections::BTreeSet;

use crate::{
    config::{
        AuthKind, AuthMethod, AuthTrust, Brokering, Call, CallBody, CommKind, CommMethod, CommTrust, Config,
        HttpComm, InspectDelivery, Link, Purpose, Receiver, Way,
    },
    model::AttributeTag,
    session::Carrier,
    templates::Name,
};

/// One combination, with the configuration that it stands in.
#[derive(Clone, Copy)]
pub(super) struct Crossing<'c> {
    config: &'c Config,
    purpose: &'c Purpose,
    auth: &'c AuthMethod,
    comm: &'c CommMethod,
}

/// The combinations of a purpose, in the order of its file.
pub(super) fn crossings<'c>(
    config: &'c Config,
    purpose: &'c Purpose,
) -> impl Iterator<Item = Crossing<'c>> + 'c {
    let auths = purpose.allowed_auth.iter().filter_map(|id| config.auth.get(id.0));
    auths.flat_map(move |auth| {
        let comms = purpose.allowed_comm.iter().filter_map(|id| config.comm.get(id.0));
        comms.map(move |comm| Crossing { config, purpose, auth, comm })
    })
}

/// All that is known of the sessions of a purpose.
pub(super) fn describe(config: &Config, purpose: &Purpose) -> String {
    let list = |items: Vec<&str>| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    let asked = list(purpose.attributes.iter().map(AttributeTag::as_str).collect());
    let mut text = format!("purpose    {}\nasks for   {asked}\n", purpose.tag);
    for crossing in crossings(config, purpose) {
        text += &format!("\n{}\n", crossing.line());
        for (name, value) in crossing.rows() {
            text += &format!("  {name:<8} {value}\n");
        }
    }
    if purpose.unauthenticated {
        let comms = purpose.allowed_comm.iter().filter_map(|id| config.comm.get(id.0));
        let comms = list(comms.map(|comm| comm.tag.as_str()).collect());
        text += &format!("\nwithout signing in -> {comms}\n  nobody is known, and no result crosses\n");
    }
    text
}

impl Crossing<'_> {
    pub(super) fn purpose(&self) -> &str {
        self.purpose.tag.as_str()
    }

    /// The hops of a result in one line.
    pub(super) fn line(&self) -> String {
        let (auth, comm) = (&self.auth.tag, &self.comm.tag);
        match self.auth.way_to(Some(self.comm)) {
            Some(Way::Unread) => format!("{auth} -> {comm} ({})", self.unread()),
            Some(Way::Resealed) => {
                let (opened, sealed) = (self.opened(), self.sealed());
                if self.auth.is_adapter() {
                    format!("{auth} ({opened}) -> {comm} ({sealed})")
                } else {
                    format!("{auth} -> gateway ({opened}) -> {comm} ({sealed})")
                }
            }
            // The configuration does not load with one.
            None => format!("{auth} -> {comm} (no result can cross)"),
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.delivery();
        rows.push(("updates", self.updates()));
        rows
    }

    fn unread(&self) -> String {
        let development = self.comm.receiver() == Receiver::Development;
        match (&self.auth.kind, development) {
            (AuthKind::Test { .. }, true) => {
                "with the gateway's own keys for development, at both ends".to_owned()
            }
            (AuthKind::Test { .. }, false) => format!(
                "unread: encrypted to the gateway's key for development, which {} does not have",
                self.comm.tag
            ),
            (_, true) => format!(
                "unread: encrypted by {} to a plugin, so {} can only show that it came",
                self.auth.tag, self.comm.tag
            ),
            (_, false) => format!(
                "unread: encrypted by {} to the plugin {}, as {}; {}",
                self.auth.tag,
                self.comm.tag,
                self.auth.dialect.as_str(),
                match Carrier::of(self.auth, Some(self.comm), false, false, false) {
                    Carrier::Plugins => "past the gateway",
                    _ => "the gateway passes it on",
                }
            ),
        }
    }

    /// How the gateway gets to know what it issues anew.
    fn opened(&self) -> String {
        match (&self.auth.kind, &self.auth.trust) {
            (AuthKind::Test { .. }, _) => "encrypted to its key for development".to_owned(),
            (AuthKind::Oidc(oidc), _) => {
                format!("the gateway is the OpenID client of {}", host_of(&oidc.issuer))
            }
            (AuthKind::Http(http), _) => format!("the gateway asks {}", http.service.base.host()),
            (AuthKind::Headers(headers), _) => {
                let networks: Vec<_> = headers.from.iter().map(ToString::to_string).collect();
                format!("headers of a front proxy, believed from {}", networks.join(", "))
            }
            (AuthKind::Remote { .. }, AuthTrust::Reseal { verify }) => {
                let keys = self.config.keys.decryption.iter().filter_map(|key| key.id());
                let keys: Vec<_> = keys.collect();
                format!(
                    "encrypted to the gateway, key {}, verified with {}",
                    keys.join(" or "),
                    short(verify.fingerprint())
                )
            }
            (AuthKind::Remote { .. }, AuthTrust::Opaque) => "unread".to_owned(),
        }
    }

    /// What the gateway makes of it for its receiver.
    fn sealed(&self) -> String {
        match (&self.comm.kind, &self.comm.trust) {
            (CommKind::Inspect { .. }, _) => {
                "re-sealed with the gateway's own keys for development".to_owned()
            }
            (CommKind::Link(link), _) => link_takes(link),
            (CommKind::Http(http), _) => service_takes(http),
            (CommKind::Remote { .. }, CommTrust::Reseal { encrypt }) => format!(
                "re-sealed: signed with {}, encrypted to its key {}, as {}",
                self.config.keys.signing.first().and_then(|key| key.id()).unwrap_or("a key of the process"),
                short(encrypt.fingerprint()),
                self.comm.dialect.unwrap_or_default().as_str()
            ),
            (CommKind::Remote { .. }, CommTrust::Opaque) => "unread".to_owned(),
        }
    }

    /// Who carries the result, for each of the two ways in which a plugin may ask for it.
    fn delivery(&self) -> Vec<(&'static str, String)> {
        let comm = &self.comm.tag;
        let row = |out_of_band| (if out_of_band { "by POST" } else { "in-band" }, self.carried(out_of_band));
        match &self.comm.kind {
            CommKind::Inspect { delivery } => vec![row(*delivery == InspectDelivery::AttrUrl)],
            CommKind::Link(_) => vec![row(false)],
            CommKind::Http(_) => vec![row(true)],
            CommKind::Remote { .. } => [false, true]
                .map(row)
                .into_iter()
                .zip(["names no attr_url", "names an attr_url"])
                .map(|((name, value), when)| (name, format!("{value}, if {comm} {when}")))
                .collect(),
        }
    }

    fn carried(&self, out_of_band: bool) -> String {
        let (auth, comm) = (&self.auth.tag, &self.comm.tag);
        let reseals = self.auth.way_to(Some(self.comm)) == Some(Way::Resealed);
        let bound = match self.auth.brokering {
            Brokering::Bind => ", only the one that started",
            Brokering::Off | Brokering::Observe => "",
        };
        match Carrier::of(self.auth, Some(self.comm), reseals, out_of_band, false) {
            Carrier::Browser => format!("the browser takes it by way of the gateway to {comm}{bound}"),
            Carrier::Gateway => {
                format!("the browser takes it to the gateway{bound}, which delivers it to {comm}")
            }
            Carrier::Posts => format!("{auth} posts it to the gateway, which posts it to {comm}"),
            Carrier::Plugins if out_of_band => format!("{auth} posts it to {comm}, past the gateway"),
            Carrier::Plugins => format!("the browser takes it to {comm}, past the gateway"),
        }
    }

    /// Whether the communication side gets a `session_url`.
    fn is_told_where(&self) -> bool {
        match &self.comm.kind {
            CommKind::Remote { .. } => true,
            CommKind::Inspect { .. } | CommKind::Link(_) => false,
            CommKind::Http(http) => http
                .deliver
                .as_ref()
                .is_some_and(|deliver| names_of(&deliver.call).any(|name| name.root == "session_url")),
        }
    }

    /// Where activity and logout go.
    fn updates(&self) -> String {
        let (auth, comm) = (&self.auth.tag, &self.comm.tag);
        if !self.is_told_where() {
            return format!("none: {comm} reports neither activity nor logout");
        }
        let way = self.auth.way_to(Some(self.comm));
        match &self.auth.kind {
            AuthKind::Remote { .. } if way == Some(Way::Resealed) => {
                format!("activity and logout: {comm} -> gateway -> {auth}, for results with a session_url")
            }
            AuthKind::Remote { .. } => {
                format!(
                    "activity and logout: {comm} -> {auth}, past the gateway, for results with a session_url"
                )
            }
            AuthKind::Oidc(oidc) => format!(
                "logout: {comm} -> gateway -> {}, where the provider offers it",
                host_of(&oidc.issuer)
            ),
            AuthKind::Http(http) => {
                let told = [("activity", &http.updates.user_active), ("logout", &http.updates.logout)];
                let told: Vec<_> =
                    told.iter().filter(|(_, call)| call.is_some()).map(|(name, _)| *name).collect();
                if told.is_empty() {
                    format!("none: {auth} declares no `update`")
                } else {
                    format!("{}: {comm} -> gateway -> {}", told.join(" and "), http.service.base.host())
                }
            }
            AuthKind::Test { .. } | AuthKind::Headers(_) => format!("none: {auth} keeps no session"),
        }
    }
}

fn link_takes(link: &Link) -> String {
    let url = attributes(link.url.names());
    let token = attributes(link.jwt.iter().flat_map(|jwt| jwt.claims.names()));
    let mut text = "the gateway renders the link".to_owned();
    for (place, attributes) in [("the URL", url), ("its token", token)] {
        if let Some(attributes) = attributes {
            text += &format!("; {attributes} in {place}");
        }
    }
    if link.url.is_telephone() { text.replace("the link", "the telephone number") } else { text }
}

fn service_takes(http: &HttpComm) -> String {
    let host = http.service.base.host();
    let Some(deliver) = &http.deliver else {
        return format!("the gateway tells {host} nothing about the citizen");
    };
    let hmac = if deliver.hmac.is_some() { ", signed with an HMAC" } else { "" };
    let attributes = attributes(names_of(&deliver.call)).unwrap_or_else(|| "no attribute".to_owned());
    format!("the gateway sends {} to {host}{hmac}: {attributes}", deliver.call.method)
}

fn names_of(call: &Call) -> impl Iterator<Item = &Name> {
    let body: Vec<_> = match &call.body {
        CallBody::None => Vec::new(),
        CallBody::Json(json) => json.names(),
        CallBody::Form(fields) => fields.iter().flat_map(|(_, template)| template.names()).collect(),
    };
    call.path.names().chain(call.headers.iter().flat_map(|(_, template)| template.names())).chain(body)
}

/// The attributes among the names of a template, in words; `None` when there are none.
fn attributes<'n>(names: impl Iterator<Item = &'n Name>) -> Option<String> {
    let named: BTreeSet<Option<&str>> =
        names.filter(|name| name.root == "attributes").map(|name| name.member.as_deref()).collect();
    if named.contains(&None) {
        return Some("all attributes".to_owned());
    }
    let named: Vec<_> = named.into_iter().flatten().collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// As much of a fingerprint as people compare at a glance.
fn short([a, b, c, d, ..]: [u8; 32]) -> String {
    format!("{a:02x}{b:02x}{c:02x}{d:02x}…")
}

fn host_of(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
