use josekit::jws::{EdDSA, HS256, JwsContext, JwsHeader, JwsSigner};
use openssl::{
    pkey::{PKey, Private},
    rsa::Rsa,
};
use serde_json::{Value, json};

use super::*;
use crate::tokens::{CLOCK_SKEW, SigningKey, base64url};

const NOW: UnixSeconds = 1_800_000_000;

#[derive(Debug, PartialEq, Deserialize)]
struct Request {
    purpose: String,
}

struct Initiator {
    signer: Box<dyn JwsSigner>,
    key: VerificationKey,
    /// The file that the gateway's operator has of it.
    public_pem: Vec<u8>,
}

impl Initiator {
    fn all() -> [Self; 3] {
        [Self::p256(), Self::rsa(), Self::ed25519()]
    }

    fn p256() -> Self {
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        Self::new(&key, SigningKey::from_pem(&pem).unwrap().signer)
    }

    fn rsa() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        Self::new(&key, SigningKey::from_pem(&pem).unwrap().signer)
    }

    fn ed25519() -> Self {
        let key = PKey::generate_ed25519().unwrap();
        let signer = EdDSA.signer_from_pem(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        Self::new(&key, Box::new(signer))
    }

    fn new(key: &PKey<Private>, signer: Box<dyn JwsSigner>) -> Self {
        let public_pem = key.public_key_to_pem().unwrap();
        Self { signer, key: VerificationKey::from_pem(&public_pem).unwrap(), public_pem }
    }

    fn sign(&self, payload: &str) -> String {
        self.sign_with(&[("kid", json!("chat"))], payload)
    }

    fn sign_with(&self, parameters: &[(&str, Value)], payload: &str) -> String {
        sign(&*self.signer, parameters, payload)
    }

    /// Signs a header exactly as it is written, whatever it claims to be.
    fn sign_text(&self, header: &str, payload: &str) -> String {
        let message =
            format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()));
        let signature = self.signer.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", base64url::encode(&signature))
    }

    fn open_at(&self, token: &str, now: UnixSeconds) -> Result<Request, TokenError> {
        let key_of = |kid: &str| (kid == "chat").then_some((7, &self.key));
        open_signed(token, key_of, now).map(|(initiator, request)| {
            assert_eq!(initiator, 7);
            request
        })
    }

    fn open(&self, token: &str) -> Result<Request, TokenError> {
        self.open_at(token, NOW)
    }
}

fn sign(signer: &dyn JwsSigner, parameters: &[(&str, Value)], payload: &str) -> String {
    let mut header = JwsHeader::new();
    for (name, value) in parameters {
        header.set_claim(name, Some(value.clone())).unwrap();
    }
    JwsContext::new().serialize_compact(payload.as_bytes(), &header, signer).unwrap()
}

/// A payload with these claims besides the request.
fn payload(claims: &str) -> String {
    format!(r#"{{"request":{{"purpose":"report_move"}}{claims}}}"#)
}

fn good() -> String {
    payload(&format!(r#","iat":{NOW},"exp":{}"#, NOW + 300))
}

#[test]
fn each_kind_of_key_opens_what_its_other_half_signed() {
    for initiator in Initiator::all() {
        let expected = Request { purpose: "report_move".into() };
        assert_eq!(initiator.open(&initiator.sign(&good())), Ok(expected));
        for other in Initiator::all() {
            let refused = other.open(&initiator.sign(&good())).unwrap_err();
            assert!(matches!(refused, TokenError::Header("alg") | TokenError::Signature));
        }
    }
}

#[test]
fn the_name_of_the_key_is_required_and_must_be_known() {
    let initiator = Initiator::p256();
    for parameters in [vec![], vec![("kid", json!("else"))], vec![("kid", json!("Chat"))]] {
        let token = initiator.sign_with(&parameters, &good());
        assert_eq!(initiator.open(&token), Err(TokenError::Header("kid")), "{parameters:?}");
    }
    for kid in ["7", "null", r#"["chat"]"#] {
        let token = initiator.sign_text(&format!(r#"{{"alg":"ES256","kid":{kid}}}"#), &good());
        assert_eq!(initiator.open(&token), Err(TokenError::Header("kid")), "{kid}");
    }
}

#[test]
fn a_signature_of_another_algorithm_than_the_keys_is_refused() {
    let initiator = Initiator::rsa();
    let hs256 = HS256.signer_from_bytes(&initiator.public_pem).unwrap();
    let kid = [("kid", json!("chat"))];
    assert_eq!(initiator.open(&sign(&hs256, &kid, &good())), Err(TokenError::Header("alg")));
    for alg in ["none", "None", "HS256", "ES256", "RS384", "PS256", "rs256", ""] {
        let token = initiator.sign_text(&format!(r#"{{"alg":"{alg}","kid":"chat"}}"#), &good());
        assert_eq!(initiator.open(&token), Err(TokenError::Header("alg")), "{alg}");
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        assert_eq!(initiator.open(&format!("{unsigned}.")), Err(TokenError::Header("alg")), "{alg}");
    }
    let missing = initiator.sign_text(r#"{"kid":"chat"}"#, &good());
    assert_eq!(initiator.open(&missing), Err(TokenError::Header("alg")));
}

#[test]
fn extensions_and_other_types_are_refused_and_any_case_of_jwt_is_not() {
    let initiator = Initiator::p256();
    for (more, why) in [
        (r#""crit":["exp"]"#, Some("crit")),
        (r#""crit":["b64"],"b64":true"#, Some("crit")),
        (r#""crit":[]"#, Some("crit")),
        (r#""crit":null"#, Some("crit")),
        (r#""b64":false"#, Some("b64")),
        (r#""b64":true"#, Some("b64")),
        (r#""typ":"at+jwt""#, Some("typ")),
        (r#""typ":null"#, Some("typ")),
        (r#""typ":["JWT"]"#, Some("typ")),
        (r#""typ":"JWT""#, None),
        (r#""typ":"jwt""#, None),
        (r#""extra":1"#, None),
    ] {
        let token = initiator.sign_text(&format!(r#"{{"alg":"ES256","kid":"chat",{more}}}"#), &good());
        assert_eq!(initiator.open(&token).err(), why.map(TokenError::Header), "{more}");
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_never_believed() {
    let (initiator, forger) = (Initiator::p256(), Initiator::p256());
    let jwk = josekit::jwk::Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).unwrap();
    let jwk = Value::Object(jwk.to_public_key().unwrap().into());
    for (parameter, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:9/keys")),
        ("x5u", json!("http://127.0.0.1:9/certificate")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({ "alg": "ES256", "kid": "chat", parameter: value }).to_string();
        let forged = forger.sign_text(&header, &good());
        assert_eq!(initiator.open(&forged), Err(TokenError::Signature), "{parameter}");
        assert!(initiator.open(&initiator.sign_text(&header, &good())).is_ok(), "{parameter}");
    }
}

#[test]
fn names_that_come_twice_are_refused() {
    let initiator = Initiator::p256();
    for twice in
        [r#""alg":"ES256""#, r#""alg":"none""#, r#""kid":"chat""#, r#""x":1,"x":1"#, r#""\u006bid":"chat""#]
    {
        let token = initiator.sign_text(&format!(r#"{{"alg":"ES256","kid":"chat",{twice}}}"#), &good());
        assert_eq!(initiator.open(&token), Err(TokenError::Malformed), "{twice}");
    }
    let claims = format!(r#","iat":{NOW},"exp":{NOW},"nbf":{NOW}"#);
    assert!(initiator.open(&initiator.sign(&payload(&claims))).is_ok());
    for twice in
        [format!(r#","iat":{NOW}"#), format!(r#","exp":{NOW}"#), r#","request":{"purpose":"x"}"#.into()]
    {
        let token = initiator.sign(&payload(&format!("{claims}{twice}")));
        assert_eq!(initiator.open(&token), Err(TokenError::Claims), "{twice}");
    }
}

#[test]
fn times_are_sixty_seconds_lenient_and_one_of_them_says_the_end() {
    let initiator = Initiator::p256();
    let [iat, exp, nbf] = ["iat", "exp", "nbf"].map(|name| format!(r#","{name}":{NOW}"#));
    let no_end = Some(TokenError::Claims);
    for (claims, now, refusal) in [
        (format!("{iat}{exp}"), NOW - CLOCK_SKEW - 1, Some(TokenError::NotYetValid)),
        (format!("{iat}{exp}"), NOW - CLOCK_SKEW, None),
        (format!("{iat}{exp}"), NOW + CLOCK_SKEW - 1, None),
        (format!("{iat}{exp}"), NOW + CLOCK_SKEW, Some(TokenError::Expired)),
        (exp.clone(), 0, None),
        (exp.clone(), NOW + CLOCK_SKEW, Some(TokenError::Expired)),
        (iat.clone(), NOW + SIGNED_LIFETIME + CLOCK_SKEW - 1, None),
        (iat.clone(), NOW + SIGNED_LIFETIME + CLOCK_SKEW, Some(TokenError::Expired)),
        (format!("{exp}{nbf}"), NOW - CLOCK_SKEW - 1, Some(TokenError::NotYetValid)),
        (format!("{exp}{nbf}"), NOW - CLOCK_SKEW, None),
        (format!(r#"{exp},"iat":{}"#, NOW + 1), NOW, no_end),
        (nbf, NOW, no_end),
        (String::new(), NOW, no_end),
        (format!(r#","iat":{}"#, u64::MAX), NOW, Some(TokenError::NotYetValid)),
    ] {
        let token = initiator.sign(&payload(&claims));
        assert_eq!(initiator.open_at(&token, now).err(), refusal, "{claims} at {now}");
    }
}

#[test]
fn times_are_numbers_with_or_without_a_fraction() {
    let initiator = Initiator::p256();
    for (time, good) in [
        (format!("{NOW}"), true),
        (format!("{NOW}.75"), true),
        ("1.8e9".into(), true),
        (format!(r#""{NOW}""#), false),
        ("null".into(), false),
        ("true".into(), false),
        ("-1".into(), false),
        ("-0.5".into(), false),
        ("1e30".into(), false),
        (format!("[{NOW}]"), false),
    ] {
        for name in ["iat", "exp", "nbf"] {
            let other = if name == "exp" { "" } else { r#","exp":1800000300"# };
            let token = initiator.sign(&payload(&format!(r#","{name}":{time}{other}"#)));
            let refusal = (!good).then_some(TokenError::Claims);
            assert_eq!(initiator.open(&token).err(), refusal, "{name} {time}");
        }
    }
}

#[test]
fn a_payload_of_another_shape_is_refused_and_unknown_claims_are_not() {
    let initiator = Initiator::p256();
    let times = format!(r#""iat":{NOW},"exp":{NOW}"#);
    for payload in [
        format!("{{{times}}}"),
        format!(r#"{{"request":null,{times}}}"#),
        format!(r#"{{"request":"report_move",{times}}}"#),
        format!(r#"{{"request":{{"purpose":1}},{times}}}"#),
        format!("{} x", good()),
        format!("[{}]", good()),
        String::new(),
    ] {
        assert_eq!(initiator.open(&initiator.sign(&payload)), Err(TokenError::Claims), "{payload}");
    }
    let more = payload(&format!(r#",{times},"iss":7,"jti":[],"aud":null"#));
    assert!(initiator.open(&initiator.sign(&more)).is_ok());
}

#[test]
fn what_was_changed_cut_or_spelled_otherwise_is_refused() {
    for initiator in Initiator::all() {
        let token = initiator.sign(&good());
        for (at, old) in token.char_indices() {
            let mut changed = token.clone();
            changed.replace_range(at..=at, if old == 'A' { "B" } else { "A" });
            assert!(initiator.open(&changed).is_err(), "{at}");
            assert!(initiator.open(&token[..at]).is_err(), "{at}");
        }
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let zeros = "A".repeat(signature.len());
        for forged in [
            format!("{token}="),
            format!("{token}\n"),
            format!(" {token}"),
            format!("{token}."),
            format!("{token}.{signature}"),
            format!(".{token}"),
            format!("{header}.{payload}="),
            format!("{header}.{payload}.{zeros}"),
            format!("{header}..{signature}"),
            format!("{header}.{payload}"),
            header.into(),
            "..".into(),
            String::new(),
        ] {
            assert!(initiator.open(&forged).is_err(), "{forged}");
        }
    }
}

#[test]
fn nothing_is_decoded_of_what_is_too_long() {
    let initiator = Initiator::p256();
    let filler = |bytes| payload(&format!(r#","exp":{NOW},"x":"{}""#, "x".repeat(bytes)));
    let longest = initiator.sign(&filler(12_000));
    assert!(longest.len() <= MAX_SIGNED_BYTES && initiator.open(&longest).is_ok());
    let never = |_: &str| -> Option<((), &VerificationKey)> { panic!("the header was read") };
    let longer = initiator.sign(&filler(12_300));
    assert_eq!(open_signed::<_, Request>(&longer, never, NOW).unwrap_err(), TokenError::TooLarge);
}
