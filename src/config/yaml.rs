//! From text to a tree with places: one YAML library decodes, another walks the events once to
//! tell where each value stands. Only the first interprets; what they could read differently
//! (anchors, merge keys, tags, duplicate keys) is refused during the walk.
//! May import: `node`, `report`, `source`.

use std::fmt;

use granit_parser::{ErrorKind, Event, Parser, ScanError};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{
    check::Checker,
    node::{Data, Entry, Node, Span},
};

/// Deepest nesting that is read; the deepest legal key lies at 6.
const MAX_DEPTH: usize = 32;

/// Reads one file. Everything that is wrong with it as YAML is reported; `None` means that what is
/// left cannot be trusted.
pub fn read(checker: &mut Checker) -> Option<Node> {
    let source = std::sync::Arc::clone(checker.source());
    let Some(positions) = walk(source.text(), checker)? else {
        checker.empty_file();
        return None;
    };
    let tree = match serde_yaml::from_str::<Tree>(source.text()) {
        Ok(tree) => tree,
        Err(error) => {
            checker.cannot_decode(error.location().map(|location| (location.line(), location.column())));
            return None;
        }
    };
    let Some(node) = place(tree, positions, checker) else {
        checker.error("yaml", &(0..0), "the structure of this file cannot be told for certain");
        return None;
    };
    match node.data {
        Data::Map(_) => Some(node),
        Data::Null => {
            checker.empty_file();
            None
        }
        _ => {
            checker
                .error("wrong-type", &node.span, "the file must be a mapping of keys to values")
                .with_help("for example `routes: []`, `purposes: []` or `auth: []`");
            None
        }
    }
}

/// Where a value and the values in it stand.
struct Position {
    span: Span,
    children: Children,
}

enum Children {
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
fn walk(text: &str, checker: &mut Checker) -> Option<Option<Position>> {
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
                    walk.take(event, span);
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
    fn take(&mut self, event: Event, span: Span) {
        match event {
            Event::DocumentStart(..) => self.document(&span),
            Event::Scalar(..) => self.add(Position { span, children: Children::None }),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_alias(&span);
                self.add(Position { span, children: Children::None });
            }
            Event::Anchor(..) => self.refuse_alias(&span),
            Event::SequenceStart(..) => {
                self.open.push(Position { span, children: Children::List(Vec::new()) })
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
    fn empty_file(&mut self) {
        self.error("empty-file", &(0..0), "the file is empty").with_help(
            "a file without entries still says so, for example `routes: []`, `purposes: []` or `auth: []`",
        );
    }

    /// The library's own message may hold a value, so it is not shown.
    fn cannot_decode(&mut self, position: Option<(usize, usize)>) {
        let (line, column) = position.unwrap_or((1, 1));
        let range = self.source().line(line);
        let text = self.source().text().get(range.clone()).unwrap_or_default();
        let column =
            text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(offset, _)| offset);
        let offset = range.start + column;
        self.error("yaml", &(offset..offset + 1), "this cannot be read as YAML")
            .with_help("look for characters that cannot be seen, such as control characters");
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let offset = error.marker().byte_offset().unwrap_or(0);
        let (message, help) = explain(error.kind());
        let diagnostic = self.error("yaml", &(offset..offset + 1), message);
        if let Some(help) = help {
            diagnostic.with_help(help);
        }
    }
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

/// What the decoding library makes of a file. Unlike its own value type it keeps duplicate keys
/// and keys that are no text, so that they can be reported with everything else.
enum Tree {
    Null,
    Bool(bool),
    Integer(u64),
    Number(f64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "no key takes a negative number: it is only refused")]
    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(u64::try_from(value).map_or(Tree::Number(value as f64), Tree::Integer))
    }

    #[allow(clippy::cast_precision_loss, reason = "no key takes a number this large: it is only refused")]
    fn visit_u128<E>(self, value: u128) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "no key takes a number this large: it is only refused")]
    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

/// Brings values and places together; `None` when they do not have the same structure.
fn place(tree: Tree, position: Position, checker: &mut Checker) -> Option<Node> {
    let span = position.span;
    let data = match (tree, position.children) {
        (Tree::Null, Children::None) => Data::Null,
        (Tree::Bool(value), Children::None) => Data::Bool(value),
        (Tree::Integer(value), Children::None) => Data::Integer(value),
        (Tree::Number(value), Children::None) => Data::Number(value),
        (Tree::Text(text), Children::None) => Data::Text(text),
        (Tree::List(items), Children::List(positions)) if items.len() == positions.len() => {
            let items = items.into_iter().zip(positions);
            Data::List(items.map(|(item, position)| place(item, position, checker)).collect::<Option<_>>()?)
        }
        (Tree::Map(entries), Children::Map(positions)) if entries.len() == positions.len() => {
            Data::Map(place_entries(entries, positions, checker)?)
        }
        _ => return None,
    };
    Some(Node { span, data })
}

fn place_entries(
    entries: Vec<(Tree, Tree)>,
    positions: Vec<(Position, Option<Position>)>,
    checker: &mut Checker,
) -> Option<Vec<Entry>> {
    let mut seen = std::collections::HashMap::new();
    let mut placed = Vec::with_capacity(entries.len());
    for ((key, value), (key_position, value_position)) in entries.into_iter().zip(positions) {
        let value = place(value, value_position?, checker)?;
        let key_span = key_position.span;
        match key {
            Tree::Text(key) if key == "<<" => {
                checker
                    .error("merge-key", &key_span, "merge keys (`<<`) are not supported")
                    .with_help("write the keys out");
            }
            Tree::Text(key) => match seen.get(&key) {
                Some(first) => checker.duplicate_key(&key_span, first),
                None => {
                    seen.insert(key.clone(), key_span.clone());
                    placed.push(Entry { key, key_span, value });
                }
            },
            _ => checker.key_is_no_text(&key_span),
        }
    }
    Some(placed)
}

impl Checker<'_> {
    fn duplicate_key(&mut self, span: &Span, first: &Span) {
        let (key, first) = (self.quote(span), self.place(first));
        self.error("duplicate-key", span, format!("the key {key} is given twice"))
            .with_label("given again here")
            .with_also(first, "first given here");
    }

    fn key_is_no_text(&mut self, span: &Span) {
        let shown = self.quote(span);
        self.error("wrong-type", span, format!("the key {shown} is not text"))
            .with_help("put the key in quotes, or write a name");
    }
}
