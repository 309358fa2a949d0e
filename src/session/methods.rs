//! The methods that a start names: known, and allowed for its purpose.

use super::{Problem, ProblemCode};
use crate::{
    config::{AuthMethod, CommMethod, Purpose},
    plugins::{AuthPlugin, CommPlugin, PluginError, TransportError},
    snapshot::Snapshot,
};

#[derive(Clone, Copy)]
pub(super) struct Auth<'s> {
    pub(super) config: &'s AuthMethod,
    pub(super) plugin: &'s AuthPlugin,
}

#[derive(Clone, Copy)]
pub(super) struct Comm<'s> {
    pub(super) config: &'s CommMethod,
    pub(super) plugin: &'s CommPlugin,
}

pub(super) fn purpose<'s>(snapshot: &'s Snapshot, tag: Option<&str>) -> Result<&'s Purpose, Problem> {
    let tag =
        tag.ok_or_else(|| Problem::new(ProblemCode::InvalidRequest, "the field `purpose` is missing"))?;
    snapshot
        .purpose(tag)
        .ok_or_else(|| Problem::new(ProblemCode::UnknownPurpose, "the purpose is not in purposes.yaml"))
}

impl<'s> Auth<'s> {
    pub(super) fn resolve(snapshot: &'s Snapshot, purpose: &Purpose, tag: &str) -> Result<Self, Problem> {
        let (id, config, plugin) = snapshot.auth(tag).ok_or_else(|| {
            Problem::new(ProblemCode::UnknownAuthMethod, "the authentication method is not in plugins.yaml")
        })?;
        allowed(purpose.allowed_auth.contains(&id), ProblemCode::AuthMethodNotAllowed, "allowed_auth")?;
        Ok(Self { config, plugin })
    }

    pub(super) fn problem(&self, error: PluginError) -> Problem {
        let codes = (ProblemCode::AuthPluginTimeout, ProblemCode::AuthPluginError);
        plugin_problem(self.config.tag.as_str(), error, codes)
    }
}

impl<'s> Comm<'s> {
    pub(super) fn resolve(snapshot: &'s Snapshot, purpose: &Purpose, tag: &str) -> Result<Self, Problem> {
        let (id, config, plugin) = snapshot.comm(tag).ok_or_else(|| {
            Problem::new(ProblemCode::UnknownCommMethod, "the communication method is not in plugins.yaml")
        })?;
        allowed(purpose.allowed_comm.contains(&id), ProblemCode::CommMethodNotAllowed, "allowed_comm")?;
        Ok(Self { config, plugin })
    }

    pub(super) fn problem(&self, error: PluginError) -> Problem {
        let codes = (ProblemCode::CommPluginTimeout, ProblemCode::CommPluginError);
        plugin_problem(self.config.tag.as_str(), error, codes)
    }
}

fn allowed(is_allowed: bool, code: ProblemCode, list: &str) -> Result<(), Problem> {
    if is_allowed {
        return Ok(());
    }
    Err(Problem::new(code, format!("it is not among the purpose's `{list}`")))
}

fn plugin_problem(tag: &str, error: PluginError, (timeout, other): (ProblemCode, ProblemCode)) -> Problem {
    let code = if error == PluginError::Transport(TransportError::Timeout) { timeout } else { other };
    Problem::new(code, format!("the plugin `{tag}` failed: {error}"))
}
