use josekit::{
    Value as Json,
    jwe::{Dir, JweContext, JweHeader},
};
use proptest::prelude::*;

use super::*;

const NOW: UnixSeconds = 1_800_000_000;

/// As the sessions' states are: texts, and what may be missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Delivery {
    purpose: String,
    target: Option<String>,
    started: u64,
    seen: Vec<u8>,
}

impl SealedState for Delivery {
    const KIND: u8 = 1;
    const LIFETIME: u64 = 3_600;
}

/// The same fields as another kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Continuation(Delivery);

impl SealedState for Continuation {
    const KIND: u8 = 2;
    const LIFETIME: u64 = 3_600;
}

fn key(id: &str, secret: u8) -> StateKey {
    StateKey::from_secret(id, &[secret; MIN_SECRET_BYTES]).unwrap()
}

fn keys(secret: u8) -> StateKeys {
    StateKeys::new(key("s1", secret), vec![])
}

fn delivery() -> Delivery {
    Delivery {
        purpose: "report_move".into(),
        target: Some("http://comm-chat:3000/attributes/7f9c2ba4e88f827d616045507605853e".into()),
        started: NOW,
        seen: vec![],
    }
}

fn sealed() -> String {
    keys(1).seal(&delivery(), NOW).unwrap()
}

fn open(text: &str) -> Result<Delivery, StateError<Delivery>> {
    keys(1).open(text, NOW)
}

fn parts(text: &str) -> [String; 5] {
    text.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

prop_compose! {
    fn deliveries()(
        purpose in ".{0,40}",
        target in prop::option::of(".{0,400}"),
        started in any::<u64>(),
        seen in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Delivery {
        Delivery { purpose, target, started, seen }
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens(state in deliveries(), now in any::<u64>()) {
        let text = keys(1).seal(&state, now).unwrap();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        // At the end of time there is no lifetime left.
        let expected = if now == u64::MAX { Err(StateError::Expired(state)) } else { Ok(state) };
        prop_assert_eq!(keys(1).open::<Delivery>(&text, now), expected);
    }

    #[test]
    fn no_bit_may_differ(state in deliveries(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = keys(1).seal(&state, NOW).unwrap().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert_eq!(open(&text), Err(StateError::Refused));
        }
    }

    #[test]
    fn whatever_a_stranger_sends_is_refused(text in "[A-Za-z0-9_.-]{0,200}", header in any::<bool>()) {
        let text = if header { format!("{}..{text}", parts(&sealed())[0]) } else { text };
        prop_assert_eq!(open(&text), Err(StateError::Refused));
    }

    #[test]
    fn whatever_the_right_key_sealed_is_refused_or_opens(
        plain in prop::collection::vec(any::<u8>(), 0..64), begins_well in any::<bool>(),
    ) {
        let plain = if begins_well { [&[VERSION, Delivery::KIND], &plain[..]].concat() } else { plain };
        let _ = open(&seal_bytes(&plain));
    }
}

/// What the key would make of any content.
fn seal_bytes(plain: &[u8]) -> String {
    let (key, iv, mut tag) = (key("s1", 1), [7; IV_BYTES], [0; TAG_BYTES]);
    let (secret, header) = (key.key.expose_secret(), key.header.as_bytes());
    let sealed = encrypt_aead(Cipher::aes_256_gcm(), secret, Some(&iv), header, plain, &mut tag).unwrap();
    let [iv, sealed, tag] = [&iv[..], &sealed, &tag].map(base64url::encode);
    format!("{}..{iv}.{sealed}.{tag}", key.header)
}

fn plain_bytes(version: u8, kind: u8, expires: UnixSeconds) -> Vec<u8> {
    postcard::to_allocvec(&(Envelope { version, kind, expires }, delivery())).unwrap()
}

#[test]
fn every_bit_and_every_character_counts() {
    let text = sealed();
    assert_eq!(open(&text), Ok(delivery()));
    for at in 0..text.len() {
        for bit in 0..7 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            assert_eq!(open(std::str::from_utf8(&changed).unwrap()), Err(StateError::Refused), "{at}, {bit}");
        }
        let mut cut = text.clone();
        cut.remove(at);
        assert_eq!(open(&cut), Err(StateError::Refused), "without {at}");
        assert_eq!(open(&text[..at]), Err(StateError::Refused), "cut at {at}");
        assert_eq!(open(&text[at + 1..]), Err(StateError::Refused), "from {}", at + 1);
    }
}

#[test]
fn it_expires_to_the_second_and_says_what_it_was() {
    let text = sealed();
    let open_at = |now| keys(1).open::<Delivery>(&text, now);
    assert_eq!(open_at(0), Ok(delivery()));
    assert_eq!(open_at(NOW + 3_599), Ok(delivery()));
    assert_eq!(open_at(NOW + 3_600), Err(StateError::Expired(delivery())));
    assert_eq!(open_at(u64::MAX), Err(StateError::Expired(delivery())));
}

#[test]
fn one_kind_never_opens_as_another() {
    assert_eq!(keys(1).open::<Continuation>(&sealed(), NOW), Err(StateError::Refused));
    let other = keys(1).seal(&Continuation(delivery()), NOW).unwrap();
    assert_eq!(open(&other), Err(StateError::Refused));
    // Expired ones neither.
    assert_eq!(keys(1).open::<Continuation>(&sealed(), u64::MAX), Err(StateError::Refused));
}

#[test]
fn another_version_and_bytes_too_many_or_too_few_are_refused() {
    let (version, kind) = (VERSION, Delivery::KIND);
    let good = plain_bytes(version, kind, NOW + 1);
    assert_eq!(open(&seal_bytes(&good)), Ok(delivery()));
    for refused in [
        plain_bytes(version + 1, kind, NOW + 1),
        plain_bytes(0, kind, NOW + 1),
        plain_bytes(version, kind + 1, NOW + 1),
        [&good[..], &[0]].concat(),
        good[..good.len() - 1].to_vec(),
        good[..3].to_vec(),
        vec![],
    ] {
        assert_eq!(open(&seal_bytes(&refused)), Err(StateError::Refused), "{refused:?}");
    }
    let expired = [&plain_bytes(version, kind, NOW)[..], &[0]].concat();
    assert_eq!(open(&seal_bytes(&expired)), Err(StateError::Refused), "too old, and not ours either");
}

#[test]
fn cut_tags_and_vectors_are_refused() {
    let [header, _, iv, text, tag] = parts(&sealed());
    let (iv, tag) = (base64url::decode(&iv).unwrap(), base64url::decode(&tag).unwrap());
    let token = |iv: &[u8], tag: &[u8]| {
        format!("{header}..{}.{text}.{}", base64url::encode(iv), base64url::encode(tag))
    };
    assert_eq!(open(&token(&iv, &tag)), Ok(delivery()));
    for bytes in [15, 12, 8, 4, 1, 0] {
        assert_eq!(open(&token(&iv, &tag[..bytes])), Err(StateError::Refused), "{bytes}");
    }
    assert_eq!(open(&token(&iv, &[&tag[..], &[0]].concat())), Err(StateError::Refused));
    for bytes in [11, 1, 0] {
        assert_eq!(open(&token(&iv[..bytes], &tag)), Err(StateError::Refused), "{bytes}");
    }
}

#[test]
fn another_header_is_refused_even_when_it_was_sealed_with() {
    // With the right key, as somebody who confused the algorithms would have it.
    let seal = |parameters: &[(&str, &str)]| {
        let mut header = JweHeader::new();
        for (name, value) in parameters {
            header.set_claim(name, Some(Json::from(*value))).unwrap();
        }
        let encrypter = Dir.encrypter_from_bytes(key("s1", 1).key.expose_secret()).unwrap();
        let plain = plain_bytes(VERSION, Delivery::KIND, NOW + 1);
        JweContext::new().serialize_compact(&plain, &header, &encrypter).unwrap()
    };
    let good = [("alg", "dir"), ("enc", "A256GCM"), ("kid", "s1")];
    assert_eq!(open(&seal(&good)), Ok(delivery()), "another implementation of RFC 7516 seals alike");
    for parameters in [
        vec![("alg", "dir"), ("enc", "A256GCM")],
        vec![("alg", "dir"), ("enc", "A256GCM"), ("kid", "s2")],
        vec![("alg", "dir"), ("enc", "A128CBC-HS256"), ("kid", "s1")],
        vec![("alg", "dir"), ("enc", "A256GCM"), ("kid", "s1"), ("zip", "DEF")],
        vec![("alg", "dir"), ("enc", "A256GCM"), ("kid", "s1"), ("typ", "JWT")],
        vec![("enc", "A256GCM"), ("alg", "dir"), ("kid", "s1")],
    ] {
        assert_eq!(open(&seal(&parameters)), Err(StateError::Refused), "{parameters:?}");
    }
}

#[test]
fn another_implementation_opens_it() {
    let decrypter = Dir.decrypter_from_bytes(key("s1", 1).key.expose_secret()).unwrap();
    let (plain, header) = JweContext::new().deserialize_compact(sealed(), &decrypter).unwrap();
    assert_eq!(plain, plain_bytes(VERSION, Delivery::KIND, NOW + Delivery::LIFETIME));
    assert_eq!(header.key_id(), Some("s1"));
}

#[test]
fn parts_too_many_exchanged_or_empty_are_refused() {
    let text = sealed();
    let [header, _, iv, content, tag] = parts(&text);
    let [_, _, other_iv, other_content, other_tag] = parts(&sealed());
    for forged in [
        format!("{text}."),
        format!("{text}.{tag}"),
        format!("{text}="),
        format!("{text}\n"),
        format!(" {text}"),
        format!("{header}.{iv}.{iv}.{content}.{tag}"),
        format!("{header}.{iv}.{content}.{tag}"),
        format!("{header}..{other_iv}.{content}.{tag}"),
        format!("{header}..{iv}.{other_content}.{tag}"),
        format!("{header}..{iv}.{content}.{other_tag}"),
        format!("{header}..{iv}..{tag}"),
        "....".into(),
        String::new(),
    ] {
        assert_eq!(open(&forged), Err(StateError::Refused), "{forged}");
    }
}

#[test]
fn the_first_key_seals_and_all_open() {
    let rotated = StateKeys::new(key("s2", 2), vec![key("s1", 1)]);
    assert_eq!(rotated.open(&sealed(), NOW), Ok(delivery()));
    let text = rotated.seal(&delivery(), NOW).unwrap();
    assert_eq!(open(&text), Err(StateError::Refused));
    assert_eq!(StateKeys::new(key("s2", 2), vec![]).open(&text, NOW), Ok(delivery()));
    let exchanged = StateKeys::new(key("s1", 2), vec![key("s1", 1)]);
    assert_eq!(exchanged.open(&sealed(), NOW), Ok(delivery()), "another secret under the same name");
    assert_eq!(keys(2).open::<Delivery>(&sealed(), NOW), Err(StateError::Refused));
}

#[test]
fn nothing_is_decoded_of_what_is_too_long_and_nothing_so_long_is_sealed() {
    let large = |bytes| Delivery { seen: vec![0; bytes], ..delivery() };
    let text = keys(1).seal(&large(48_000), NOW).unwrap();
    assert!(open(&text).is_ok());
    assert_eq!(keys(1).seal(&large(50_000), NOW), Err(TokenError::TooLarge));
    let longer = seal_bytes(&vec![0; 50_000]);
    assert!(longer.len() > MAX_STATE_BYTES);
    assert_eq!(open(&longer), Err(StateError::Refused));
}

#[test]
fn two_seals_of_the_same_are_different() {
    let [first, second] = [parts(&sealed()), parts(&sealed())];
    assert_eq!(first[0], second[0]);
    assert!(first[2] != second[2] && first[3] != second[3] && first[4] != second[4]);
}

/// What the form itself costs: protocol.md, "URL budget", leaves 260 characters for all.
#[test]
fn it_is_small() {
    let texts = delivery().purpose.len() + delivery().target.unwrap().len();
    let overhead = sealed().len() - (texts * 4).div_ceil(3);
    assert!(overhead <= 125, "{overhead}");
}

#[test]
fn a_secret_is_long_enough_and_white_space_around_it_is_none_of_it() {
    assert_eq!(StateKey::from_secret("s", &[b'a'; 31]), Err(KeyError::SecretTooShort));
    assert_eq!(StateKey::from_secret("s", &[b' '; 64]), Err(KeyError::SecretTooShort));
    let mut padded = vec![b'a'; 32];
    let plain = StateKey::from_secret("s", &padded);
    padded.extend(b"\r\n");
    assert_eq!(StateKey::from_secret("s", &padded), plain);
    assert_ne!(StateKey::from_secret("s", &[b'b'; 32]), plain);
}

#[test]
fn the_key_is_not_the_secret_itself() {
    assert_ne!(key("s", 1).key.expose_secret(), &[1; KEY_BYTES]);
    assert_ne!(StateKey::generate("s").unwrap(), StateKey::generate("s").unwrap());
}

#[test]
fn a_name_with_quotes_is_still_json() {
    let keys = StateKeys::new(key(r#"a"b\"#, 1), vec![]);
    let text = keys.seal(&delivery(), NOW).unwrap();
    let header = base64url::decode(&parts(&text)[0]).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["kid"], r#"a"b\"#);
    assert_eq!(keys.open(&text, NOW), Ok(delivery()));
}

#[test]
fn debug_shows_nothing() {
    let keys = StateKeys::new(StateKey::from_secret("s1", &[b'q'; 40]).unwrap(), vec![]);
    assert_eq!(format!("{keys:?}"), "StateKeys { first: StateKey(s1, redacted), others: [] }");
}

#[test]
fn a_name_is_of_its_data_and_of_the_first_key() {
    let [one, other] = ["s1", "s2"].map(|id| StateKey::generate(id).unwrap());
    let name = |first: &StateKey, others: &[StateKey], data: &[u8]| {
        StateKeys::new(first.clone(), others.to_vec()).name(data).unwrap()
    };
    let known = name(&one, &[], b"a");
    assert_eq!(name(&one, std::slice::from_ref(&other), b"a"), known);
    assert_ne!(name(&one, &[], b"b"), known);
    assert_ne!(name(&other, std::slice::from_ref(&one), b"a"), known);
}
