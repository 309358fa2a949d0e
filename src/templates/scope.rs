//! The names that a place in the YAML may use.

use std::{collections::BTreeMap, fmt};

use super::{Name, TemplateProblem};

/// What kind of value a name or an expression has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    /// A text that was checked to be a URL to which a citizen may be sent.
    Url,
    Number,
    Boolean,
    List,
    /// An object whose members are texts.
    Map,
}

impl Kind {
    /// Whether the value can stand inside a text.
    pub fn is_scalar(self) -> bool {
        !matches!(self, Self::List | Self::Map)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Url => "a URL",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::List => "a list",
            Self::Map => "a map",
        })
    }
}

/// The names that a place in the YAML may use, and what they stand for.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Scope {
    names: BTreeMap<&'static str, Entry>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    Single(Kind),
    /// Only its members are values.
    Members(BTreeMap<String, Kind>),
    /// A value as a whole and by member; `None`: any member.
    Map(Option<Vec<String>>),
}

impl Scope {
    pub fn new() -> Self {
        Self::default()
    }

    /// A text.
    pub fn value(self, name: &'static str) -> Self {
        self.with(name, Entry::Single(Kind::Text))
    }

    /// A list of texts.
    pub fn list(self, name: &'static str) -> Self {
        self.with(name, Entry::Single(Kind::List))
    }

    /// A text that is a checked URL: the only kind that can be a [`super::UrlTemplate`] by itself.
    pub fn url(self, name: &'static str) -> Self {
        self.with(name, Entry::Single(Kind::Url))
    }

    /// Members that are named `name.member`; the name alone is no value.
    pub fn members(self, name: &'static str, members: impl IntoIterator<Item = (String, Kind)>) -> Self {
        self.with(name, Entry::Members(members.into_iter().collect()))
    }

    /// Texts that are named `name.member`, or all of them at once as `name`. `None`: any member
    /// may be named.
    pub fn map(self, name: &'static str, members: Option<Vec<String>>) -> Self {
        self.with(name, Entry::Map(members))
    }

    fn with(mut self, name: &'static str, entry: Entry) -> Self {
        self.names.insert(name, entry);
        self
    }

    /// What kind of value a name has here.
    pub(super) fn kind(&self, name: &Name) -> Result<Kind, TemplateProblem> {
        let Name { root, member } = name;
        let Some(entry) = self.names.get(root.as_str()) else {
            let candidates = self.names.keys().map(|&name| name.to_owned()).collect();
            return Err(TemplateProblem::UnknownName { name: root.clone(), candidates });
        };
        let unknown = |member: &String, candidates: Vec<String>| TemplateProblem::UnknownMember {
            name: root.clone(),
            member: member.clone(),
            candidates,
        };
        match (entry, member) {
            (Entry::Single(kind), None) => Ok(*kind),
            (Entry::Single(_), Some(_)) => Err(TemplateProblem::NoMembers { name: root.clone() }),
            (Entry::Members(members), None) => Err(TemplateProblem::MemberWanted {
                name: root.clone(),
                candidates: members.keys().cloned().collect(),
            }),
            (Entry::Members(members), Some(member)) => {
                members.get(member).copied().ok_or_else(|| unknown(member, members.keys().cloned().collect()))
            }
            (Entry::Map(_), None) => Ok(Kind::Map),
            (Entry::Map(Some(members)), Some(member)) if !members.contains(member) => {
                Err(unknown(member, members.clone()))
            }
            (Entry::Map(_), Some(_)) => Ok(Kind::Text),
        }
    }
}
