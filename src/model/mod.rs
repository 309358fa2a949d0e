//! The vocabulary of the domain: identifiers, attributes, texts, URLs, the wire types of the
//! protocol, clock and randomness.
//!
//! Plain values that are valid by construction; every other module may use this one.
//! May import: nothing of this crate.

pub mod ambient;
pub mod answer;
pub mod cookie;
pub mod ids;
pub mod nonce;
pub mod reference;
pub mod reserved;
pub mod text;
pub mod url;
pub mod url_prefix;
pub mod wire;

pub use ambient::{Clock, Random, SystemClock, SystemRandom, UnixSeconds};
pub use answer::{OwnAnswer, OwnRequest, Stuck};
pub use ids::{AttributeTag, MethodTag, PurposeTag, RouteId, TagError, UpstreamName};
pub use nonce::Nonce;
pub use reference::SessionReference;
pub use reserved::{RESERVED, is_reserved};
pub use text::{Language, LocalizedText};
pub use url::{BaseUrl, PluginUrl, UrlError, path_segment};
pub use url_prefix::UrlPrefix;
pub use wire::{Dialect, ResultToken};
