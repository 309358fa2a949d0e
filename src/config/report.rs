//! What is wrong with a configuration, in the shape that people and programs read.
//! May import: `source`.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::source::Source;

/// Lines longer than this are not shown: they are no help to anybody.
const MAX_LINE_BYTES: usize = 2_000;
/// More diagnostics than this are counted and not kept: nobody reads them, and a file with a
/// mistake on each of its hundred thousand lines should still be answered at once.
const MAX_DIAGNOSTICS: usize = 1_000;
/// Two places this near are shown in one excerpt.
const NEARBY_LINES: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// Doubtful but legal.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A part of one of the files.
#[derive(Clone)]
pub(super) struct Place {
    source: Arc<Source>,
    /// Within one line; `None` is the file as such.
    span: Option<Range<usize>>,
}

impl Place {
    /// The file as such, for what concerns no line of it.
    pub fn whole(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), span: None }
    }

    /// A range of bytes, cut off at the end of its first line.
    pub fn at(source: &Arc<Source>, range: &Range<usize>) -> Self {
        let text = source.text();
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let first_line = text[start..end].lines().next().unwrap_or_default();
        let end = start + first_line.trim_end().len();
        Self { source: Arc::clone(source), span: Some(start..end) }
    }

    fn position(&self) -> Option<(usize, usize)> {
        self.span.as_ref().map(|span| self.source.position(span.start))
    }

    fn order(&self) -> (&str, usize) {
        (self.source.path(), self.span.as_ref().map_or(0, |span| span.start))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.source.path(), self.position())
    }
}

/// One thing that is wrong or doubtful, and where. No part of it shows a secret.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A short name of the rule, such as `unknown-key`.
    pub code: &'static str,
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    place: Place,
    label: Option<String>,
    secondary: Vec<(Place, String)>,
}

impl Diagnostic {
    pub(super) fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            place,
            label: None,
            secondary: Vec::new(),
        }
    }

    pub(super) fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    pub(super) fn with_help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// A few words beside the excerpt.
    pub(super) fn with_label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    /// Another place that has to do with it, and why.
    pub(super) fn with_also(&mut self, place: Place, label: impl Into<String>) -> &mut Self {
        self.secondary.push((place, label.into()));
        self
    }

    /// The path of the file.
    pub fn file(&self) -> &str {
        self.place.source.path()
    }

    /// The line, from 1; `None` when the whole file is meant.
    pub fn line(&self) -> Option<usize> {
        self.place.position().map(|(line, _)| line)
    }

    /// The column, from 1, in characters.
    pub fn column(&self) -> Option<usize> {
        self.place.position().map(|(_, column)| column)
    }

    fn to_json(&self) -> Value {
        let secondary = self.secondary.iter().map(|(place, label)| {
            let (line, column) = place.position().unzip();
            json!({ "file": place.source.path(), "line": line, "column": column, "message": label })
        });
        json!({
            "severity": self.severity.as_str(),
            "code": self.code,
            "file": self.file(),
            "line": self.line(),
            "column": self.column(),
            "length": self.place.span.as_ref().map(|span| self.place.source.excerpt(span.clone()).chars().count()),
            "message": self.message,
            "help": self.help,
            "related": secondary.collect::<Vec<_>>(),
        })
    }
}

/// Everything found in one go, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    /// The one most recently left out, and how many were.
    overflow: Option<Box<Diagnostic>>,
    left_out: usize,
}

impl Report {
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    pub fn error_count(&self) -> usize {
        self.count(Severity::Error) + self.left_out
    }

    pub fn warning_count(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// The diagnostics, of which there are a thousand at most.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The text for a terminal or a log: each diagnostic as rustc shows its own, and a line that
    /// sums up. Empty when there is nothing to say.
    pub fn render(&self, color: bool) -> String {
        if self.is_empty() {
            return String::new();
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut blocks: Vec<_> = self.diagnostics.iter().map(|each| render_one(each, &renderer)).collect();
        let level = if self.error_count() > 0 { Level::ERROR } else { Level::WARNING };
        let closing = [Group::with_title(level.primary_title(self.summary()))];
        blocks.push(renderer.render(&closing));
        blocks.join("\n\n") + "\n"
    }

    /// `the configuration is invalid: 3 errors, 1 warning`.
    pub fn summary(&self) -> String {
        let counted = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("1 {noun}")),
            _ => Some(format!("{count} {noun}s")),
        };
        let counts = [counted(self.error_count(), "error"), counted(self.warning_count(), "warning")];
        let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let outcome = if self.error_count() > 0 { "invalid" } else { "valid" };
        let shown = match self.left_out {
            0 => String::new(),
            _ => format!(" (the first {} are shown)", self.diagnostics.len()),
        };
        format!("the configuration is {outcome}: {counts}{shown}")
    }

    /// The same for programs: `{errors, warnings, diagnostics: [{severity, code, file, line,
    /// column, length, message, help, related}]}`.
    pub fn to_json(&self) -> Value {
        json!({
            "errors": self.error_count(),
            "warnings": self.warning_count(),
            "diagnostics": self.diagnostics.iter().map(Diagnostic::to_json).collect::<Vec<_>>(),
        })
    }

    /// Adds a diagnostic, to which more may be said.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        if self.is_full() {
            self.left_out += usize::from(diagnostic.severity == Severity::Error);
            return self.overflow.insert(Box::new(diagnostic));
        }
        let index = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        &mut self.diagnostics[index]
    }

    /// Whether what is pushed from now on is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.diagnostics.len() >= MAX_DIAGNOSTICS
    }

    /// Puts what belongs to one file together, top down; files keep the order given.
    pub(super) fn sort(&mut self, files: &[&Arc<Source>]) {
        let rank = |path: &str| files.iter().position(|file| file.path() == path);
        self.diagnostics.sort_by_cached_key(|each| {
            let (path, offset) = each.place.order();
            (rank(path), offset)
        });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.error_count() > 0
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|each| each.severity == severity).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

fn render_one(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for excerpt in excerpts(diagnostic) {
        group = match excerpt.window() {
            Some(window) => group.element(excerpt.snippet(window)),
            None => group.element(excerpt.origin()),
        };
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The places of one diagnostic that are shown together.
struct Excerpt<'d> {
    places: Vec<(&'d Place, Option<&'d str>, AnnotationKind)>,
}

/// Groups places that are near each other, so that two ends of a large file do not drag
/// everything between them along.
fn excerpts(diagnostic: &Diagnostic) -> Vec<Excerpt<'_>> {
    let primary = (&diagnostic.place, diagnostic.label.as_deref(), AnnotationKind::Primary);
    let mut excerpts = vec![Excerpt { places: vec![primary] }];
    for (place, label) in &diagnostic.secondary {
        let place = (place, Some(label.as_str()), AnnotationKind::Context);
        match excerpts.iter_mut().find(|excerpt| excerpt.is_near(place.0)) {
            Some(excerpt) => excerpt.places.push(place),
            None => excerpts.push(Excerpt { places: vec![place] }),
        }
    }
    excerpts
}

impl<'d> Excerpt<'d> {
    fn source(&self) -> Option<&'d Arc<Source>> {
        self.places.first().map(|(place, ..)| &place.source)
    }

    fn is_near(&self, place: &Place) -> bool {
        self.places.iter().any(|(other, ..)| {
            let lines = (other.position(), place.position());
            matches!(lines, (Some((a, _)), Some((b, _))) if a.abs_diff(b) <= NEARBY_LINES)
                && Arc::ptr_eq(&other.source, &place.source)
        })
    }

    /// The lines to show; `None` when there are none or they are too long to be of use.
    fn window(&self) -> Option<Range<usize>> {
        let lines = self.places.iter().map(|(place, ..)| place.position().map(|(line, _)| line));
        let lines = lines.collect::<Option<Vec<_>>>()?;
        let (first, last) = (*lines.iter().min()?, *lines.iter().max()?);
        let source = self.source()?;
        let short = (first..=last).all(|line| source.line(line).len() <= MAX_LINE_BYTES);
        short.then(|| source.line(first).start..source.line(last).end)
    }

    fn snippet(&self, window: Range<usize>) -> Snippet<'d, Annotation<'d>> {
        let (path, text, line) = self.source().map_or(("", "", 1), |source| {
            (source.path(), source.excerpt(window.clone()), source.position(window.start).0)
        });
        let annotations = self.places.iter().filter_map(|(place, label, kind)| {
            let span = place.span.clone()?;
            let start = span.start.saturating_sub(window.start).min(text.len());
            let end = span.end.saturating_sub(window.start).clamp(start, text.len());
            Some(kind.span(start..end).label(*label))
        });
        Snippet::source(text).path(path).line_start(line).annotations(annotations)
    }

    fn origin(&self) -> Origin<'d> {
        let Some((place, ..)) = self.places.first() else {
            return Origin::path("");
        };
        let origin = Origin::path(place.source.path());
        match place.position() {
            Some((line, column)) => origin.line(line).char_column(column),
            None => origin,
        }
    }
}
