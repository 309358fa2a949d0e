//! The two sides that the gateway links: authentication and communication plugins.
//!
//! One closed enum per side; a remote plugin and an adapter (the gateway itself playing the
//! plugin) answer the same calls, and nothing else in the crate knows the difference. Calls leave
//! the process through [`HttpClient`], which the composition root supplies.
//! May import: `tokens`, `config`, `model`; `pages` for what adapters show, `metrics`.

pub mod client;
pub mod development;
pub mod inspect;
pub mod test;
#[cfg(test)]
mod testing;

use self::client::HttpClient;
use crate::{
    config::Purpose,
    model::{AttributeTag, Clock, PluginUrl, Random, ResultToken},
};

/// What an adapter needs of the world while it answers a request.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    pub clock: &'a dyn Clock,
    pub random: &'a dyn Random,
    pub client: &'a dyn HttpClient,
    /// Sent along with the calls that the request leads to.
    pub request_id: &'a str,
}

/// What an authentication plugin is asked (protocol.md, "Core -> auth plugin").
pub struct AuthenticationRequest<'a> {
    /// Never sent to a remote plugin; an adapter's page shows it.
    pub purpose: &'a Purpose,
    pub attributes: &'a [AttributeTag],
    /// Where the citizen goes afterwards.
    pub continuation: &'a PluginUrl,
    /// Where the result is to be delivered by POST; without it, it goes with the citizen.
    pub attr_url: Option<&'a PluginUrl>,
}

/// What a communication plugin is asked (protocol.md, "Core -> comm plugin").
pub struct CommunicationRequest<'a> {
    pub purpose: &'a Purpose,
    pub auth_result: Option<&'a ResultToken>,
}

/// What a communication plugin wants.
#[derive(Debug)]
pub struct CommunicationStarted {
    /// Where the citizen goes to communicate.
    pub client_url: PluginUrl,
    /// Where the result is delivered by POST; without it, it goes with the citizen.
    pub attr_url: Option<PluginUrl>,
}
