//! Where each value of a file stands, from one walk over its events. Refuses what the decoding
//! library could read differently: anchors, aliases, tags, several documents.
//! May import: `check`, `node`.

use granit_parser::{ErrorKind, Event, Parser, ScanError};

use super::{check::Checker, node::Span};

/// Deepest nesting that is read; the deepest legal key lies at 6.
const MAX_DEPTH: usize = 32;

/// Where a value and the values in it stand.
pub struct Position {
    pub span: Span,
    pub children: Children,
}

pub enum Children {
    None,
    List(Vec<Position>),
    Map(Vec<(Position, Option<Position>)>),
}

/// Collections that are open, innermost last.
struct Walk<'a, 'c> {
    checker: &'a mut Checker<'c>,
    open: Vec<Position>,
    root: Option<Position>,
    documents: usize,
    /// Something stands in the file that the two libraries could read differently.
    ambiguous: bool,
}

/// The inner `None` is a file without content.
#[allow(clippy::option_option, reason = "a broken file is not an empty one")]
pub fn walk(text: &str, checker: &mut Checker) -> Option<Option<Position>> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut walk = Walk { checker, open: Vec::new(), root: None, documents: 0, ambiguous: false };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if let Some(tag) = span.tag_span().and_then(|span| span.byte_range()) {
                    walk.refuse_tag(&tag);
                }
                let span = span.byte_range().unwrap_or_default();
                if walk.documents < 2 {
                    walk.take(&event, span);
                }
            }
            Err(error) => {
                walk.checker.syntax_error(&error);
                return None;
            }
        }
    }
    (walk.documents < 2 && !walk.ambiguous).then_some(walk.root)
}

impl Walk<'_, '_> {
    fn take(&mut self, event: &Event<'_>, span: Span) {
        match event {
            Event::DocumentStart(..) => self.document(&span),
            Event::Scalar(..) => self.add(Position { span, children: Children::None }),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_alias(&span);
                self.add(Position { span, children: Children::None });
            }
            Event::Anchor(..) => self.refuse_alias(&span),
            Event::SequenceStart(..) => {
                self.open.push(Position { span, children: Children::List(Vec::new()) });
            }
            Event::MappingStart(..) => self.open.push(Position { span, children: Children::Map(Vec::new()) }),
            Event::SequenceEnd | Event::MappingEnd => self.close(&span),
            _ => {}
        }
    }

    fn document(&mut self, span: &Span) {
        self.documents += 1;
        if self.documents == 2 {
            let diagnostic =
                self.checker.error("several-documents", span, "a second YAML document starts here");
            diagnostic.with_help(
                "one file is one document: remove the line `---`, or move what follows to its own file",
            );
        }
    }

    fn close(&mut self, end: &Span) {
        let Some(mut position) = self.open.pop() else { return };
        let last = match &position.children {
            Children::List(items) => items.last().map(|item| item.span.end),
            Children::Map(entries) => {
                entries.last().and_then(|(key, value)| value.as_ref().or(Some(key)).map(|last| last.span.end))
            }
            Children::None => None,
        };
        // The end of a flow collection is its bracket; a block collection ends with its last value.
        position.span.end = if end.is_empty() { last.unwrap_or(position.span.end) } else { end.end };
        self.add(position);
    }

    fn add(&mut self, position: Position) {
        match self.open.last_mut().map(|parent| &mut parent.children) {
            Some(Children::List(items)) => items.push(position),
            Some(Children::Map(entries)) => match entries.last_mut() {
                Some((_, value @ None)) => *value = Some(position),
                _ => entries.push((position, None)),
            },
            Some(Children::None) | None => self.root = Some(position),
        }
    }

    fn refuse_alias(&mut self, span: &Span) {
        if !std::mem::replace(&mut self.ambiguous, true) {
            let diagnostic =
                self.checker.error("anchor", span, "anchors (`&`) and aliases (`*`) are not supported");
            diagnostic
                .with_help("write the value out; a text that starts with `&` or `*` needs quotes: \"*\"");
        }
    }

    fn refuse_tag(&mut self, span: &Span) {
        self.ambiguous = true;
        let diagnostic = self.checker.error("tag", span, "YAML tags (`!`) are not supported");
        diagnostic.with_help("remove it; a text that starts with `!` needs quotes");
    }
}

impl Checker<'_> {
    fn syntax_error(&mut self, error: &ScanError) {
        let offset = error.marker().byte_offset().unwrap_or(0);
        let (message, help) = explain(error.kind());
        // The bare expression is what is wrong then, whatever the parser stumbled over.
        let help = if self.is_near_bare_expression(offset) { Some(QUOTE_EXPRESSIONS) } else { help };
        let diagnostic = self.error("yaml", &(offset..offset + 1), message);
        if let Some(help) = help {
            diagnostic.with_help(help);
        }
    }

    /// Whether an expression stands outside quotes on the line of an offset or on the last one with text
    /// before it: the parser may notice on the next line only.
    fn is_near_bare_expression(&self, offset: usize) -> bool {
        let (line, _) = self.source().position(offset);
        let text = |line| self.source().text().get(self.source().line(line)).unwrap_or_default();
        let before = (1..line).rev().map(text).find(|text| !text.trim().is_empty());
        has_bare_expression(text(line)) || before.is_some_and(has_bare_expression)
    }
}

const QUOTE_EXPRESSIONS: &str = "a text with `{{ … }}` in it stands in quotes, the whole of it: \
                                 `room: \"{{ purpose }}-{{ random }}\"`";

/// Whether `{{` stands in a line outside quotes and comments.
fn has_bare_expression(line: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            // Within a text, as in `foto's`, a quote opens nothing.
            None if matches!(c, '"' | '\'') && " \t[{,".contains(before) => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return false,
            None if line[at..].starts_with("{{") => return true,
            _ => {}
        }
        before = c;
    }
    false
}

/// The parser's errors in the words of somebody who edits a file.
fn explain(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (message, help) = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab stands where YAML wants spaces", "indent with spaces"),
        ErrorKind::UnclosedQuotedScalar => ("a quote is opened here and never closed", ""),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("the bracket `{open}` is opened here and never closed"), None);
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("the bracket `{open}` is closed by `{close}`"), None);
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("a bracket is closed that was never opened", ""),
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}` here", ""),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]` here", ""),
        ErrorKind::ExpectedBlockMappingKey => (
            "expected a key here, at the same indentation as the keys above",
            "the keys of one mapping start in the same column",
        ),
        ErrorKind::ExpectedBlockSequenceEntry => {
            ("expected `- ` here, as for the items above", "the items of one list start in the same column")
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::MappingKeyNotAllowed => (
            "a key with a value cannot stand here",
            "check the indentation; a text that contains `: ` needs quotes",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("expected `:` after this key", "a key and its value are written as `key: value`")
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent => {
            ("the indentation of this line fits nothing above it", "indent it as the lines it belongs to")
        }
        ErrorKind::RecursionLimitExceeded => {
            return (format!("lists and mappings are nested more than {MAX_DEPTH} deep"), None);
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "text follows the closing quote",
            "put the whole text between the quotes; or a quote further up was never closed",
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "this escape is unknown within double quotes",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        ErrorKind::MissingAnchorOrAliasName => (
            "a text cannot start with `*` or `&`: they mark aliases and anchors",
            "put the text in quotes: `\"*\"`",
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("a text cannot start with this character", "put the text in quotes")
        }
        other => return (format!("this is not valid YAML: {other}"), None),
    };
    (message.to_owned(), Some(help).filter(|help| !help.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_bare_outside_quotes_and_comments() {
        for (line, expected) in [
            ("room: {{ purpose }}-{{ random }}", true),
            ("name: foto's van {{ purpose }}", true),
            (r#"{ a: "{{ purpose }}", b: x{{ random }} }"#, true),
            (r#"room: "{{ purpose }}""#, false),
            ("{room: '{{ purpose }}']", false),
            (r#"room: "a \" {{ purpose }}""#, false),
            ("room: x # {{ purpose }}", false),
            ("room: { a: { b: c } }", false),
        ] {
            assert_eq!(has_bare_expression(line), expected, "{line}");
        }
    }
}
