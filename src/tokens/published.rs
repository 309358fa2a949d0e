//! The keys that the gateway publishes (RFC 7517), so that others can verify what it signed.

use std::collections::BTreeMap;

use openssl::{
    bn::BigNumRef,
    error::ErrorStack,
    pkey::{PKey, Public},
    sha::sha256,
};
use serde_json::json;

use super::{SigningKey, base64url, ecdh::coordinates};

/// The JSON Web Key Set of these keys' public halves, in their order. A key without a name is
/// called by its thumbprint (RFC 7638).
pub fn jwks(keys: &[SigningKey]) -> Vec<u8> {
    let keys: Vec<_> = keys.iter().map(published).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

fn published(key: &SigningKey) -> BTreeMap<&'static str, String> {
    let mut members = key.jwk.0.clone();
    members.insert("kid", key.id().map_or_else(|| key.jwk.thumbprint(), str::to_owned));
    members.insert("alg", key.signer.algorithm().name().to_owned());
    members.insert("use", "sig".to_owned());
    members
}

/// The members of a JSON Web Key that make it this key and no other (RFC 7638, section 3.2), in the
/// order of their names.
#[derive(Clone)]
pub(super) struct PublicJwk(BTreeMap<&'static str, String>);

impl PublicJwk {
    pub(super) fn of(key: &PKey<Public>) -> Result<Self, ErrorStack> {
        let encode = |number: &BigNumRef| base64url::encode(&number.to_vec());
        if let Ok(rsa) = key.rsa() {
            let [n, e] = [encode(rsa.n()), encode(rsa.e())];
            return Ok(Self([("kty", "RSA".to_owned()), ("n", n), ("e", e)].into()));
        }
        let key = key.ec_key()?;
        let [x, y] =
            coordinates(key.group(), key.public_key())?.map(|coordinate| base64url::encode(&coordinate));
        Ok(Self([("kty", "EC".to_owned()), ("crv", "P-256".to_owned()), ("x", x), ("y", y)].into()))
    }

    fn thumbprint(&self) -> String {
        base64url::encode(&sha256(json!(self.0).to_string().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use josekit::{
        jwk::{Jwk, JwkSet},
        jws::{ES256, JwsContext, JwsHeader, JwsVerifier, RS256},
    };
    use openssl::rsa::Rsa;

    use super::*;

    fn rsa() -> SigningKey {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        SigningKey::from_pem(&key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    fn published_names(key: &Jwk) -> Vec<&str> {
        let mut names: Vec<_> = key.as_ref().keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn each_published_key_verifies_what_its_key_signs() {
        let keys = [SigningKey::generate().unwrap().with_id("g2"), rsa().with_id("g1")];
        let set = JwkSet::from_bytes(jwks(&keys)).unwrap();
        assert_eq!(set.keys().len(), 2);
        for (key, published) in keys.iter().zip(set.keys()) {
            assert_eq!((published.key_id(), published.key_use()), (key.id(), Some("sig")));
            let verifier: Box<dyn JwsVerifier> = match published.algorithm() {
                Some("ES256") => Box::new(ES256.verifier_from_jwk(published).unwrap()),
                _ => Box::new(RS256.verifier_from_jwk(published).unwrap()),
            };
            let mut header = JwsHeader::new();
            header.set_key_id(key.id().unwrap());
            let token = JwsContext::new().serialize_compact(b"x", &header, &*key.signer).unwrap();
            assert!(JwsContext::new().deserialize_compact(token, &*verifier).is_ok());
        }
    }

    #[test]
    fn no_private_member_is_published() {
        let set = JwkSet::from_bytes(jwks(&[SigningKey::generate().unwrap(), rsa()])).unwrap();
        let names: Vec<_> = set.keys().into_iter().map(published_names).collect();
        assert_eq!(names[0], ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(names[1], ["alg", "e", "kid", "kty", "n", "use"]);
    }

    #[test]
    fn without_keys_the_set_is_empty() {
        assert_eq!(jwks(&[]), br#"{"keys":[]}"#);
    }

    /// Of about 128 new keys, one has a coordinate that begins with a zero byte.
    #[test]
    fn coordinates_have_their_full_length() {
        let coordinates =
            |key: &SigningKey| ["x", "y"].map(|name| base64url::decode(&key.jwk.0[name]).unwrap());
        let mut keys = std::iter::repeat_with(|| SigningKey::generate().unwrap()).take(5_000);
        let zero = keys.find(|key| coordinates(key).iter().any(|coordinate| coordinate[0] == 0)).unwrap();
        assert!(coordinates(&zero).iter().all(|coordinate| coordinate.len() == 32));
    }

    /// The example of RFC 7638, section 3.1.
    #[test]
    fn a_thumbprint_is_that_of_the_rfc() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicJwk(
            [("n", n), ("kty", "RSA"), ("e", "AQAB")].map(|(name, value)| (name, value.to_owned())).into(),
        );
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
