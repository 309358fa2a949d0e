//! Tags on the command line, and what is said of one that stands for nothing.

use crate::config::{did_you_mean, enumerate};

/// Where a tag stands among those that there are.
pub(super) fn position(what: &str, written: &str, tags: &[&str]) -> Result<usize, String> {
    tags.iter().position(|tag| *tag == written).ok_or_else(|| {
        let known = list(tags.iter().copied());
        let help = match did_you_mean(written, tags.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`? It has {known}"),
            None => format!("it has {known}"),
        };
        format!("the configuration has no {what} `{written}`: {help}")
    })
}

/// The tags as a sentence has them.
pub(super) fn list<'t>(tags: impl Iterator<Item = &'t str>) -> String {
    Some(enumerate(tags)).filter(|list| !list.is_empty()).unwrap_or_else(|| "none".to_owned())
}
