//! Reads just enough of Rust to find the modules and crates that a file names: tokens without
//! comments and literals, and the paths among them.

use std::path::Path;

/// Something that a file names.
#[derive(Debug, PartialEq, Eq)]
pub enum Mention {
    /// A top-level module of this crate; `*` stands for all of them at once.
    Module(String),
    /// A foreign crate.
    Crate(String),
}

/// A tokenised source file and its place in the module tree.
pub struct SourceFile {
    module: String,
    path: Vec<String>,
    tokens: Vec<Token>,
}

struct Token {
    line: usize,
    text: String,
}

impl SourceFile {
    /// `file` is relative to the repository, such as `src/plugins/client.rs`.
    pub fn parse(file: &Path, text: &str) -> Self {
        let mut path: Vec<String> = file
            .with_extension("")
            .iter()
            .skip(1)
            .map(|part| part.to_string_lossy().into_owned())
            .filter(|part| part != "mod")
            .collect();
        let module = path.first().cloned().unwrap_or_default();
        if module == "main" || module == "lib" {
            path.clear();
        }
        Self { module, path, tokens: tokenize(text) }
    }

    /// The top-level module that the file belongs to, `main` or `lib`.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Everything named in this file, with its line: modules of this crate, and those of `crates`.
    pub fn mentions(&self, crates: &[&str]) -> Vec<(usize, Mention)> {
        let mut mentions = Vec::new();
        let mut scopes = Scopes { path: self.path.clone(), open: Vec::new() };
        let mut position = 0;
        while let Some(token) = self.tokens.get(position) {
            scopes.track(self, position);
            let start = position;
            position += 1;
            if !self.is_path_head(start) {
                continue;
            }
            if crates.contains(&token.text.as_str()) {
                mentions.push((token.line, Mention::Crate(token.text.clone())));
            } else if let Some(base) = scopes.base(&token.text)
                && self.text(position) == "::"
            {
                position = self.path_tree(position + 1, base, &mut mentions);
            }
        }
        mentions
    }

    /// Follows one path, or the tree of them in a `use`, from the token after `::`; returns the
    /// position behind it.
    fn path_tree(
        &self,
        mut position: usize,
        mut base: Vec<String>,
        found: &mut Vec<(usize, Mention)>,
    ) -> usize {
        let line = self.tokens.get(position).map_or(0, |token| token.line);
        loop {
            match self.text(position) {
                "{" => return self.path_group(position + 1, &base, found),
                "super" => drop(base.pop()),
                "self" => {}
                segment => base.push(segment.to_owned()),
            }
            position += 1;
            if self.text(position) != "::" {
                let module = base.first().map_or("*", String::as_str);
                found.push((line, Mention::Module(module.to_owned())));
                return position;
            }
            position += 1;
        }
    }

    fn path_group(&self, mut position: usize, base: &[String], found: &mut Vec<(usize, Mention)>) -> usize {
        while position < self.tokens.len() && self.text(position) != "}" {
            position = match self.text(position) {
                "," => position + 1,
                "as" => position + 2,
                _ => self.path_tree(position, base.to_vec(), found),
            };
        }
        position + 1
    }

    /// Whether the token could begin a path that leaves the file, as opposed to being a segment of
    /// one, a field or a variable.
    fn is_path_head(&self, position: usize) -> bool {
        let before = |distance: usize| position.checked_sub(distance).map_or("", |index| self.text(index));
        let segment = before(1) == "::" && is_word(before(2)) && before(2) != "use";
        let imported = matches!(before(1), "use" | "crate");
        !segment && before(1) != "." && (imported || self.text(position + 1) == "::")
    }

    fn text(&self, position: usize) -> &str {
        self.tokens.get(position).map_or("", |token| &token.text)
    }
}

/// The inline modules around a position: each takes one more `super` to leave.
struct Scopes {
    path: Vec<String>,
    /// For every open brace, whether it opened a module.
    open: Vec<bool>,
}

impl Scopes {
    fn track(&mut self, file: &SourceFile, position: usize) {
        match file.text(position) {
            "{" => {
                let module = position >= 2 && file.text(position - 2) == "mod";
                if module {
                    self.path.push(file.text(position - 1).to_owned());
                }
                self.open.push(module);
            }
            "}" if self.open.pop() == Some(true) => drop(self.path.pop()),
            _ => {}
        }
    }

    /// The module that a path's first word stands for.
    fn base(&self, word: &str) -> Option<Vec<String>> {
        match word {
            "crate" | "id_contact_gateway" => Some(Vec::new()),
            "self" => Some(self.path.clone()),
            "super" => Some(self.path.split_last().map_or_else(Vec::new, |(_, parents)| parents.to_vec())),
            _ => None,
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped_length(rest);
        let taken = if length > 0 { length } else { token_length(rest) };
        let (piece, remaining) = rest.split_at(taken);
        if length == 0 && !first.is_whitespace() {
            tokens.push(Token { line, text: piece.trim_start_matches("r#").to_owned() });
        }
        line += piece.matches('\n').count();
        rest = remaining;
    }
    tokens
}

/// The length of the comment or literal that `rest` begins with, 0 if it begins with neither.
fn skipped_length(rest: &str) -> usize {
    let prefix = ["br", "cr", "b", "c", "r"]
        .iter()
        .find(|prefix| rest.strip_prefix(**prefix).is_some_and(|tail| tail.starts_with(['"', '#', '\''])));
    let prefix = prefix.map_or("", |prefix| *prefix);
    let literal = &rest[prefix.len()..];
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_length(rest)
    } else if prefix.ends_with('r') && literal.trim_start_matches('#').starts_with('"') {
        prefix.len() + raw_string_length(literal)
    } else if literal.starts_with('"') {
        prefix.len() + quoted_length(literal, '"')
    } else if literal.starts_with('\'') && is_character(literal) {
        prefix.len() + quoted_length(literal, '\'')
    } else {
        0
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut position = 0;
    while position < rest.len() {
        let tail = &rest.as_bytes()[position..];
        if tail.starts_with(b"/*") {
            depth += 1;
            position += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += 1;
        }
    }
    rest.len()
}

fn raw_string_length(literal: &str) -> usize {
    let hashes = literal.len() - literal.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let content = hashes + 1;
    literal[content..].find(&end).map_or(literal.len(), |length| content + length + end.len())
}

/// `'a'` and `'\n'` are characters, `'a` without an end is a lifetime.
fn is_character(literal: &str) -> bool {
    let mut characters = literal.chars().skip(1);
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

fn quoted_length(literal: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, character) in literal.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return position + 1,
            _ => {}
        }
    }
    literal.len()
}

/// The length of a word, of `::`, or of one other character.
fn token_length(rest: &str) -> usize {
    let rest_of_word = rest.strip_prefix("r#").unwrap_or(rest);
    if is_word(rest_of_word) {
        let end = rest_of_word.find(|next: char| !next.is_alphanumeric() && next != '_');
        rest.len() - rest_of_word.len() + end.unwrap_or(rest_of_word.len())
    } else if rest.starts_with("::") {
        2
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    }
}
