//! What the development pair, the adapters `test` and `inspect`, shares: ephemeral keys and the
//! sessions of both sides.
//!
//! For development only. The sessions live in this process and end with it; adapters for production
//! keep their state in the URLs that they hand out, as design.md has it.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{inspect::Conversation, recent::Recent, test::SignInSession};
use crate::{
    model::{Random, ResultToken, UnixSeconds},
    tokens::{self, AuthenticationResult, DecryptionKey, KeyError, NewResult, SigningKey, TokenError},
};

/// Sessions kept on either side: enough for a load test, and a bound for everything else.
const MAX_SESSIONS: usize = 4_096;

/// Seconds that a session is kept: far longer than anyone takes to sign in.
const SESSION_LIFETIME: u64 = 30 * 60;

/// Keys and sessions of the adapters `test` and `inspect`. Made once per process, so that running
/// sessions outlive a reload.
pub struct DevelopmentPair {
    signing: SigningKey,
    decryption: DecryptionKey,
    pub(super) sign_ins: Sessions<SignInSession>,
    pub(super) conversations: Sessions<Conversation>,
}

impl DevelopmentPair {
    /// # Errors
    /// [`KeyError::Library`] when OpenSSL cannot make keys.
    pub fn new() -> Result<Self, KeyError> {
        Ok(Self {
            signing: SigningKey::generate()?,
            decryption: DecryptionKey::generate()?,
            sign_ins: Sessions::default(),
            conversations: Sessions::default(),
        })
    }

    pub(super) fn issue(&self, result: &NewResult<'_>, now: UnixSeconds) -> Result<ResultToken, TokenError> {
        tokens::issue(result, &self.signing, self.decryption.encryption_key(), now)
    }

    pub(super) fn open(
        &self,
        token: &ResultToken,
        now: UnixSeconds,
    ) -> Result<AuthenticationResult, TokenError> {
        tokens::open(token, std::slice::from_ref(&self.decryption), self.signing.verification_key(), now)
    }
}

/// What re-sealing needs where one side is an adapter of development.
impl DevelopmentPair {
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    pub fn decryption_key(&self) -> &DecryptionKey {
        &self.decryption
    }
}

impl fmt::Debug for DevelopmentPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevelopmentPair(redacted)")
    }
}

/// Names a session in URLs: 128 random bits, so that strangers cannot guess it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionId(u128);

impl SessionId {
    fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(u128::from_be_bytes(bytes))
    }

    /// From its 32 hexadecimal digits, as [`fmt::Display`] writes them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Sessions by name, no more than [`MAX_SESSIONS`]: the oldest makes room.
pub(super) struct Sessions<T>(Mutex<Recent<SessionId, T>>);

impl<T> Default for Sessions<T> {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(MAX_SESSIONS, SESSION_LIFETIME)))
    }
}

impl<T> Sessions<T> {
    pub(super) fn insert(&self, session: T, now: UnixSeconds, random: &dyn Random) -> SessionId {
        let id = SessionId::new(random);
        self.entries().insert(id, session, now);
        id
    }

    /// What `look` makes of the session; `None` when there is none of that name.
    pub(super) fn with<R>(
        &self,
        id: SessionId,
        now: UnixSeconds,
        look: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        self.entries().get_mut(&id, now).map(look)
    }

    fn entries(&self) -> MutexGuard<'_, Recent<SessionId, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::SeededRandom, *};

    #[test]
    fn a_session_is_found_by_the_name_it_was_given() {
        let (sessions, random) = (Sessions::default(), SeededRandom::default());
        let first = sessions.insert("first", 0, &random);
        let second = sessions.insert("second", 0, &random);
        assert_ne!(first.to_string(), second.to_string());
        let parsed = SessionId::parse(&second.to_string()).unwrap();
        assert_eq!(sessions.with(parsed, 0, |session| *session), Some("second"));
    }

    #[test]
    fn only_names_as_written_are_read() {
        for text in ["", "1", &"0".repeat(33), &"A".repeat(32), &"+".repeat(32), &"é".repeat(16)] {
            assert!(SessionId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sessions_end_after_half_an_hour() {
        let (sessions, random) = (Sessions::default(), SeededRandom::default());
        let id = sessions.insert((), 1_000, &random);
        assert!(sessions.with(id, 2_799, |()| ()).is_some());
        assert!(sessions.with(id, 2_800, |()| ()).is_none());
        assert!(sessions.entries().by_key.is_empty());
    }

    #[test]
    fn the_oldest_makes_room() {
        let (sessions, random) = (Sessions::default(), SeededRandom::default());
        let ids: Vec<_> = (0..=MAX_SESSIONS).map(|n| sessions.insert(n, 0, &random)).collect();
        assert!(sessions.with(ids[0], 0, |_| ()).is_none());
        assert_eq!(sessions.with(ids[1], 0, |n| *n), Some(1));
        let entries = sessions.entries();
        assert_eq!((entries.by_key.len(), entries.by_age.len()), (MAX_SESSIONS, MAX_SESSIONS));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", DevelopmentPair::new().unwrap()), "DevelopmentPair(redacted)");
    }
}
