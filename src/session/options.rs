//! `GET /session_options` and `GET /session_options/{purpose}`: answers made beforehand.

use std::sync::Arc;

use super::{Problem, ProblemCode};
use crate::{
    model::{Language, OwnAnswer},
    snapshot::Snapshot,
};

/// The methods of every purpose.
pub fn all(snapshot: &Snapshot, language: Language) -> Arc<OwnAnswer> {
    snapshot.options().all(language).clone()
}

/// The methods of one purpose, by its decoded tag; `None` is a tag that is not UTF-8.
///
/// # Errors
/// 400 for an unknown purpose (protocol.md, "Initiator -> core").
pub fn of_purpose(
    snapshot: &Snapshot,
    purpose: Option<&str>,
    language: Language,
) -> Result<Arc<OwnAnswer>, Problem> {
    purpose
        .and_then(|tag| snapshot.options().of(tag, language))
        .cloned()
        .ok_or_else(|| Problem::new(ProblemCode::UnknownPurpose, "the purpose is not in purposes.yaml"))
}
