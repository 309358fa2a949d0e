//! The rows and columns of the matrix: which sessions there are, which there cannot be and why, and what
//! each party is given.

use id_contact_gateway::model::Dialect;

use crate::{
    support::keys::Kind,
    world::{ATTRIBUTES, CONTINUE},
};

pub const DIALECTS: [Dialect; 2] = [Dialect::IdContact, Dialect::VerderHelpen];

/// The rows of protocol.md's table of starts, without those that take no authentication plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Full,
    /// `comm_url`, unsigned, on the internal listener.
    DuringCommunication,
    /// The same, signed, on the public one.
    Signed,
    /// Authentication first, the channel afterwards.
    Split,
}

impl Row {
    /// The label `kind`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::DuringCommunication | Self::Signed => "authentication",
            Self::Split => "choice",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub row: Row,
    /// The communication plugin names no `attr_url`.
    pub in_band: bool,
    pub brokering: &'static str,
    pub disable_attr_url: bool,
    pub reseal: bool,
    pub from: Dialect,
    pub to: Dialect,
}

impl Case {
    /// All that can be configured and make a difference, in the order of the transcript.
    pub fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for row in [Row::Full, Row::DuringCommunication, Row::Signed, Row::Split] {
            for in_band in [true, false] {
                for brokering in ["off", "observe", "bind"] {
                    for disable_attr_url in [false, true] {
                        for reseal in [false, true] {
                            for (from, to) in DIALECTS.into_iter().flat_map(|a| DIALECTS.map(|b| (a, b))) {
                                cases.push(Self {
                                    row,
                                    in_band,
                                    brokering,
                                    disable_attr_url,
                                    reseal,
                                    from,
                                    to,
                                });
                            }
                        }
                    }
                }
            }
        }
        cases
    }

    /// Why there is no such session.
    pub fn impossible(&self) -> Option<&'static str> {
        match self {
            Self { reseal: false, from, to, .. } if from != to => {
                Some("opaque: what the gateway cannot read it cannot translate; `check` refuses the pair")
            }
            Self { reseal: true, brokering: "off", .. } => {
                Some("off: results that the gateway opens have to pass by it; `check` refuses the method")
            }
            Self { row: Row::Split, brokering, disable_attr_url, .. }
                if *brokering == "off" || *disable_attr_url =>
            {
                Some("split: no attr_url and no client_url exist yet, so that it is as `observe`")
            }
            Self { row: Row::DuringCommunication, brokering: "bind", .. } => {
                Some("bind: a server starts, not the citizen's browser, which then has no cookie to prove it")
            }
            _ => None,
        }
    }

    pub fn auth_method(&self) -> String {
        let switch = if self.disable_attr_url { "-noattr" } else { "" };
        format!("{}{switch}-{}-{}", self.brokering, trust(self.reseal), short(self.from))
    }

    pub fn comm_method(&self) -> String {
        format!("{}-{}-{}", trust(self.reseal), short(self.to), if self.in_band { "in" } else { "out" })
    }

    pub fn purpose(&self) -> String {
        purpose(self.reseal, self.to)
    }

    pub fn brokered(&self) -> bool {
        self.brokering != "off"
    }

    /// Whether the gateway posts the result itself.
    pub fn gateway_delivers(&self) -> bool {
        !self.in_band && (self.brokering == "bind" || self.disable_attr_url)
    }

    /// What the authentication plugin is to get: the beginning of its continuation, and
    /// of its `attr_url`.
    pub fn handed(&self, comm: &str) -> (String, Option<String>) {
        let through_gateway = self.row == Row::Split || self.brokered() || self.gateway_delivers();
        let continuation = if through_gateway { CONTINUE.to_owned() } else { format!("{comm}/room/") };
        let attr_url = if self.in_band || self.row == Row::Split || self.gateway_delivers() {
            None
        } else if self.brokered() {
            Some(ATTRIBUTES.to_owned())
        } else {
            Some(format!("{comm}/attr/"))
        };
        (continuation, attr_url)
    }

    pub fn title(&self) -> String {
        let way = if self.in_band { "in-band" } else { "out-of-band" };
        let switch = if self.disable_attr_url { ", disable_attr_url" } else { "" };
        format!(
            "{:?}, {way}, {}{switch}, {}, {} to {}",
            self.row,
            self.brokering,
            trust(self.reseal),
            self.from.as_str(),
            self.to.as_str()
        )
    }
}

pub fn trust(reseal: bool) -> &'static str {
    if reseal { "reseal" } else { "opaque" }
}

pub fn short(dialect: Dialect) -> &'static str {
    if dialect == Dialect::IdContact { "ic" } else { "vh" }
}

pub fn purpose(reseal: bool, to: Dialect) -> String {
    if reseal { "any".to_owned() } else { format!("only-{}", short(to)) }
}

/// Plugins of one dialect have RSA keys, those of the other P-256 ones.
pub fn kind(dialect: Dialect) -> Kind {
    if dialect == Dialect::IdContact { Kind::P256 } else { Kind::Rsa }
}

pub fn suffix(dialect: Dialect) -> &'static str {
    if dialect == Dialect::IdContact { "" } else { "_RSA" }
}
