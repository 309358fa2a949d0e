use josekit::{
    Value,
    jwe::{ECDH_ES, enc::A256CBC_HS512},
    jws::HS256,
};
use openssl::{pkey::PKey, rsa::Rsa};

use super::{super::base64url, *};

const NOW: UnixSeconds = 1_800_000_000;

struct Keys {
    signing: SigningKey,
    decryption: DecryptionKey,
}

impl Keys {
    fn p256() -> Self {
        Self { signing: SigningKey::generate().unwrap(), decryption: DecryptionKey::generate().unwrap() }
    }

    fn rsa() -> Self {
        let pem = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap().private_key_to_pem_pkcs8().unwrap();
        Self {
            signing: SigningKey::from_pem(&pem).unwrap(),
            decryption: DecryptionKey::from_pem(&pem).unwrap(),
        }
    }

    fn issue(&self, dialect: Dialect, outcome: &AuthenticationOutcome) -> ResultToken {
        let result =
            NewResult { dialect, outcome, session_url: Some("https://auth.example/s/1"), not_after: None };
        issue(&result, &self.signing, self.decryption.encryption_key(), NOW).unwrap()
    }

    fn open_at(&self, token: &str, now: UnixSeconds) -> Result<AuthenticationResult, TokenError> {
        let token = ResultToken::new(token.to_owned());
        open(&token, std::slice::from_ref(&self.decryption), self.signing.verification_key(), now)
    }

    fn open(&self, token: &str) -> Result<AuthenticationResult, TokenError> {
        self.open_at(token, NOW)
    }

    /// Signs and encrypts any claims, as a plugin that holds the right keys but errs would.
    fn wrap(&self, claims: &str) -> String {
        let njwt = sign(claims.as_bytes(), &self.signing).unwrap();
        self.encrypt(&njwt)
    }

    fn encrypt(&self, njwt: &str) -> String {
        let envelope = Envelope { njwt: njwt.to_owned() };
        seal(&envelope, self.decryption.encryption_key()).unwrap().expose().to_owned()
    }

    fn inner_header(&self, token: &ResultToken) -> Header {
        header(&decrypt(token.expose(), &self.decryption).unwrap().njwt)
    }

    fn claims(&self, token: &str) -> String {
        let envelope = decrypt(token, &self.decryption).unwrap();
        let payload = Jws::parse(&envelope.njwt).unwrap().verify(self.signing.verification_key());
        String::from_utf8(payload.unwrap()).unwrap()
    }
}

fn success() -> AuthenticationOutcome {
    let attributes = [("email", "anna@example.nl"), ("bsn", "999990019")];
    AuthenticationOutcome::Success {
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

fn claims(changed: &str) -> String {
    format!(r#"{{"status":"succes","attributes":{{}},"iat":{NOW},"exp":{}{changed}}}"#, NOW + 300)
}

#[test]
fn what_is_issued_opens() {
    for keys in [Keys::p256(), Keys::rsa()] {
        for dialect in [Dialect::IdContact, Dialect::VerderHelpen] {
            for outcome in [success(), AuthenticationOutcome::Failed] {
                let opened = keys.open(keys.issue(dialect, &outcome).expose()).unwrap();
                let expected = AuthenticationResult {
                    dialect,
                    outcome,
                    session_url: Some("https://auth.example/s/1".into()),
                    issued_at: NOW,
                    expires_at: NOW + 300,
                };
                assert_eq!(opened, expected);
            }
        }
    }
}

#[test]
fn claims_are_spelled_as_each_dialect_has_them() {
    let keys = Keys::p256();
    let tail = r#""session_url":"https://auth.example/s/1","iat":1800000000,"exp":1800000300}"#;
    let attributes = r#""attributes":{"bsn":"999990019","email":"anna@example.nl"}"#;
    for (dialect, outcome, expected) in [
        (
            Dialect::IdContact,
            success(),
            format!(r#"{{"sub":"id-contact-attributes","status":"succes",{attributes},{tail}"#),
        ),
        (
            Dialect::IdContact,
            AuthenticationOutcome::Failed,
            format!(r#"{{"sub":"id-contact-attributes","status":"failed",{tail}"#),
        ),
        (
            Dialect::VerderHelpen,
            success(),
            format!(r#"{{"sub":"verder-helpen-attributes","status":"success",{attributes},{tail}"#),
        ),
        (
            Dialect::VerderHelpen,
            AuthenticationOutcome::Failed,
            format!(r#"{{"sub":"verder-helpen-attributes","status":"failed","attributes":{{}},{tail}"#),
        ),
    ] {
        assert_eq!(keys.claims(keys.issue(dialect, &outcome).expose()), expected);
    }
}

#[test]
fn headers_are_those_of_the_ecosystem() {
    let keys = Keys::p256();
    let token = keys.issue(Dialect::IdContact, &success());
    let header = header(token.expose());
    for (parameter, value) in [("typ", "JWT"), ("cty", "JWT"), ("enc", "A128CBC-HS256"), ("alg", "ECDH-ES")] {
        assert_eq!(header.text(parameter), Some(value));
    }
    let inner = keys.inner_header(&token);
    assert_eq!((inner.text("typ"), inner.text("alg")), (Some("JWT"), Some("ES256")));
    assert!(header.refuse("kid").is_ok() && inner.refuse("kid").is_ok());

    let named = Keys { signing: keys.signing.with_id("g1"), ..keys };
    let token = named.issue(Dialect::IdContact, &success());
    assert_eq!(named.inner_header(&token).text("kid"), Some("g1"));
}

fn header(token: &str) -> Header {
    Header::parse(token.split('.').next().unwrap()).unwrap()
}

#[test]
fn a_result_is_about_as_long_as_protocol_md_says() {
    let one = AuthenticationOutcome::Success {
        attributes: [("email".to_owned(), "a@example.nl".to_owned())].into_iter().collect(),
    };
    let length = Keys::p256().issue(Dialect::IdContact, &one).expose().len();
    assert!((780..=900).contains(&length), "{length}");
}

#[test]
fn times_are_required_typed_and_sixty_seconds_lenient() {
    let keys = Keys::p256();
    let token = keys.wrap(&claims(""));
    for (now, expected) in [
        (NOW - 61, Some(TokenError::NotYetValid)),
        (NOW - 60, None),
        (NOW + 359, None),
        (NOW + 360, Some(TokenError::Expired)),
    ] {
        assert_eq!(keys.open_at(&token, now).err(), expected, "{now}");
    }
    let nbf = keys.wrap(&claims(&format!(r#","nbf":{}"#, NOW + 61)));
    assert_eq!(keys.open(&nbf).unwrap_err(), TokenError::NotYetValid);
    for times in [
        format!(r#""iat":{NOW}"#),
        format!(r#""exp":{NOW}"#),
        format!(r#""iat":"{NOW}","exp":"{NOW}""#),
        format!(r#""iat":{NOW},"exp":1e30"#),
        format!(r#""iat":{NOW},"exp":{NOW},"nbf":null"#),
        format!(r#""iat":-1,"exp":{NOW}"#),
        format!(r#""iat":{NOW},"exp":{}"#, NOW - 1),
        format!(r#""iat":null,"exp":{NOW}"#),
    ] {
        let token = keys.wrap(&format!(r#"{{"status":"failed",{times}}}"#));
        assert_eq!(keys.open(&token).unwrap_err(), TokenError::Claims, "{times}");
    }
    let huge = keys.wrap(&format!(r#"{{"status":"failed","iat":0,"exp":{}}}"#, u64::MAX));
    assert!(keys.open(&huge).is_ok());
    assert_eq!(keys.open_at(&huge, u64::MAX).unwrap_err(), TokenError::Expired);
}

#[test]
fn times_may_have_a_fraction() {
    let keys = Keys::p256();
    let token = keys.wrap(&format!(r#"{{"status":"failed","iat":{NOW}.9,"exp":{NOW}.9}}"#));
    let opened = keys.open(&token).unwrap();
    assert_eq!((opened.issued_at, opened.expires_at), (NOW, NOW));
}

#[test]
fn a_result_never_lives_longer_than_it_was_told_to() {
    let keys = Keys::p256();
    let (outcome, signing) = (success(), &keys.signing);
    let new = |not_after| NewResult {
        dialect: Dialect::IdContact,
        outcome: &outcome,
        session_url: None,
        not_after: Some(not_after),
    };
    for (not_after, times) in [
        (NOW + 299, Ok((NOW, NOW + 299))),
        (NOW + 300, Ok((NOW, NOW + 300))),
        (NOW + 9_000, Ok((NOW, NOW + 300))),
        // Within the minute of grace, and after it.
        (NOW - 59, Ok((NOW - 59, NOW - 59))),
        (NOW - 60, Err(TokenError::Expired)),
    ] {
        let token = issue(&new(not_after), signing, keys.decryption.encryption_key(), NOW).unwrap();
        let opened = keys.open(token.expose()).map(|result| (result.issued_at, result.expires_at));
        assert_eq!(opened, times, "{not_after}");
    }
}

#[test]
fn every_key_opens_and_none_tells_why_it_does_not() {
    let (keys, rsa, other) = (Keys::p256(), Keys::rsa(), Keys::p256());
    let open_with = |token: &str, decryption: &[&Keys]| {
        let decryption: Vec<_> = decryption.iter().map(|keys| keys.decryption.clone()).collect();
        let token = ResultToken::new(token.to_owned());
        open(&token, &decryption, keys.signing.verification_key(), NOW).err()
    };
    let token = keys.wrap(&claims(""));
    let forged = token.replace('.', ".A");
    let mut changed = token.clone();
    changed.replace_range(token.len() - 3.., if token.ends_with("AAA") { "BBA" } else { "AAA" });
    for set in [[&keys, &other, &rsa], [&other, &keys, &rsa], [&rsa, &other, &keys]] {
        assert_eq!(open_with(&token, &set), None);
        assert_eq!(open_with(&changed, &set), Some(TokenError::Undecryptable));
        assert_eq!(open_with(&forged, &set), Some(TokenError::Malformed));
    }
    for set in [[&other, &rsa], [&rsa, &other]] {
        assert_eq!(open_with(&token, &set), Some(TokenError::Undecryptable));
    }
    // What the header says openly.
    for set in [[].as_slice(), &[&rsa], &[&rsa, &rsa]] {
        assert_eq!(open_with(&token, set), Some(TokenError::Header("alg")));
    }
    // What a key opens is not offered to the next one.
    assert_eq!(open_with(&keys.encrypt("x"), &[&keys, &other]), Some(TokenError::Malformed));
}

#[test]
fn a_header_parameter_that_comes_twice_is_refused_in_both_layers() {
    let keys = Keys::p256();
    let token = keys.wrap(&claims(""));
    let twice = |parameter: &str, token: &str| {
        let (header, rest) = token.split_once('.').unwrap();
        let json = String::from_utf8(base64url::decode(header).unwrap()).unwrap();
        let json = json.replacen('{', &format!("{{{parameter},"), 1);
        format!("{}.{rest}", base64url::encode(json.as_bytes()))
    };
    let njwt = decrypt(&token, &keys.decryption).unwrap().njwt;
    for parameter in [r#""alg":"ES256""#, r#""typ":"JWT""#] {
        assert_eq!(keys.open(&twice(parameter, &token)).unwrap_err(), TokenError::Malformed);
        let inner = keys.encrypt(&twice(parameter, &njwt));
        assert_eq!(keys.open(&inner).unwrap_err(), TokenError::Malformed);
    }
}

#[test]
fn rsa1_5_is_refused() {
    let keys = Keys::rsa();
    let token = keys.wrap(&claims(""));
    let (_, rest) = token.split_once('.').unwrap();
    let header = base64url::encode(br#"{"alg":"RSA1_5","enc":"A128CBC-HS256","typ":"JWT","cty":"JWT"}"#);
    assert_eq!(keys.open(&format!("{header}.{rest}")).unwrap_err(), TokenError::Header("alg"));
}

#[test]
fn claims_of_another_shape_are_refused() {
    let keys = Keys::p256();
    let times = format!(r#""iat":{NOW},"exp":{NOW}"#);
    for claims in [
        format!(r#"{{"status":"succes",{times}}}"#),
        format!(r#"{{"status":"ok","attributes":{{}},{times}}}"#),
        format!(r#"{{"attributes":{{}},{times}}}"#),
        format!(r#"{{"status":"succes","attributes":{{"age":18}},{times}}}"#),
        format!(r#"{{"status":"succes","attributes":{{"age":null}},{times}}}"#),
        format!(r#"{{"status":"succes","attributes":[],{times}}}"#),
        format!(r#"{{"status":"succes","attributes":{{}},"session_url":1,{times}}}"#),
        format!(r#"{{"status":"failed",{times}}} "#) + "x",
        "[]".into(),
        String::new(),
    ] {
        assert_eq!(keys.open(&keys.wrap(&claims)).unwrap_err(), TokenError::Claims, "{claims}");
    }
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    let keys = Keys::p256();
    for twice in [r#","status":"failed""#, r#","exp":1900000000"#, r#","iat":1"#, r#","attributes":{}"#] {
        assert_eq!(keys.open(&keys.wrap(&claims(twice))).unwrap_err(), TokenError::Claims, "{twice}");
    }
    let attribute = format!(
        r#"{{"status":"succes","attributes":{{"bsn":"1","bsn":"2"}},"iat":{NOW},"exp":{}}}"#,
        NOW + 300
    );
    assert_eq!(keys.open(&keys.wrap(&attribute)).unwrap_err(), TokenError::Claims);
}

#[test]
fn unknown_claims_are_ignored() {
    let keys = Keys::p256();
    assert!(keys.open(&keys.wrap(&claims(r#","iss":"x","extra":[1]"#))).is_ok());
}

#[test]
fn failure_in_either_dialect_is_recognised() {
    let keys = Keys::p256();
    for (claims, dialect) in [
        (r#""sub":"id-contact-attributes""#, Dialect::IdContact),
        (r#""sub":"verder-helpen-attributes""#, Dialect::VerderHelpen),
        (r#""attributes":{}"#, Dialect::VerderHelpen),
        (r#""sub":"else""#, Dialect::IdContact),
    ] {
        let token = keys.wrap(&format!(r#"{{"status":"failed","iat":{NOW},"exp":{NOW},{claims}}}"#));
        assert_eq!(keys.open(&token).unwrap().dialect, dialect, "{claims}");
    }
}

#[test]
fn forged_signatures_are_refused() {
    let keys = Keys::p256();
    let claims = claims("");
    let own = sign(claims.as_bytes(), &keys.signing).unwrap();
    let (_, payload) = own.split_once('.').unwrap();

    // {"typ":"JWT","alg":"none"}
    let none = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{}.", payload.split_once('.').unwrap().0);
    assert_eq!(keys.open(&keys.encrypt(&none)).unwrap_err(), TokenError::Header("alg"));

    // The public key as the secret of an HMAC, as DER and as PEM.
    let public = &keys.signing.verification_key().der;
    let pem = PKey::public_key_from_der(public).unwrap().public_key_to_pem().unwrap();
    for secret in [public, &pem] {
        let hs256 = HS256.signer_from_bytes(secret).unwrap();
        let hmac = JwsContext::new().serialize_compact(claims.as_bytes(), &JwsHeader::new(), &hs256).unwrap();
        assert_eq!(keys.open(&keys.encrypt(&hmac)).unwrap_err(), TokenError::Header("alg"));
    }

    let other = sign(claims.as_bytes(), &SigningKey::generate().unwrap()).unwrap();
    assert_eq!(keys.open(&keys.encrypt(&other)).unwrap_err(), TokenError::Signature);

    let cut = own.split_at(own.len() - 10).0;
    assert_eq!(keys.open(&keys.encrypt(cut)).unwrap_err(), TokenError::Signature);

    let zeros = format!("{}.{}", own.rsplit_once('.').unwrap().0, "A".repeat(86));
    assert_eq!(keys.open(&keys.encrypt(&zeros)).unwrap_err(), TokenError::Signature);

    for njwt in ["", "x", "a.b", "a.b.c.d", &keys.encrypt(&own)] {
        assert_eq!(keys.open(&keys.encrypt(njwt)).unwrap_err(), TokenError::Malformed, "{njwt}");
    }
}

#[test]
fn critical_extensions_and_other_types_are_refused_in_both_layers() {
    let keys = Keys::p256();
    for (parameter, value) in [("crit", Value::from(vec!["exp"])), ("typ", Value::from("at+jwt"))] {
        let mut inner = JwsHeader::new();
        inner.set_claim(parameter, Some(value.clone())).unwrap();
        let njwt = JwsContext::new()
            .serialize_compact(claims("").as_bytes(), &inner, &*keys.signing.signer)
            .unwrap();
        assert_eq!(keys.open(&keys.encrypt(&njwt)).unwrap_err(), TokenError::Header(parameter));

        let mut outer = JweHeader::new();
        outer.set_content_encryption(ENC);
        outer.set_claim(parameter, Some(value)).unwrap();
        let token = JweContext::new()
            .serialize_compact(b"{}", &outer, &*keys.decryption.encryption_key().encrypter)
            .unwrap();
        assert_eq!(keys.open(&token).unwrap_err(), TokenError::Header(parameter));
    }
}

#[test]
fn other_encryptions_and_compression_are_refused() {
    let keys = Keys::p256();
    let encrypter = &ECDH_ES.encrypter_from_der(&keys.decryption.encryption_key().der).unwrap();
    for (enc, zip, why) in [
        ("A256GCM", None, "enc"),
        ("A128GCM", None, "enc"),
        (A256CBC_HS512.name(), None, "enc"),
        (ENC, Some("DEF"), "zip"),
    ] {
        let mut header = JweHeader::new();
        header.set_content_encryption(enc);
        if let Some(zip) = zip {
            header.set_compression(zip);
        }
        let token = JweContext::new().serialize_compact(&vec![b' '; 100_000], &header, encrypter).unwrap();
        let refused = keys.open(&token).unwrap_err();
        // GCM's vector of 12 bytes and the tag of 32 are refused by their lengths already.
        assert!([TokenError::Header(why), TokenError::Malformed, TokenError::TooLarge].contains(&refused));
    }
    // 200 MB in 259 KB would be longer than a token may be; what is shorter is refused by its header.
    let mut bomb = JweHeader::new();
    bomb.set_content_encryption(ENC);
    bomb.set_compression("DEF");
    let token = JweContext::new().serialize_compact(&vec![b' '; 20_000_000], &bomb, encrypter).unwrap();
    assert!(token.len() < MAX_TOKEN_BYTES, "{}", token.len());
    assert_eq!(keys.open(&token).unwrap_err(), TokenError::Header("zip"));
    use josekit::jwe::JweContentEncryption;
    assert!(JWE.get_compression("DEF").is_none() && JWE.get_content_encryption("A128GCM").is_none());
}

#[test]
fn an_exchanged_header_does_not_open() {
    let keys = Keys::p256();
    let token = keys.wrap(&claims(""));
    let (_, rest) = token.split_once('.').unwrap();
    for (header, why) in [
        // {"alg":"dir","enc":"A128CBC-HS256"}
        ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0", TokenError::Header("alg")),
        // {"alg":"ECDH-ES","enc":"A128GCM"}
        ("eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSJ9", TokenError::Header("enc")),
        // {"alg":"ECDH-ES","enc":"A128CBC-HS256","zip":"DEF"}
        ("eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOENCQy1IUzI1NiIsInppcCI6IkRFRiJ9", TokenError::Header("zip")),
        // {"alg":"ECDH-ES","enc":"A128CBC-HS256"}: no ephemeral key
        ("eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOENCQy1IUzI1NiJ9", TokenError::Undecryptable),
        ("e30", TokenError::Header("alg")),
        ("W10", TokenError::Malformed),
        ("", TokenError::Malformed),
    ] {
        assert_eq!(keys.open(&format!("{header}.{rest}")).unwrap_err(), why, "{header}");
    }
}

#[test]
fn nothing_can_be_learnt_from_how_decryption_fails() {
    for keys in [Keys::p256(), Keys::rsa()] {
        let token = keys.wrap(&claims(""));
        let parts: Vec<&str> = token.split('.').collect();
        for index in 1..5 {
            for position in [0, parts[index].len() / 2, parts[index].len().saturating_sub(2)] {
                let mut forged: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                let Some(old) = parts[index].get(position..=position) else { continue };
                forged[index].replace_range(position..=position, if old == "A" { "B" } else { "A" });
                assert_eq!(keys.open(&forged.join(".")).unwrap_err(), TokenError::Undecryptable);
            }
        }
        let stranger = Keys { decryption: DecryptionKey::generate().unwrap(), signing: keys.signing.clone() };
        assert!(matches!(
            stranger.open(&token).unwrap_err(),
            TokenError::Undecryptable | TokenError::Header("alg")
        ));
    }
}

#[test]
fn cut_tags_vectors_and_parts_are_refused_before_anything_is_decrypted() {
    let keys = Keys::p256();
    let token = keys.wrap(&claims(""));
    let parts: Vec<&str> = token.split('.').collect();
    let [header, key, vector, text, tag] = parts.as_slice() else { unreachable!() };
    for forged in [
        format!("{header}.{key}.{vector}.{text}.{}", &tag[..16]),
        format!("{header}.{key}.{vector}.{text}.{}", &tag[..2]),
        format!("{header}.{key}.{vector}.{text}."),
        format!("{header}.{key}.{vector}.{text}.{tag}{tag}"),
        format!("{header}.{key}..{text}.{tag}"),
        format!("{header}.{key}.{}.{text}.{tag}", &vector[..8]),
        format!("{header}.{key}.{vector}.{text}"),
        format!("{token}."),
        format!("{token}\n"),
        String::new(),
    ] {
        assert_eq!(keys.open(&forged).unwrap_err(), TokenError::Malformed, "{forged}");
    }
    let mut padded = format!("{header}.{key}.{vector}.{text}.{tag}");
    padded.replace_range(padded.len() - 22.., &"=".repeat(22));
    assert_eq!(keys.open(&padded).unwrap_err(), TokenError::Undecryptable);
    assert_eq!(keys.open(&"A".repeat(MAX_TOKEN_BYTES + 1)).unwrap_err(), TokenError::TooLarge);
}

#[test]
fn an_envelope_of_another_shape_is_refused() {
    let keys = Keys::p256();
    let encrypter = ECDH_ES
        .encrypter_from_pem(
            openssl::ec::EcKey::generate(
                &openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap(),
            )
            .unwrap()
            .public_key_to_pem()
            .unwrap(),
        )
        .unwrap();
    let mut header = JweHeader::new();
    header.set_content_encryption(ENC);
    for payload in ["{}", "[]", "", r#"{"njwt":1}"#, r#"{"njwt":"a.b.c","njwt":"a.b.c"}"#] {
        let own = keys.decryption.encryption_key();
        let token = JWE.serialize_compact(payload.as_bytes(), &header, &*own.encrypter).unwrap();
        assert_eq!(keys.open(&token).unwrap_err(), TokenError::Malformed, "{payload}");
        let other = JWE.serialize_compact(payload.as_bytes(), &header, &encrypter).unwrap();
        assert_eq!(keys.open(&other).unwrap_err(), TokenError::Undecryptable);
    }
}

#[test]
fn debug_shows_no_attribute() {
    let keys = Keys::p256();
    let token = keys.issue(Dialect::IdContact, &success());
    let shown = format!("{:?} {token:?}", keys.open(token.expose()).unwrap());
    for secret in ["anna", "999990019", "email", "bsn", "auth.example", "eyJ"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
