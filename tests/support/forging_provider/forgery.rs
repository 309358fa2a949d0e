//! What may be wrong with a sign-in, one thing at a time, and the id tokens that follow.

use serde_json::{Value, json};

use super::{
    super::{
        answers,
        jws::{self, Signature},
        keys::{self, Key, Kind},
        now,
        stub::Step,
    },
    CLIENT_SECRET, KEY_ID,
};

/// Who signs in.
pub const SUBJECT: &str = "anna";

const HOUR: u64 = 60 * 60;
/// More than a client may buffer for a token.
const HUGE: usize = 4 * 1024 * 1024;

/// What the provider does wrong.
#[derive(Debug, Clone, Default)]
pub enum Forgery {
    #[default]
    None,

    /// The discovery document names this issuer.
    IssuerInDiscovery(String),
    /// An endpoint gives this answer, whatever it is asked: see [`Forgery::error_at`] and the others.
    Answers(&'static str, Vec<Step>),

    /// The browser comes back with this error: no forgery, but not the good flow either.
    AuthorizationError(&'static str),
    /// The browser comes back with this issuer (RFC 9207).
    IssuerInResponse(String),
    NoIssuerInResponse,
    /// The browser is sent on to this authorization endpoint of another provider, with all that the
    /// client asked for: the mix-up of RFC 9700, section 4.4.
    SendsElsewhere(String),

    /// The id token was made for somebody who signed in before.
    OtherSession,
    NoIdToken,
    Issuer,
    NoIssuer,
    Audience,
    /// Another audience beside the client, and no `azp`.
    ExtraAudience,
    /// Made for the client among others, but handed out to another.
    AuthorizedParty,
    NoAudience,
    Nonce,
    NoNonce,
    Expired,
    NoExpiry,
    IssuedInFuture,
    NoIssueTime,
    AtHash,
    NoSubject,
    /// A lower `acr` than any that is asked for.
    Acr,
    NoAcr,

    /// The claims were changed after they were signed.
    Tampered,
    /// Signed with a key that is not published, under the id of the one that is.
    OtherKey,
    UnknownKeyId,
    NoKeyId,
    /// `alg: none`, without a signature.
    Unsigned,
    /// HS256 with the text of the published key as the secret.
    SignedWithPublicKey,
    /// HS256 with [`CLIENT_SECRET`], where the provider announces RS256.
    SignedWithSecret,
    /// No JWS at all.
    NoToken,

    /// Userinfo tells of another person than the id token.
    UserinfoSubject,
}

impl Forgery {
    /// Every forgery that no id token may come with, and that needs no preparation: a test of
    /// [`Forgery::OtherSession`] signs in twice, `acr` only matters where one was asked for, and a
    /// client that knows one key may do without `kid`.
    pub fn of_id_tokens() -> Vec<Self> {
        vec![
            Self::NoIdToken,
            Self::Issuer,
            Self::NoIssuer,
            Self::Audience,
            Self::ExtraAudience,
            Self::AuthorizedParty,
            Self::NoAudience,
            Self::Nonce,
            Self::NoNonce,
            Self::Expired,
            Self::NoExpiry,
            Self::IssuedInFuture,
            Self::NoIssueTime,
            Self::AtHash,
            Self::NoSubject,
            Self::Tampered,
            Self::OtherKey,
            Self::UnknownKeyId,
            Self::Unsigned,
            Self::SignedWithPublicKey,
            Self::SignedWithSecret,
            Self::NoToken,
        ]
    }

    /// The endpoint answers 500 with an error of OAuth.
    pub fn error_at(path: &'static str) -> Self {
        let body = json!({ "error": "server_error" }).to_string();
        Self::Answers(path, answers::answer(500, &[("Content-Type", "application/json")], body))
    }

    /// The endpoint answers 200 with a page.
    pub fn html_at(path: &'static str) -> Self {
        Self::Answers(path, answers::answer(200, &[("Content-Type", "text/html")], "<h1>Maintenance</h1>"))
    }

    /// The endpoint answers with some megabytes of JSON.
    pub fn huge_at(path: &'static str) -> Self {
        Self::Answers(path, answers::json(&json!({ "padding": "x".repeat(HUGE) })))
    }

    /// The endpoint takes the request and never answers.
    pub fn stalls_at(path: &'static str) -> Self {
        Self::Answers(path, vec![Step::Stall])
    }

    /// The endpoint hangs up.
    pub fn resets_at(path: &'static str) -> Self {
        Self::Answers(path, vec![Step::Reset])
    }
}

/// The claims of an id token to be.
pub struct IdToken(Value);

impl IdToken {
    /// What the protocol wants of every id token (OpenID Connect Core, section 2).
    pub fn good(issuer: &str, client: &str, access_token: &str) -> Self {
        Self(json!({
            "iss": issuer, "sub": SUBJECT, "aud": client, "iat": now(), "exp": now() + 300,
            "auth_time": now(), "at_hash": jws::at_hash(access_token),
        }))
    }

    /// Adds or changes a claim; null is no claim.
    pub fn add(&mut self, name: &str, value: Value) {
        let claims = self.0.as_object_mut().expect("claims are an object");
        match value {
            Value::Null => drop(claims.remove(name)),
            value => drop(claims.insert(name.to_owned(), value)),
        }
    }

    /// The token, signed with the provider's key, with what is wrong about it.
    pub fn forged(mut self, forgery: &Forgery, key: &Key) -> String {
        for (name, value) in self.wrong_claims(forgery) {
            self.add(name, value);
        }
        let good = Signature::Rs256(key);
        let sign = |signature: &Signature<'_>| jws::token(&self.0, signature, Some(KEY_ID));
        match forgery {
            Forgery::Tampered => tampered(&sign(&good)),
            Forgery::OtherKey => sign(&Signature::Rs256(&keys::key("stranger", Kind::Rsa))),
            Forgery::UnknownKeyId => jws::token(&self.0, &good, Some("forger-2")),
            Forgery::NoKeyId => jws::token(&self.0, &good, None),
            Forgery::Unsigned => sign(&Signature::None),
            Forgery::SignedWithPublicKey => sign(&Signature::Hs256(key.public_pem.as_bytes())),
            Forgery::SignedWithSecret => sign(&Signature::Hs256(CLIENT_SECRET.as_bytes())),
            Forgery::NoToken => "no-token".to_owned(),
            _ => sign(&good),
        }
    }

    /// Claims to change; null takes one away.
    fn wrong_claims(&self, forgery: &Forgery) -> Vec<(&'static str, Value)> {
        let client = &self.0["aud"];
        match forgery {
            Forgery::Issuer => vec![("iss", "https://other.test".into())],
            Forgery::NoIssuer => vec![("iss", Value::Null)],
            Forgery::Audience => vec![("aud", "other".into())],
            Forgery::ExtraAudience => vec![("aud", json!([client, "other"]))],
            Forgery::AuthorizedParty => vec![("aud", json!([client, "other"])), ("azp", "other".into())],
            Forgery::NoAudience => vec![("aud", Value::Null)],
            Forgery::Nonce => vec![("nonce", "another-nonce".into())],
            Forgery::NoNonce => vec![("nonce", Value::Null)],
            Forgery::Expired => vec![("iat", (now() - 2 * HOUR).into()), ("exp", (now() - HOUR).into())],
            Forgery::NoExpiry => vec![("exp", Value::Null)],
            Forgery::IssuedInFuture => {
                vec![("iat", (now() + HOUR).into()), ("exp", (now() + 2 * HOUR).into())]
            }
            Forgery::NoIssueTime => vec![("iat", Value::Null)],
            Forgery::AtHash => vec![("at_hash", jws::at_hash("another-token").into())],
            Forgery::NoSubject => vec![("sub", Value::Null)],
            Forgery::Acr => vec![("acr", "loa1".into())],
            Forgery::NoAcr => vec![("acr", Value::Null)],
            _ => Vec::new(),
        }
    }
}

/// The same token with another subject under the old signature.
fn tampered(token: &str) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let [header, _, signature] = parts[..] else { unreachable!("a token has three parts") };
    let mut claims = jws::claims(token);
    claims["sub"] = "somebody-else".into();
    format!("{header}.{}.{signature}", jws::encoded(claims.to_string()))
}
