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
    /// Tags are segments of paths, and URLs lose such ones (RFC 3986, section 5.2.4), however encoded.
    #[error("`.` and `..` are no names in a URL: they are steps")]
    Dots,
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
    } else if matches!(text, "." | "..") {
        Err(TagError::Dots)
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
            /// Takes any text of 1 to 128 bytes without control characters or white space around it,
            /// except `.` and `..`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_segment_of_a_path() {
        for text in ["met spatie/é", "...", ".x", "%2e"] {
            assert_eq!(MethodTag::parse(text).unwrap().as_str(), text);
        }
        for (text, error) in [
            ("", TagError::Empty),
            (" x", TagError::Padded),
            ("a\tb", TagError::Control),
            (".", TagError::Dots),
            ("..", TagError::Dots),
        ] {
            assert_eq!(PurposeTag::parse(text), Err(error), "{text:?}");
        }
    }
}
