//! What the tags of the command line stand for. A mistake is told before anything is sent: a start that
//! is refused counts, and says less.

use super::super::tags::{list, position};
use crate::config::{AuthMethod, CommMethod, Config, Purpose};

/// Two methods that the purpose allows. Results get from the one to the other: no configuration loads
/// that allows two methods of which this is not so.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'c> {
    pub(super) auth: &'c AuthMethod,
    pub(super) comm: &'c CommMethod,
}

impl<'c> Chosen<'c> {
    /// # Errors
    /// Which tag is wrong, and which ones would not be, in words.
    pub(super) fn find(config: &'c Config, purpose: &str, auth: &str, comm: &str) -> Result<Self, String> {
        let tags: Vec<_> = config.purposes.iter().map(|purpose| purpose.tag.as_str()).collect();
        let purpose = &config.purposes[position("purpose", purpose, &tags)?];

        let tags: Vec<_> = config.auth.iter().map(|method| method.tag.as_str()).collect();
        let auth = position("authentication method", auth, &tags)?;
        let allowed: Vec<_> = purpose.allowed_auth.iter().map(|id| id.0).collect();
        check_allowed(purpose, auth, &allowed, &tags)?;

        let tags: Vec<_> = config.comm.iter().map(|method| method.tag.as_str()).collect();
        let comm = position("communication method", comm, &tags)?;
        let allowed: Vec<_> = purpose.allowed_comm.iter().map(|id| id.0).collect();
        check_allowed(purpose, comm, &allowed, &tags)?;

        Ok(Self { auth: &config.auth[auth], comm: &config.comm[comm] })
    }
}

fn check_allowed(purpose: &Purpose, method: usize, allowed: &[usize], tags: &[&str]) -> Result<(), String> {
    if allowed.contains(&method) {
        return Ok(());
    }
    let allowed = list(allowed.iter().map(|id| tags[*id]));
    Err(format!("the purpose `{}` does not allow `{}`: it allows {allowed}", purpose.tag, tags[method]))
}
