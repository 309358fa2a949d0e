//! `ECDH-ES` on P-256 with direct agreement (RFC 7518, section 4.6).
//!
//! josekit turns the ephemeral key into DER and lets OpenSSL parse it again, which takes longer than
//! the agreement itself (docs/performance.md).

use std::{borrow::Cow, fmt};

use josekit::{
    JoseError, Value,
    jwe::{ECDH_ES, JweAlgorithm, JweContentEncryption, JweDecrypter, JweEncrypter, JweHeader},
};
use openssl::{
    bn::{BigNum, BigNumContext, BigNumRef},
    ec::{EcGroupRef, EcKey, EcPoint, EcPointRef},
    error::ErrorStack,
    pkey::{Private, Public},
    sha::Sha256,
};
use serde_json::json;

use super::base64url;

/// Bytes of a coordinate, leading zeros included (RFC 7518, section 6.2.1.2).
const COORDINATE_BYTES: i32 = 32;

const KEY_TYPE: &str = "EC";
const CURVE: &str = "P-256";

/// Agrees on a key with the holder of the other half of this one.
#[derive(Clone)]
pub(super) struct Encrypter(pub(super) EcKey<Public>);

/// Agrees on the same key, from what the header says.
#[derive(Clone)]
pub(super) struct Decrypter(pub(super) EcKey<Private>);

impl JweEncrypter for Encrypter {
    fn algorithm(&self) -> &dyn JweAlgorithm {
        &ECDH_ES
    }

    fn key_id(&self) -> Option<&str> {
        None
    }

    fn compute_content_encryption_key(
        &self,
        encryption: &dyn JweContentEncryption,
        _: &JweHeader,
        header: &mut JweHeader,
    ) -> Result<Option<Cow<'_, [u8]>>, JoseError> {
        let group = self.0.group();
        let agreed = EcKey::generate(group).and_then(|ephemeral| {
            let point = coordinates(group, ephemeral.public_key())?;
            Ok((point, agree(group, self.0.public_key(), ephemeral.private_key())?))
        });
        let ([x, y], secret) = agreed.map_err(|_| refused())?;
        let [x, y] = [x, y].map(|coordinate| base64url::encode(&coordinate));
        header.set_claim("epk", Some(json!({ "kty": KEY_TYPE, "crv": CURVE, "x": x, "y": y })))?;
        derive(&secret, encryption, header).map(|key| Some(Cow::Owned(key)))
    }

    fn encrypt(&self, _: &[u8], _: &JweHeader, _: &mut JweHeader) -> Result<Option<Vec<u8>>, JoseError> {
        Ok(None)
    }

    fn box_clone(&self) -> Box<dyn JweEncrypter> {
        Box::new(self.clone())
    }
}

impl JweDecrypter for Decrypter {
    fn algorithm(&self) -> &dyn JweAlgorithm {
        &ECDH_ES
    }

    fn key_id(&self) -> Option<&str> {
        None
    }

    fn decrypt(
        &self,
        encrypted_key: Option<&[u8]>,
        encryption: &dyn JweContentEncryption,
        header: &JweHeader,
    ) -> Result<Cow<'_, [u8]>, JoseError> {
        if encrypted_key.is_some() {
            return Err(refused());
        }
        let ephemeral = ephemeral_key(self.0.group(), header).ok_or_else(refused)?;
        let secret = agree(self.0.group(), &ephemeral, self.0.private_key()).map_err(|_| refused())?;
        derive(&secret, encryption, header).map(Cow::Owned)
    }

    fn box_clone(&self) -> Box<dyn JweDecrypter> {
        Box::new(self.clone())
    }
}

/// The header's `epk`. It is whatever a stranger sent: a point on another curve would give away the
/// private key bit by bit. OpenSSL refuses one when it reads it, and on P-256, whose cofactor is 1,
/// every point on the curve is one of the group.
fn ephemeral_key(group: &EcGroupRef, header: &JweHeader) -> Option<EcPoint> {
    let key = header.claim("epk")?.as_object()?;
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    let coordinate = |member| {
        base64url::decode(text(member)?).filter(|bytes| i32::try_from(bytes.len()) == Ok(COORDINATE_BYTES))
    };
    if text("kty") != Some(KEY_TYPE) || text("crv") != Some(CURVE) {
        return None;
    }
    let uncompressed = [&[4][..], &coordinate("x")?, &coordinate("y")?].concat();
    EcPoint::from_bytes(group, &uncompressed, &mut *BigNumContext::new().ok()?).ok()
}

/// The shared secret: the first coordinate of the product. OpenSSL multiplies by a secret number in
/// constant time, and its own ECDH is this call.
fn agree(group: &EcGroupRef, public: &EcPointRef, private: &BigNumRef) -> Result<Vec<u8>, ErrorStack> {
    let mut product = EcPoint::new(group)?;
    product.mul2(group, public, private, &mut *BigNumContext::new_secure()?)?;
    coordinates(group, &product).map(|[x, _]| x)
}

/// Both coordinates of a point, in full length.
pub(super) fn coordinates(group: &EcGroupRef, point: &EcPointRef) -> Result<[Vec<u8>; 2], ErrorStack> {
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    point.affine_coordinates(group, &mut x, &mut y, &mut *BigNumContext::new()?)?;
    Ok([x.to_vec_padded(COORDINATE_BYTES)?, y.to_vec_padded(COORDINATE_BYTES)?])
}

/// The key for the content (RFC 7518, section 4.6.2): one round of SHA-256, which is enough for keys of
/// up to 32 bytes.
fn derive(
    secret: &[u8],
    encryption: &dyn JweContentEncryption,
    header: &JweHeader,
) -> Result<Vec<u8>, JoseError> {
    let party = |parameter| match header.claim(parameter) {
        None => Ok(Vec::new()),
        Some(value) => value.as_str().and_then(base64url::decode).ok_or_else(refused),
    };
    let mut hash = Sha256::new();
    hash.update(&1_u32.to_be_bytes());
    hash.update(secret);
    for field in [encryption.name().as_bytes(), &party("apu")?, &party("apv")?] {
        hash.update(&length(field.len())?);
        hash.update(field);
    }
    hash.update(&length(encryption.key_len() * 8)?);
    let key = hash.finish();
    key.get(..encryption.key_len()).map(<[u8]>::to_vec).ok_or_else(refused)
}

fn length(value: usize) -> Result<[u8; 4], JoseError> {
    u32::try_from(value).map(u32::to_be_bytes).map_err(|_| refused())
}

/// Whatever went wrong.
fn refused() -> JoseError {
    JoseError::InvalidJweFormat(std::io::Error::other("refused").into())
}

impl fmt::Debug for Encrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypter(redacted)")
    }
}

impl fmt::Debug for Decrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decrypter(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use josekit::jwe::JweContext;
    use openssl::{ec::EcGroup, nid::Nid};

    use super::{super::content::TagFirst, *};

    fn key(curve: Nid) -> EcKey<Private> {
        EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()
    }

    fn pair() -> (Encrypter, Decrypter) {
        let key = key(Nid::X9_62_PRIME256V1);
        let public = EcKey::from_public_key(key.group(), key.public_key()).unwrap();
        (Encrypter(public), Decrypter(key))
    }

    fn header() -> JweHeader {
        let mut header = JweHeader::new();
        header.set_content_encryption("A128CBC-HS256");
        header
    }

    /// RFC 7518, appendix C, which derives a key of 128 bits for `A128GCM`.
    #[test]
    fn the_key_is_that_of_the_rfc() {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let mut context = BigNumContext::new().unwrap();
        let private = base64url::decode("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw").unwrap();
        let private = BigNum::from_slice(&private).unwrap();
        let mut public = EcPoint::new(&group).unwrap();
        public.mul_generator2(&group, &private, &mut context).unwrap();
        let decrypter = Decrypter(EcKey::from_private_components(&group, &private, &public).unwrap());
        let mut header = JweHeader::new();
        let epk = json!({
            "kty": "EC", "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        });
        header.set_claim("epk", Some(epk)).unwrap();
        header.set_claim("apu", Some(json!("QWxpY2U"))).unwrap();
        header.set_claim("apv", Some(json!("Qm9i"))).unwrap();
        let key = decrypter.decrypt(None, &josekit::jwe::enc::A128GCM, &header).unwrap();
        assert_eq!(base64url::encode(&key), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn josekit_agrees_in_both_directions() {
        let (encrypter, decrypter) = pair();
        let other_encrypter = ECDH_ES.encrypter_from_der(encrypter.0.public_key_to_der().unwrap()).unwrap();
        let der = openssl::pkey::PKey::from_ec_key(decrypter.0.clone()).unwrap().private_key_to_pkcs8();
        let other_decrypter = ECDH_ES.decrypter_from_der(der.unwrap()).unwrap();
        let context = JweContext::new();
        for _ in 0..300 {
            let token = context.serialize_compact(b"hello", &header(), &encrypter).unwrap();
            assert_eq!(context.deserialize_compact(&token, &other_decrypter).unwrap().0, b"hello");
            let token = context.serialize_compact(b"hello", &header(), &other_encrypter).unwrap();
            assert_eq!(context.deserialize_compact(&token, &decrypter).unwrap().0, b"hello");
        }
    }

    #[test]
    fn what_is_no_point_of_the_curve_is_refused() {
        let (encrypter, decrypter) = pair();
        let mut good = header();
        encrypter.compute_content_encryption_key(&TagFirst, &header(), &mut good).unwrap();
        assert!(decrypter.decrypt(None, &TagFirst, &good).is_ok());
        assert!(decrypter.decrypt(Some(b""), &TagFirst, &good).is_err());
        let [x, y] = ["x", "y"].map(|name| good.claim("epk").unwrap()[name].as_str().unwrap().to_owned());
        let other = key(Nid::SECP256K1);
        let [other_x, other_y] =
            coordinates(other.group(), other.public_key()).unwrap().map(|x| base64url::encode(&x));
        let zero = base64url::encode(&[0; 32]);
        let ones = base64url::encode(&[255; 32]);
        for epk in [
            json!({ "kty": "EC", "crv": "P-256", "x": y, "y": x }),
            json!({ "kty": "EC", "crv": "P-256", "x": other_x, "y": other_y }),
            json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero }),
            json!({ "kty": "EC", "crv": "P-256", "x": ones, "y": ones }),
            json!({ "kty": "EC", "crv": "P-256", "x": "", "y": "" }),
            json!({ "kty": "EC", "crv": "P-256", "x": format!("AA{x}"), "y": y }),
            json!({ "kty": "EC", "crv": "P-256", "x": x }),
            json!({ "kty": "EC", "crv": "P-256", "x": 1, "y": y }),
            json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y }),
            json!({ "kty": "OKP", "crv": "P-256", "x": x, "y": y }),
            json!({ "x": x, "y": y }),
            json!("epk"),
            Value::Null,
        ] {
            let mut forged = header();
            forged.set_claim("epk", Some(epk.clone())).unwrap();
            assert!(decrypter.decrypt(None, &TagFirst, &forged).is_err(), "{epk}");
        }
        assert!(decrypter.decrypt(None, &TagFirst, &header()).is_err());
        for (parameter, value) in [("apu", json!(1)), ("apv", json!("=="))] {
            let mut forged = good.clone();
            if forged.set_claim(parameter, Some(value)).is_ok() {
                assert!(decrypter.decrypt(None, &TagFirst, &forged).is_err(), "{parameter}");
            }
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let (encrypter, decrypter) = pair();
        assert_eq!(format!("{encrypter:?} {decrypter:?}"), "Encrypter(redacted) Decrypter(redacted)");
    }
}
