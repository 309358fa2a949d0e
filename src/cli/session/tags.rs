//! What the tags of the command line stand for. A mistake is told before anything is sent: a start that
//! is refused counts, and says less.

use crate::config::{AuthMethod, CommMethod, Config, Purpose, did_you_mean, enumerate};

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

/// Where a tag stands among those that there are.
fn position(what: &str, written: &str, tags: &[&str]) -> Result<usize, String> {
    tags.iter().position(|tag| *tag == written).ok_or_else(|| {
        let known = list(tags.iter().copied());
        let help = match did_you_mean(written, tags.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? It has {known}"),
            None => format!("it has {known}"),
        };
        format!("the configuration has no {what} `{written}`: {help}")
    })
}

fn check_allowed(purpose: &Purpose, method: usize, allowed: &[usize], tags: &[&str]) -> Result<(), String> {
    if allowed.contains(&method) {
        return Ok(());
    }
    let allowed = list(allowed.iter().map(|id| tags[*id]));
    Err(format!("the purpose `{}` does not allow `{}`: it allows {allowed}", purpose.tag, tags[method]))
}

fn list<'t>(tags: impl Iterator<Item = &'t str>) -> String {
    Some(enumerate(tags)).filter(|list| !list.is_empty()).unwrap_or_else(|| "none".to_owned())
}
