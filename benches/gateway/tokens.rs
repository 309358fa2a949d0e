//! Sealed state, results in both kinds of key, and signed starts. `benches/crypto` sets these beside
//! OpenSSL's own figures for the primitives.

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use id_contact_gateway::{
    model::{Dialect, UnixSeconds},
    tokens::{
        Attributes, AuthenticationOutcome, DecryptionKey, NewResult, SealedState, SigningKey, StateKey,
        StateKeys, VerificationKey, issue, open, open_signed,
    },
};
use josekit::jws::{EdDSA, JwsContext, JwsHeader, JwsSigner};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const NOW: UnixSeconds = 1_800_000_000;

#[derive(Serialize, Deserialize)]
struct Delivery {
    purpose: u16,
    attr_url: String,
    started: u64,
}

impl SealedState for Delivery {
    const KIND: u8 = 1;
    const LIFETIME: u64 = 3_600;
}

pub fn sealed_state(criterion: &mut Criterion) {
    let keys = StateKeys::new(StateKey::generate("s1").expect("a new key"), Vec::new());
    let attr_url = "http://comm-chat:3000/attributes/7f9c2ba4e88f827d616045507605853e".to_owned();
    let state = Delivery { purpose: 3, attr_url, started: NOW };
    let sealed = keys.seal(&state, NOW).expect("sealed");
    let mut group = criterion.benchmark_group("sealed state");
    group.bench_function("seal", |bencher| bencher.iter(|| keys.seal(black_box(&state), NOW)));
    group.bench_function("open", |bencher| {
        bencher.iter(|| keys.open::<Delivery>(black_box(&sealed), NOW).is_ok());
    });
}

pub fn results(criterion: &mut Criterion) {
    let attributes: Attributes = [("email".to_owned(), "anna@example.nl".to_owned())].into_iter().collect();
    let outcome = AuthenticationOutcome::Success { attributes };
    let new =
        NewResult { dialect: Dialect::IdContact, outcome: &outcome, session_url: None, not_after: None };
    let mut group = criterion.benchmark_group("result");
    for (name, key) in [("RSA-2048", rsa()), ("P-256", p256())] {
        let pem = key.private_key_to_pem_pkcs8().expect("PEM");
        let signing = SigningKey::from_pem(&pem).expect("a signing key");
        let decryption = [DecryptionKey::from_pem(&pem).expect("a decryption key")];
        let make = || issue(&new, &signing, decryption[0].encryption_key(), NOW).expect("issued");
        group.bench_function(format!("issue {name}"), |bencher| bencher.iter(make));
        group.bench_function(format!("open {name}"), |bencher| {
            let open = |token| open(&token, &decryption, signing.verification_key(), NOW).expect("opened");
            bencher.iter_batched(make, open, BatchSize::SmallInput);
        });
    }
}

pub fn signed_starts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signed start");
    let ed25519 = PKey::generate_ed25519().expect("a new key");
    for (name, key) in [("RSA-2048", rsa()), ("P-256", p256()), ("Ed25519", ed25519)] {
        let pem = key.private_key_to_pem_pkcs8().expect("PEM");
        let signer: Box<dyn JwsSigner> = match name {
            "RSA-2048" => Box::new(josekit::jws::RS256.signer_from_pem(pem).expect("a signer")),
            "P-256" => Box::new(josekit::jws::ES256.signer_from_pem(pem).expect("a signer")),
            _ => Box::new(EdDSA.signer_from_pem(pem).expect("a signer")),
        };
        let mut header = JwsHeader::new();
        header.set_key_id("chat");
        let payload = format!(
            r#"{{"request":{{"purpose":"report_move","auth_method":"irma","comm_url":"https://chat.example/r/1"}},"iat":{NOW}}}"#
        );
        let token =
            JwsContext::new().serialize_compact(payload.as_bytes(), &header, &*signer).expect("signed");
        let public = key.public_key_to_pem().expect("PEM");
        let key = VerificationKey::from_pem(&public).expect("a verification key");
        group.bench_function(format!("verify {name}"), |bencher| {
            bencher.iter(|| {
                let opened = open_signed::<_, Value>(black_box(&token), |_| Some(((), &key)), NOW);
                opened.expect("verified")
            });
        });
    }
}

fn rsa() -> PKey<Private> {
    Rsa::generate(2048).and_then(PKey::from_rsa).expect("a new key")
}

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    EcKey::generate(&group).and_then(PKey::from_ec_key).expect("a new key")
}
