//! How results get from an authentication method to a communication method, by what each of the two
//! trusts the gateway with (design.md, "Trust, and brokering"). The one place that says so: the checks,
//! sessions and `explain` ask here.
//! May import: nothing but the types of the configuration.

use super::{AuthKind, AuthMethod, AuthTrust, CommKind, CommMethod, CommTrust};

/// How results leave an authentication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The development pair issues them.
    Development,
    /// The gateway reads them, and issues them anew.
    Resealed,
    /// Unread, as the plugin made them.
    Opaque,
}

/// How results reach a communication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The development pair reads them.
    Development,
    /// Issued by the gateway.
    Resealed,
    /// As an authentication plugin made them.
    Opaque,
}

/// What happens to a result on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is encrypted to its receiver already, as far as the gateway knows.
    Unread,
    /// It is opened, checked and sealed anew.
    Resealed,
}

impl Way {
    /// `None` where one side wants results that pass unread and the other does not.
    pub fn between(from: Sender, to: Receiver) -> Option<Self> {
        match (from, to) {
            // The development pair reads its own; of a plugin's, `inspect` shows that it cannot be read.
            (Sender::Development | Sender::Opaque, Receiver::Development | Receiver::Opaque) => {
                Some(Self::Unread)
            }
            (Sender::Development | Sender::Resealed, Receiver::Resealed)
            | (Sender::Resealed, Receiver::Development) => Some(Self::Resealed),
            (Sender::Resealed, Receiver::Opaque) | (Sender::Opaque, Receiver::Resealed) => None,
        }
    }
}

impl AuthMethod {
    pub fn sender(&self) -> Sender {
        match (&self.kind, &self.trust) {
            (AuthKind::Test { .. }, _) => Sender::Development,
            (AuthKind::Oidc(_) | AuthKind::Http(_) | AuthKind::Headers(_), _)
            | (AuthKind::Remote { .. }, AuthTrust::Reseal { .. }) => Sender::Resealed,
            (AuthKind::Remote { .. }, AuthTrust::Opaque) => Sender::Opaque,
        }
    }

    /// How its results get to another method; `None` where they cannot. Without a communication
    /// method, to a receiver that is none of plugins.yaml.
    pub fn way_to(&self, comm: Option<&CommMethod>) -> Option<Way> {
        Way::between(self.sender(), comm.map_or(Receiver::Opaque, CommMethod::receiver))
    }
}

impl CommMethod {
    pub fn receiver(&self) -> Receiver {
        match (&self.kind, &self.trust) {
            (CommKind::Inspect { .. }, _) => Receiver::Development,
            (CommKind::Link(_) | CommKind::Http(_), _)
            | (CommKind::Remote { .. }, CommTrust::Reseal { .. }) => Receiver::Resealed,
            (CommKind::Remote { .. }, CommTrust::Opaque) => Receiver::Opaque,
        }
    }
}
