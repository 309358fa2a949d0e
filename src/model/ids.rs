//! Tags and names that appear in the YAML files, each a type of its own so that none is taken
//! for another.

use std::{fmt, sync::Arc};

/// Longest tag accepted, in bytes: tags become path segments and metric labels.
pub const MAX_TAG_BYTES: usize = 128;

/// Why a string cannot be a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {MAX_TAG_BYTES} bytes")]
    TooLong,
    #[error("it contains a control character")]
    Control,
    #[error("it starts or ends with white space")]
    Padded,
}

fn check(text: &str) -> Result<(), TagError> {
    if text.is_empty() {
        Err(TagError::Empty)
    } else if text.len() > MAX_TAG_BYTES {
        Err(TagError::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(TagError::Control)
    } else if text.trim() != text {
        Err(TagError::Padded)
    } else {
        Ok(())
    }
}

macro_rules! tag {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes any text of 1 to 128 bytes without control characters or white space around it.
            ///
            /// # Errors
            /// [`TagError`] says which rule the text breaks.
            pub fn parse(text: &str) -> Result<Self, TagError> {
                check(text).map(|()| Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

tag! {
    /// The topic a citizen comes for (`purposes[].tag`). May hold any text: `met spatie/é` is one.
    PurposeTag
}
tag! {
    /// An authentication or a communication method (`auth[].tag`, `comm[].tag`).
    MethodTag
}
tag! {
    /// The name of one attribute of a citizen, such as `email` or `bsn`.
    AttributeTag
}
tag! {
    /// A route of routes.yaml.
    RouteId
}
tag! {
    /// An upstream of routes.yaml.
    UpstreamName
}
