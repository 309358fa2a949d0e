//! Time and randomness as parameters, so that protocol steps are functions that a test can
//! repeat byte for byte. Nothing else in the crate may ask the system for either of them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z, as `iat` and `exp` count them (RFC 7519, section 2).
pub type UnixSeconds = u64;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    fn now(&self) -> UnixSeconds;
}

/// Gives unpredictable bytes, fit for identifiers that strangers must not guess.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> UnixSeconds {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
    }
}

/// A cryptographically secure generator per thread, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks for randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::RngCore::fill_bytes(&mut rand::thread_rng(), bytes);
    }
}
