//! The short reference by which a citizen, a helpdesk and a log line name one session.

use std::fmt;

use crate::model::Random;

/// Crockford's base 32: no letters that people confuse when they read a reference aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight characters, 40 bits; a name, not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionReference([u8; 8]);

impl SessionReference {
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        Self(bytes.map(|byte| ALPHABET[usize::from(byte % 32)]))
    }
}

impl fmt::Display for SessionReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}
