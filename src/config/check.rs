//! What every check of one file has at hand: where it is, and where complaints go.
//! May import: `node`, `report`, `scalar`, `source`.

use std::sync::Arc;

use super::{
    node::Span,
    report::{Diagnostic, Place, Report},
    scalar::{Field, Scalar},
    source::Source,
};

/// Longest list of names in a message.
const MAX_NAMES: usize = 20;

/// One file under check.
pub struct Checker<'r> {
    source: Arc<Source>,
    report: &'r mut Report,
}

impl<'r> Checker<'r> {
    pub fn new(source: &Arc<Source>, report: &'r mut Report) -> Self {
        Self { source: Arc::clone(source), report }
    }

    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub fn place(&self, span: &Span) -> Place {
        Place::at(&self.source, span)
    }

    pub fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        self.report.push(Diagnostic::error(code, Place::at(&self.source, span), message))
    }

    pub fn warning(
        &mut self,
        code: &'static str,
        span: &Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.report.push(Diagnostic::warning(code, Place::at(&self.source, span), message))
    }

    /// As [`Self::error`], at a place that may be in another file.
    pub fn error_at(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.report.push(Diagnostic::error(code, place, message))
    }

    /// As [`Self::warning`], at a place that may be in another file.
    pub fn warning_at(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.report.push(Diagnostic::warning(code, place, message))
    }

    /// Whether there is a point in finding out what would be right.
    pub fn wants_help(&self) -> bool {
        !self.report.is_full()
    }

    /// A value as it stands in the file, for a message. Never the value itself: that may be a
    /// secret, or come from the environment.
    pub fn quote(&self, span: &Span) -> String {
        self.source.quote(span)
    }

    /// The parsed value, or `None` and an error at its place.
    pub fn parse<S: Scalar>(&mut self, field: &Field<S>) -> Option<S> {
        match S::parse(&field.text) {
            Ok(value) => Some(value),
            Err(problem) => {
                let message = format!("{} {}", self.quote(&field.span), problem.reason);
                let diagnostic = self.error(S::CODE, &field.span, message);
                if let Some(help) = problem.help {
                    diagnostic.with_help(help);
                }
                None
            }
        }
    }

    /// The parsed value, or the default when the key is not given.
    pub fn parse_or<S: Scalar>(&mut self, field: Option<&Field<S>>, default: S) -> Option<S> {
        field.map_or(Some(default), |field| self.parse(field))
    }

    /// The outer `None` is an error at its place, the inner one a key that is not given.
    #[allow(clippy::option_option, reason = "the two have to be told apart")]
    pub fn parse_optional<S: Scalar>(&mut self, field: Option<&Field<S>>) -> Option<Option<S>> {
        match field {
            Some(field) => self.parse(field).map(Some),
            None => Some(None),
        }
    }

    /// Each parsed value, or `None` when one of them is wrong.
    pub fn parse_all<S: Scalar>(&mut self, fields: &[Field<S>]) -> Option<Vec<S>> {
        all(fields.iter().map(|field| self.parse(field)))
    }
}

/// Every item, or `None` when one of them is missing. It goes on to the last all the same, so that each
/// wrong one is reported.
pub fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<_> = items.collect();
    items.into_iter().collect()
}

/// The candidate nearest to what somebody wrote, if it is near enough to be meant.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let limit = (written.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&written, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b` and `c` ``, at most twenty of them.
pub fn enumerate<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let rest = names.len().saturating_sub(MAX_NAMES);
    if rest > 0 {
        names.truncate(MAX_NAMES);
        names.push(format!("{rest} more"));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["upstream", "upstreams", "host", "id"];
        for (written, expected) in [
            ("usptream", Some("upstream")),
            ("Upstream", Some("upstream")),
            ("hosts", Some("host")),
            ("ide", Some("id")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(did_you_mean(written, names), expected, "{written}");
        }
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(enumerate(["a"]), "`a`");
        assert_eq!(enumerate(["a", "b", "c"]), "`a`, `b` and `c`");
        let many: Vec<_> = (0..22).map(|number| number.to_string()).collect();
        assert!(enumerate(many.iter().map(String::as_str)).ends_with("`19` and 2 more"));
    }
}
