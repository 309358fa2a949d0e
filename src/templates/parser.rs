//! From the text of a template to its parts. Pure; every error knows its bytes.

use std::ops::Range;

use super::{
    Filter, Kind, MAX_TEXT, Name, Scope, TemplateError, TemplateProblem,
    expression::{Expression, Literal, Source},
};

/// A piece of a template: text as it is written, or an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Literal(String),
    Expression(Expression),
}

/// A part and its bytes in the text.
pub(super) type Placed = (Part, Range<usize>);

/// Symbols that other template languages compute with.
const OPERATORS: &str = "*~+-/%=!<>[]:?&^";

/// Words that they compute with.
const OPERATOR_WORDS: [&str; 7] = ["and", "else", "if", "in", "is", "not", "or"];

/// The parts of a text, in order.
pub(super) fn parse(text: &str, scope: &Scope) -> Result<Vec<Placed>, TemplateError> {
    if text.len() > MAX_TEXT {
        return Err(TemplateProblem::TooLong.at(0..text.len()));
    }
    let mut cursor = Cursor { text, at: 0 };
    let mut parts = Vec::new();
    while !cursor.rest().is_empty() {
        let start = cursor.at;
        let part = if cursor.eat("{{") {
            Part::Expression(cursor.expression(scope, start)?)
        } else {
            Part::Literal(cursor.literal_text()?.to_owned())
        };
        parts.push((part, start..cursor.at));
    }
    Ok(parts)
}

pub(super) fn without_ranges(parts: Vec<Placed>) -> Vec<Part> {
    parts.into_iter().map(|(part, _)| part).collect()
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Text up to the next expression or the end.
    fn literal_text(&mut self) -> Result<&'t str, TemplateError> {
        let rest = self.rest();
        let marks = [
            ("{{", None),
            ("{%", Some(TemplateProblem::Statement)),
            ("{#", Some(TemplateProblem::Comment)),
            ("}}", Some(TemplateProblem::StrayEnd)),
        ];
        let found = marks.into_iter().filter_map(|(mark, problem)| Some((rest.find(mark)?, problem)));
        let (end, problem) = found.min_by_key(|(at, _)| *at).unwrap_or((rest.len(), None));
        self.at += end;
        match problem {
            Some(problem) => Err(problem.at(self.at..self.at + 2)),
            None => Ok(&rest[..end]),
        }
    }

    /// What follows `{{`, which stands at `start`, up to and with `}}`.
    fn expression(&mut self, scope: &Scope, start: usize) -> Result<Expression, TemplateError> {
        self.skip_space();
        let (source, mut kind) = self.source(scope, start)?;
        let mut filters = Vec::new();
        loop {
            self.skip_space();
            if self.eat("}}") {
                return Ok(Expression { source, filters, kind });
            }
            if !self.eat("|") {
                return Err(self.unexpected("`|` or `}}`", start));
            }
            self.skip_space();
            let name_at = self.at;
            let filter = self.filter(start)?;
            if filters.len() == Filter::MAX {
                return Err(TemplateProblem::TooManyFilters.at(name_at..self.at));
            }
            kind = filter.kind_of(kind).map_err(|problem| problem.at(name_at..self.at))?;
            filters.push(filter);
        }
    }

    fn source(&mut self, scope: &Scope, start: usize) -> Result<(Source, Kind), TemplateError> {
        if let Some(literal) = self.literal()? {
            let kind = literal.kind();
            return Ok((Source::Literal(literal), kind));
        }
        let name_at = self.at;
        let root = self.word();
        if root.is_empty() || OPERATOR_WORDS.contains(&root) {
            self.at = name_at;
            return Err(self.unexpected("a name", start));
        }
        let mut name = Name { root: root.to_owned(), member: None };
        if self.rest().starts_with('.') {
            // An unknown name is the mistake, whatever follows it.
            if let Err(problem @ TemplateProblem::UnknownName { .. }) = scope.kind(&name) {
                return Err(problem.at(name_at..self.at));
            }
            name.member = Some(self.member(start)?);
            if self.rest().starts_with('.') {
                return Err(TemplateProblem::NoMembers { name: name.to_string() }.at(name_at..self.at));
            }
        }
        let kind = scope.kind(&name).map_err(|problem| problem.at(name_at..self.at))?;
        Ok((Source::Name(name), kind))
    }

    /// `.` and a member. Attributes have any name: those that are no words stand between quotes.
    fn member(&mut self, start: usize) -> Result<String, TemplateError> {
        self.eat(".");
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted.to_owned());
        }
        let word = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if word.is_empty() { Err(self.unexpected("a member", start)) } else { Ok(word.to_owned()) }
    }

    fn filter(&mut self, start: usize) -> Result<Filter, TemplateError> {
        let name_at = self.at;
        let name = self.word();
        if name.is_empty() {
            return Err(self.unexpected("a filter", start));
        }
        let arguments = self.arguments(start)?;
        Filter::new(name, &arguments).map_err(|problem| match problem {
            TemplateProblem::UnknownFilter { .. } => problem.at(name_at..name_at + name.len()),
            _ => problem.at(name_at..self.at),
        })
    }

    /// Literals in parentheses; none without parentheses.
    fn arguments(&mut self, start: usize) -> Result<Vec<Literal>, TemplateError> {
        let mut literals = Vec::new();
        if !self.eat("(") {
            return Ok(literals);
        }
        loop {
            self.skip_space();
            match self.literal()? {
                Some(literal) => literals.push(literal),
                None => return Err(self.unexpected("a text in quotes, a number, true, false or null", start)),
            }
            self.skip_space();
            if self.eat(")") {
                return Ok(literals);
            }
            if !self.eat(",") {
                return Err(self.unexpected("`,` or `)`", start));
            }
        }
    }

    fn literal(&mut self) -> Result<Option<Literal>, TemplateError> {
        if let Some(text) = self.quoted()? {
            return Ok(Some(Literal::Text(text.to_owned())));
        }
        let start = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        if !digits.is_empty() {
            let number = digits.parse().map_err(|_| TemplateProblem::NumberTooLarge.at(start..self.at))?;
            return Ok(Some(Literal::Number(number)));
        }
        let literal = match self.word() {
            "true" => Literal::Boolean(true),
            "false" => Literal::Boolean(false),
            "null" => Literal::Null,
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        Ok(Some(literal))
    }

    fn quoted(&mut self) -> Result<Option<&'t str>, TemplateError> {
        let start = self.at;
        let Some(quote) = ['\'', '"'].into_iter().find(|quote| self.rest().starts_with(*quote)) else {
            return Ok(None);
        };
        self.at += 1;
        let text = self.take_while(|c| c != quote);
        if self.rest().is_empty() {
            return Err(TemplateProblem::UnclosedQuote.at(start..start + 1));
        }
        if let Some(backslash) = text.find('\\') {
            let at = start + 1 + backslash;
            return Err(TemplateProblem::Backslash.at(at..at + 1));
        }
        self.at += 1;
        Ok(Some(text))
    }

    fn word(&mut self) -> &'t str {
        if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Why what stands here is not what is wanted, in an expression that begins at `start`.
    fn unexpected(&mut self, wanted: &'static str, start: usize) -> TemplateError {
        let at = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return TemplateProblem::Unclosed.at(start..start + 2);
        };
        let word = self.word();
        if OPERATOR_WORDS.contains(&word) {
            return TemplateProblem::Operator.at(at..at + word.len());
        }
        let symbols: usize = rest.chars().take_while(|c| OPERATORS.contains(*c)).map(char::len_utf8).sum();
        if symbols > 0 {
            return TemplateProblem::Operator.at(at..at + symbols);
        }
        let length = if word.is_empty() { first.len_utf8() } else { word.len() };
        TemplateProblem::Expected(wanted).at(at..at + length)
    }
}
