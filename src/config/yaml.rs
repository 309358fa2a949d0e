//! From text to a tree with places: one YAML library decodes, another walks the events once to
//! tell where each value stands. Only the first interprets; what they could read differently
//! (anchors, merge keys, tags, duplicate keys) is refused during the walk.
//! May import: `check`, `node`, `positions`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{
    check::Checker,
    node::{Data, Entry, Node, Span},
    positions::{Children, Position, walk},
};

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
        (Tree::Map(_), Children::Map(_)) if checker.is_bare_expression(&span) => {
            checker.bare_expression(&span);
            Data::Refused
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
            Tree::Text(key) => {
                if let Some(first) = seen.get(&key) {
                    checker.duplicate_key(&key_span, first);
                } else {
                    seen.insert(key.clone(), key_span.clone());
                    placed.push(Entry { key, key_span, value });
                }
            }
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

    /// YAML takes `{{ name }}` for a mapping with a mapping as its key.
    fn is_bare_expression(&self, span: &Span) -> bool {
        self.source().text().get(span.clone()).is_some_and(|text| text.starts_with("{{"))
    }

    fn bare_expression(&mut self, span: &Span) {
        self.error("template", span, "a text that begins with `{{` stands in quotes")
            .with_help("write `\"{{ … }}\"`: bare, YAML takes the braces for its own");
    }

    fn key_is_no_text(&mut self, span: &Span) {
        let shown = self.quote(span);
        self.error("wrong-type", span, format!("the key {shown} is not text"))
            .with_help("put the key in quotes, or write a name");
    }
}
