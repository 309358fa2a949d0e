//! Values that nobody guesses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Random;

/// 128 random bits, in text as 32 hexadecimal digits. `Debug` does not show them: a browser may be known
/// by them.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// Of bits that are as good as random.
    pub fn of(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// For telling nonces apart where no stranger's is compared.
    pub fn id(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    pub fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id())
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(redacted)")
    }
}
