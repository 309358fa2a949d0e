use serde_json::json;

use super::*;
use crate::tokens::{JwtKey, SigningKey, jwks};

const NOW: UnixSeconds = 1_800_000_000;
const ISSUER: &str = "https://id.test/";
const CLIENT: &str = "gateway";
const NONCE: &str = "0123456789abcdef";
const ACCESS_TOKEN: &str = "an-access-token";

struct Bench {
    signer: JwtKey,
    keys: Keys,
}

impl Bench {
    fn new() -> Self {
        let key = SigningKey::generate().unwrap().with_id("k1");
        let keys = serde_json::from_slice(&jwks(std::slice::from_ref(&key))).unwrap();
        Self { signer: JwtKey::of(key), keys }
    }

    /// A good token but for these claims, of which null takes one away.
    fn token(&self, changes: &Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "sub": "anna", "aud": CLIENT, "nonce": NONCE, "iat": NOW, "exp": NOW + 300,
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        self.signer.sign(&claims).unwrap()
    }

    fn verify(&self, token: &str, acr_values: &[String]) -> Result<Value, IdTokenError> {
        self.verify_fresh(token, acr_values, None)
    }

    fn verify_fresh(
        &self,
        token: &str,
        acr_values: &[String],
        freshness: Option<Freshness>,
    ) -> Result<Value, IdTokenError> {
        let expected = Expected {
            issuer: ISSUER,
            client_id: CLIENT,
            nonce: NONCE,
            acr_values,
            freshness,
            access_token: Some(ACCESS_TOKEN),
            now: NOW,
        };
        verify(token, &self.keys, &expected)
    }

    fn outcome(&self, changes: &Value) -> Option<IdTokenError> {
        self.verify(&self.token(changes), &[]).err()
    }
}

#[test]
fn claims_come_as_they_were_written() {
    let claims = json!({
        "email": "anna@example.nl", "name#nl": "Anna", "updated_at": "2026-01-01T00:00:00Z",
        "email_verified": "true", "address": { "locality": "Nijmegen", "house_number": 1 },
        "https://id.test/groups": ["a"],
    });
    let bench = Bench::new();
    let verified = bench.verify(&bench.token(&claims), &[]).unwrap();
    for (name, value) in claims.as_object().unwrap() {
        assert_eq!(&verified[name], value);
    }
}

#[test]
fn each_claim_has_to_be_right() {
    let bench = Bench::new();
    for (changes, expected) in [
        (json!({}), None),
        (json!({ "iss": "https://id.test" }), Some(IdTokenError::Issuer)),
        (json!({ "iss": "https://other.test/" }), Some(IdTokenError::Issuer)),
        (json!({ "iss": null }), Some(IdTokenError::Malformed)),
        (json!({ "sub": "" }), Some(IdTokenError::Subject)),
        (json!({ "sub": null }), Some(IdTokenError::Malformed)),
        (json!({ "nonce": "another" }), Some(IdTokenError::Nonce)),
        (json!({ "nonce": null }), Some(IdTokenError::Nonce)),
    ] {
        assert_eq!(bench.outcome(&changes), expected, "{changes}");
    }
}

#[test]
fn others_may_read_it_when_it_was_made_for_this_client() {
    let bench = Bench::new();
    let wrong = Some(IdTokenError::Audience);
    for (changes, expected) in [
        (json!({ "aud": [CLIENT] }), None),
        (json!({ "aud": [CLIENT], "azp": CLIENT }), None),
        (json!({ "aud": [CLIENT, "other"], "azp": CLIENT }), None),
        (json!({ "aud": [CLIENT, "other"] }), wrong),
        (json!({ "aud": [CLIENT, "other"], "azp": "other" }), wrong),
        (json!({ "azp": "other" }), wrong),
        (json!({ "aud": "other" }), wrong),
        (json!({ "aud": "other", "azp": CLIENT }), wrong),
        (json!({ "aud": [] }), wrong),
        (json!({ "aud": null }), wrong),
    ] {
        assert_eq!(bench.outcome(&changes), expected, "{changes}");
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let bench = Bench::new();
    let wrong = Some(IdTokenError::Time);
    for (changes, expected) in [
        (json!({ "exp": NOW - 59 }), None),
        (json!({ "exp": NOW - 60 }), wrong),
        (json!({ "exp": null }), Some(IdTokenError::Malformed)),
        (json!({ "exp": -1 }), wrong),
        (json!({ "iat": NOW + 60 }), None),
        (json!({ "iat": NOW + 61 }), wrong),
        (json!({ "iat": NOW - 660 }), None),
        (json!({ "iat": NOW - 661 }), wrong),
        (json!({ "iat": null }), Some(IdTokenError::Malformed)),
        (json!({ "iat": 1e300 }), Some(IdTokenError::Malformed)),
    ] {
        assert_eq!(bench.outcome(&changes), expected, "{changes}");
    }
}

#[test]
fn an_old_sign_in_is_refused_where_a_new_one_was_asked_for() {
    let bench = Bench::new();
    let wrong = Some(IdTokenError::AuthTime);
    let fresh = |required| Some(Freshness { since: NOW - 300, required });
    for (auth_time, asked, expected) in [
        (json!(NOW - 10_000), None, None),
        (json!(null), None, None),
        (json!(NOW), fresh(false), None),
        (json!(NOW - 360), fresh(false), None),
        (json!(NOW - 361), fresh(false), wrong),
        (json!(NOW + 60), fresh(false), None),
        (json!(NOW + 61), fresh(false), wrong),
        (json!(NOW + 61), fresh(true), wrong),
        (json!(i64::MAX), fresh(true), Some(IdTokenError::Malformed)),
        (json!(-1), fresh(false), wrong),
        (json!(null), fresh(false), None),
        (json!(NOW - 360), fresh(true), None),
        (json!(NOW - 361), fresh(true), wrong),
        (json!(null), fresh(true), wrong),
    ] {
        let token = bench.token(&json!({ "auth_time": auth_time }));
        assert_eq!(bench.verify_fresh(&token, &[], asked).err(), expected, "{auth_time} {asked:?}");
    }
}

#[test]
fn a_level_that_was_asked_for_is_required() {
    let bench = Bench::new();
    let levels = ["loa3", "loa4"].map(str::to_owned);
    for (acr, expected) in [
        (json!("loa4"), None),
        (json!("loa2"), Some(IdTokenError::Acr)),
        (json!(null), Some(IdTokenError::Acr)),
        (json!(["loa3"]), Some(IdTokenError::Malformed)),
    ] {
        let token = bench.token(&json!({ "acr": acr }));
        assert_eq!(bench.verify(&token, &levels).err(), expected, "{acr}");
    }
    assert_eq!(bench.outcome(&json!({ "acr": "anything" })), None);
}

#[test]
fn an_access_token_is_the_one_that_came_along() {
    let bench = Bench::new();
    // printf an-access-token | openssl dgst -sha256 -binary | head -c 16 | base64url
    assert_eq!(bench.outcome(&json!({ "at_hash": "YiHPD2T9DaX5B837XJXtow" })), None);
    assert_eq!(bench.outcome(&json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })), Some(IdTokenError::AtHash));
}

#[test]
fn only_the_providers_keys_sign() {
    let (bench, other) = (Bench::new(), Bench::new());
    assert_eq!(bench.verify(&other.token(&json!({})), &[]), Err(IdTokenError::Signature));
    let renamed = other.signer.clone().with_kid("k2");
    let unknown = Bench { signer: renamed, keys: Keys::default() }.token(&json!({}));
    assert_eq!(bench.verify(&unknown, &[]), Err(IdTokenError::UnknownKey));
    let shared = JwtKey::hs256(b"a-secret-of-the-client").unwrap().with_kid("k1");
    let symmetric = Bench { signer: shared, keys: Keys::default() }.token(&json!({}));
    assert_eq!(bench.verify(&symmetric, &[]), Err(IdTokenError::Algorithm));
    let good = bench.token(&json!({}));
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    assert_eq!(bench.verify(&format!("{none}.{payload}."), &[]), Err(IdTokenError::Algorithm));
    for bad in ["", "a", "a.b.c", "a.b.c.d", &good[..good.len() - 4], &format!("{good}.")] {
        assert!(bench.verify(bad, &[]).is_err(), "{bad}");
    }
}
