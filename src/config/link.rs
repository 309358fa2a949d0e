//! Names and the references to them, within a file and across files.
//! May import: `check`, `node`, `shape`, `source`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    check::{Checker, did_you_mean, enumerate},
    node::{Span, Spanned},
    shape::Broken,
    source::Source,
};

/// More names than this are not searched for one that was meant.
const MAX_CANDIDATES: usize = 1_000;

/// The names that one section of a file defines.
pub struct Names {
    /// `upstream`, `authentication method`, …
    word: &'static str,
    ids: HashMap<String, usize>,
    spans: Vec<Span>,
    source: Arc<Source>,
    /// Defined, but wrong in some other way that is reported where it stands.
    broken: HashSet<String>,
    /// There may be more of them, in a part that cannot be read.
    incomplete: bool,
}

impl Names {
    /// Takes the names of a section in their order; one given twice is an error.
    pub fn define<'n>(
        word: &'static str,
        section: &str,
        names: impl Iterator<Item = (&'n str, Span)>,
        broken: &Broken,
        checker: &mut Checker,
    ) -> Self {
        let mut ids: HashMap<String, usize> = HashMap::new();
        let mut spans: Vec<Span> = Vec::new();
        for (name, span) in names {
            match ids.get(name).and_then(|first| spans.get(*first)) {
                Some(first) => {
                    let (quoted, first) = (checker.quote(&span), checker.place(first));
                    checker
                        .error("duplicate", &span, format!("two {word}s are named {quoted}"))
                        .with_label("named again here")
                        .with_also(first, "first named here");
                }
                None => {
                    ids.insert(name.to_owned(), spans.len());
                }
            }
            spans.push(span);
        }
        let incomplete = broken.lacks_more(section);
        let broken = broken.names(section).map(str::to_owned).collect();
        let source = Arc::clone(checker.source());
        Self { word, ids, spans, source, broken, incomplete }
    }

    /// The index of what a reference names; an error where it names nothing. `None` without an
    /// error means that the thing itself is wrong, which is reported there.
    pub fn resolve(&self, reference: &Spanned<String>, checker: &mut Checker) -> Option<usize> {
        self.find(&reference.value, &reference.span, checker)
    }

    /// As [`Names::resolve`], for a name that is only a part of the value at that place.
    pub fn find(&self, name: &str, span: &Span, checker: &mut Checker) -> Option<usize> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        if !self.broken.contains(name) && !self.incomplete {
            let message = format!("{} names no {}", checker.quote(span), self.word);
            let help = checker.wants_help().then(|| self.help(name));
            let diagnostic = checker.error("unknown-reference", span, message);
            if let Some(help) = help {
                diagnostic.with_help(help);
            }
        }
        None
    }

    fn help(&self, name: &str) -> String {
        // As the file has them: a name may come from the environment.
        let searched = self.spans.iter().take(MAX_CANDIDATES).filter(|span| !span.is_empty());
        let shown: Vec<_> = searched.map(|span| self.source.quote(span)).collect();
        let names = || shown.iter().map(|name| name.trim_matches('`'));
        match did_you_mean(name, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if self.spans.is_empty() => format!("no {} is configured", self.word),
            None => format!("configured: {}", enumerate(names().filter(|name| !name.is_empty()))),
        }
    }

    /// The indices that a list of names means, `"*"` being all of them.
    pub fn resolve_all(&self, references: &[Spanned<String>], checker: &mut Checker) -> Option<Vec<usize>> {
        if let Some(star) = references.iter().find(|reference| reference.value == "*") {
            if references.len() > 1 {
                checker
                    .error("wildcard", &star.span, format!("`*` already means every {}", self.word))
                    .with_help("write `[\"*\"]`, or names without `*`");
                return None;
            }
            return (self.broken.is_empty() && !self.incomplete).then(|| (0..self.spans.len()).collect());
        }
        let repeated = repetitions(references, checker);
        let ids: Vec<_> = references.iter().map(|reference| self.resolve(reference, checker)).collect();
        ids.into_iter().collect::<Option<Vec<_>>>().filter(|_| !repeated)
    }
}

/// Reports names that a list has twice.
pub fn repetitions(names: &[Spanned<String>], checker: &mut Checker) -> bool {
    let mut seen = HashMap::new();
    let mut repeated = false;
    for name in names {
        if let Some(first) = seen.insert(name.value.as_str(), name.span.clone()) {
            repeated = true;
            let quoted = checker.quote(&name.span);
            let first = checker.place(&first);
            checker
                .error("duplicate", &name.span, format!("{quoted} is listed twice"))
                .with_label("again here")
                .with_also(first, "first here");
        }
    }
    repeated
}

/// Upstreams that something refers to.
#[derive(Debug, Default)]
pub struct Used {
    pub upstreams: HashSet<usize>,
}
