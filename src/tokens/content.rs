//! `A128CBC-HS256` (RFC 7518, section 5.2.3) with the tag checked first.
//!
//! josekit decrypts before it checks the tag and reports bad padding and bad tags differently, takes
//! cut tags for GCM, and panics without an initialisation vector. Its context gets this content
//! encryption and no other.

use josekit::{
    JoseError,
    jwe::{JweContentEncryption, enc::A128CBC_HS256},
};
use openssl::{
    hash::MessageDigest,
    memcmp,
    pkey::PKey,
    sign::Signer,
    symm::{Cipher, decrypt},
};

const KEY_BYTES: usize = 32;
const IV_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// Its name in the header parameter `enc`.
pub(super) const ENC: &str = "A128CBC-HS256";

/// What base64url makes of a tag or an initialisation vector of 16 bytes.
pub(super) const ENCODED_BLOCK_BYTES: usize = 22;

#[derive(Debug, Clone, Copy)]
pub(super) struct TagFirst;

impl JweContentEncryption for TagFirst {
    fn name(&self) -> &str {
        ENC
    }

    fn key_len(&self) -> usize {
        KEY_BYTES
    }

    fn iv_len(&self) -> usize {
        IV_BYTES
    }

    fn encrypt(
        &self,
        key: &[u8],
        iv: Option<&[u8]>,
        message: &[u8],
        aad: &[u8],
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), JoseError> {
        A128CBC_HS256.encrypt(key, iv, message, aad)
    }

    fn decrypt(
        &self,
        key: &[u8],
        iv: Option<&[u8]>,
        ciphertext: &[u8],
        aad: &[u8],
        tag: Option<&[u8]>,
    ) -> Result<Vec<u8>, JoseError> {
        let plain = match (iv, tag) {
            (Some(iv), Some(tag)) if tag_matches(key, iv, ciphertext, aad, tag) => {
                // josekit would compute the tag once more.
                let (_, content_key) = key.split_at(KEY_BYTES / 2);
                decrypt(Cipher::aes_128_cbc(), content_key, Some(iv), ciphertext).ok()
            }
            _ => None,
        };
        plain.ok_or_else(|| JoseError::InvalidJweFormat(std::io::Error::other("refused").into()))
    }

    fn box_clone(&self) -> Box<dyn JweContentEncryption> {
        Box::new(*self)
    }
}

fn tag_matches(key: &[u8], iv: &[u8], ciphertext: &[u8], aad: &[u8], tag: &[u8]) -> bool {
    if key.len() != KEY_BYTES || iv.len() != IV_BYTES || tag.len() != TAG_BYTES {
        return false;
    }
    let (mac_key, _) = key.split_at(KEY_BYTES / 2);
    match authenticate(mac_key, iv, ciphertext, aad) {
        Ok(mac) => mac.get(..TAG_BYTES).is_some_and(|expected| memcmp::eq(expected, tag)),
        Err(_) => false,
    }
}

/// HMAC-SHA-256 over additional data, vector, ciphertext and the bits of additional data
/// (RFC 7518, section 5.2.2.1).
fn authenticate(
    mac_key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let key = PKey::hmac(mac_key)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    signer.update(aad)?;
    signer.update(iv)?;
    signer.update(ciphertext)?;
    signer.update(&(aad.len() as u64 * 8).to_be_bytes())?;
    signer.sign_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const IV: [u8; 16] = [9; 16];

    fn open(ciphertext: &[u8], iv: Option<&[u8]>, tag: Option<&[u8]>) -> Result<Vec<u8>, String> {
        TagFirst.decrypt(&KEY, iv, ciphertext, b"header", tag).map_err(|error| error.to_string())
    }

    #[test]
    fn every_forgery_gets_the_same_answer() {
        let (ciphertext, tag) = TagFirst.encrypt(&KEY, Some(&IV), b"sixteen bytes ..", b"header").unwrap();
        let tag = tag.unwrap();
        assert_eq!(open(&ciphertext, Some(&IV), Some(&tag)).unwrap(), b"sixteen bytes ..");

        let mut bad_tag = tag.clone();
        bad_tag[15] ^= 1;
        let mut bad_padding = ciphertext.clone();
        bad_padding[15] ^= 1;
        let refusal = open(&ciphertext, Some(&IV), Some(&bad_tag)).unwrap_err();
        for forged in [
            open(&bad_padding, Some(&IV), Some(&tag)),
            open(&ciphertext[..5], Some(&IV), Some(&tag)),
            open(&ciphertext, Some(&IV), Some(&tag[..12])),
            open(&ciphertext, Some(&IV), None),
            open(&ciphertext, None, Some(&tag)),
            open(&ciphertext, Some(&IV[..8]), Some(&tag)),
        ] {
            assert_eq!(forged.unwrap_err(), refusal);
        }
    }
}
