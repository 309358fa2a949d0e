//! The short reference by which a citizen, a helpdesk and a log line name one session.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Random;

/// Crockford's base 32: no letters that people confuse when they read a reference aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight characters, 40 of its 64 bits; a name, not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReference([u8; 8]);

impl SessionReference {
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// All of its bits, for telling sessions apart where people do not read it.
    pub fn id(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl fmt::Display for SessionReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(ALPHABET[usize::from(byte % 32)])))
    }
}
