//! Values that nobody guesses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Random;

/// 128 random bits, in text as 32 hexadecimal digits. `Debug` does not show them: a browser may be known
/// by them.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Nonce([u8; 16]);

impl Nonce {
    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)")
    }
}
