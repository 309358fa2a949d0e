//! Authentication results: signed, then encrypted (protocol.md, "The authentication result").
//!
//! Every check is made here and not by josekit, whose validator takes tokens without times and the
//! last of two equal claims.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use josekit::{
    jwe::{JweContext, JweHeader},
    jws::{JwsContext, JwsHeader},
};
use serde::{Deserialize, Serialize};

use super::{
    MAX_TOKEN_BYTES, TokenError,
    claims::{self, Claims, Envelope},
    compact::{Header, Jws, TYP, require},
    content::{ENC, ENCODED_BLOCK_BYTES, TagFirst},
    keys::{DecryptionKey, EncryptionKey, SigningKey, VerificationKey},
};
use crate::model::{Dialect, ResultToken, UnixSeconds};

/// Seconds that a result is valid: `exp` minus `iat`.
pub const RESULT_LIFETIME: u64 = 300;

/// What a citizen's sign-in yielded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthenticationOutcome {
    Success { attributes: Attributes },
    Failed,
}

/// Attributes of a citizen, name to value, ordered by name. `Debug` shows neither.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl From<BTreeMap<String, String>> for Attributes {
    fn from(attributes: BTreeMap<String, String>) -> Self {
        Self(attributes)
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attributes({} redacted)", self.0.len())
    }
}

/// A result to be issued.
pub struct NewResult<'a> {
    pub dialect: Dialect,
    pub outcome: &'a AuthenticationOutcome,
    /// Where the receiver reports activity and logout (protocol.md, "Session updates").
    pub session_url: Option<&'a str>,
    /// When it ends at the latest; `None` is five minutes from now.
    pub not_after: Option<UnixSeconds>,
}

/// A result that was decrypted, verified and found valid.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationResult {
    /// The dialect in which it was written.
    pub dialect: Dialect,
    pub outcome: AuthenticationOutcome,
    pub session_url: Option<String>,
    pub issued_at: UnixSeconds,
    pub expires_at: UnixSeconds,
}

impl fmt::Debug for AuthenticationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticationResult")
            .field("dialect", &self.dialect)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Signs a result and encrypts it to its addressee. It is valid from `now`, for five minutes at most.
///
/// # Errors
/// [`TokenError::Issue`] when the cryptographic library fails.
pub fn issue(
    result: &NewResult<'_>,
    signing: &SigningKey,
    encryption: &EncryptionKey,
    now: UnixSeconds,
) -> Result<ResultToken, TokenError> {
    let claims = serde_json::to_vec(&Claims::of(result, now)).map_err(|_| TokenError::Issue)?;
    seal(&Envelope { njwt: sign(&claims, signing)? }, encryption)
}

/// Decrypts with the key it was encrypted to, verifies and checks a result: the opposite of
/// [`issue`].
///
/// # Errors
/// [`TokenError`] says what is wrong with it, in the order in which it is looked at.
pub fn open(
    token: &ResultToken,
    decryption: &[DecryptionKey],
    verification: &VerificationKey,
    now: UnixSeconds,
) -> Result<AuthenticationResult, TokenError> {
    open_by_any(token, decryption, &[verification], now).map(|(_, result)| result)
}

/// As [`open`], for a result of one of several signers: decrypts once, and also says whose it is, as
/// an index into the keys.
///
/// # Errors
/// As for [`open`]; [`TokenError::Signature`] when it is of none of them.
pub fn open_by_any(
    token: &ResultToken,
    decryption: &[DecryptionKey],
    signers: &[&VerificationKey],
    now: UnixSeconds,
) -> Result<(usize, AuthenticationResult), TokenError> {
    let envelope = decrypt_with_any(token.expose(), decryption)?;
    let jws = Jws::parse(&envelope.njwt)?;
    let mut refusal = TokenError::Signature;
    for (index, key) in signers.iter().enumerate() {
        match jws.verify(key) {
            Ok(payload) => return Ok((index, claims::check(&payload, now)?)),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// Knows one content encryption and no compression: 259 KB with `zip` become 200 MB.
static JWE: LazyLock<JweContext> = LazyLock::new(|| {
    let mut context = JweContext::new();
    context.remove_compression("DEF");
    for encryption in ["A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"] {
        context.remove_content_encryption(encryption);
    }
    context.add_content_encryption(Box::new(TagFirst));
    context
});

fn sign(claims: &[u8], key: &SigningKey) -> Result<String, TokenError> {
    let mut header = JwsHeader::new();
    header.set_token_type(TYP);
    if let Some(id) = key.id() {
        header.set_key_id(id);
    }
    JwsContext::new().serialize_compact(claims, &header, &*key.signer).map_err(|_| TokenError::Issue)
}

fn seal(envelope: &Envelope, key: &EncryptionKey) -> Result<ResultToken, TokenError> {
    let mut header = JweHeader::new();
    header.set_token_type(TYP);
    header.set_content_type(TYP);
    header.set_content_encryption(ENC);
    let payload = serde_json::to_vec(envelope).map_err(|_| TokenError::Issue)?;
    JWE.serialize_compact(&payload, &header, &*key.encrypter)
        .map(ResultToken::new)
        .map_err(|_| TokenError::Issue)
}

/// Results name no key, so each of ours is tried, the first one first. Which of them failed and how
/// makes no difference to the answer.
fn decrypt_with_any(token: &str, keys: &[DecryptionKey]) -> Result<Envelope, TokenError> {
    let mut refusal = TokenError::Header("alg");
    for key in keys {
        match decrypt(token, key) {
            Err(TokenError::Header("alg")) => {}
            Err(TokenError::Undecryptable) => refusal = TokenError::Undecryptable,
            outcome => return outcome,
        }
    }
    Err(refusal)
}

pub(super) fn decrypt(token: &str, key: &DecryptionKey) -> Result<Envelope, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, _, vector, _, tag] = parts.as_slice() else {
        return Err(TokenError::Malformed);
    };
    if vector.len() != ENCODED_BLOCK_BYTES || tag.len() != ENCODED_BLOCK_BYTES {
        return Err(TokenError::Malformed);
    }
    let header = Header::parse(header)?;
    header.check(key.decrypter.algorithm().name())?;
    require("enc", header.text("enc") == Some(ENC))?;
    header.refuse("zip")?;
    let (payload, _) =
        JWE.deserialize_compact(token, &*key.decrypter).map_err(|_| TokenError::Undecryptable)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests;
