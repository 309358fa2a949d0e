//! The route table and rewriting: which route a request takes, what its upstream sees, and how
//! the upstream's answer reads for the client.
//!
//! Pure: text in, decision out; no I/O and no server. Everything here reads bytes of strangers.
//! May import: `config`, `model`.

mod cookie;
mod forwarded;
mod link;
mod own;
mod path;
mod refresh;
mod rewrite;
mod table;

pub use forwarded::{spellings, strip_forwarding, strip_hop_by_hop};
pub use own::{OwnPath, decode_segment, own_path};
pub use path::{PathError, host_key, normalise};
pub use rewrite::{ClientView, HeaderChange, Mapping};
pub use table::RouteTable;
