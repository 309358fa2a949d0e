//! Webhooks: signed, with a key by which the receiver tells a repetition.

use std::collections::BTreeSet;

use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};

use crate::{
    support::{
        answers,
        browser::links,
        now,
        stub::{ReceivedRequest, Step},
    },
    world::{HMAC, HOOK_SECRET, World, room},
};

fn attempts(world: &World) -> Vec<ReceivedRequest> {
    world.service.requests("PUT /rooms/")
}

/// As every receiver of webhooks does it.
fn signature(body: &[u8]) -> String {
    let key = PKey::hmac(HOOK_SECRET.as_bytes()).expect("a key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
    let mac = signer.sign_oneshot_to_vec(body).expect("a signature");
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks each attempt; their keys.
fn keys(attempts: &[ReceivedRequest]) -> BTreeSet<String> {
    let key = |attempt: &ReceivedRequest| {
        assert_eq!(attempt.header("x-signature"), Some(signature(&attempt.body.content).as_str()));
        let timestamp: u64 = attempt.header("x-timestamp").expect("a timestamp").parse().expect("seconds");
        assert!(now().abs_diff(timestamp) < 60, "{timestamp}");
        attempt.header("idempotency-key").expect("a key").to_owned()
    };
    attempts.iter().map(key).collect()
}

#[test]
fn a_webhook_is_signed() {
    let world = World::communicating(&room(HMAC, ""));
    let mut browsers = [world.browser(), world.browser()];
    for browser in &mut browsers {
        assert!(world.converse(browser).0.url.ends_with("/room/r-1"));
    }
    let attempts = attempts(&world);
    assert_eq!(attempts.len(), 2);
    let keys = keys(&attempts);
    assert_eq!(keys.len(), 2, "each conversation has its own: {keys:?}");
    assert!(keys.iter().all(|key| key.ends_with("-room")), "{keys:?}");
}

#[test]
fn failures_are_repeated_with_the_same_key() {
    for (what, failure) in [
        ("trouble", answers::answer(500, &[], "")),
        ("busy", answers::answer(503, &[], "")),
        ("closes", vec![Step::Close]),
        ("resets", vec![Step::Reset]),
    ] {
        let world = World::communicating(&room(HMAC, ""));
        world.service.tell("PUT /rooms/", [failure.clone(), failure, answers::answer(200, &[], "")]);
        let (landing, _) = world.converse(&mut world.browser());
        assert!(landing.url.ends_with("/room/r-1"), "{what}: {landing:?}");
        let attempts = attempts(&world);
        assert_eq!(attempts.len(), 3, "{what}");
        assert_eq!(keys(&attempts).len(), 1, "{what}");
        assert!(attempts.iter().all(|attempt| attempt.body.content == attempts[0].body.content));
        world.wait_for_event("attributes_delivered", "ok");
    }
}

#[test]
fn a_refusal_is_final() {
    let world = World::communicating(&room(HMAC, ""));
    world.service.tell("PUT /rooms/", [answers::answer(422, &[], "")]);
    let mut browser = world.browser();
    let (landing, back) = world.converse(&mut browser);
    assert_eq!(landing.status(), Some(502));
    assert_eq!(browser.open(&back).status(), Some(502));
    assert_eq!(attempts(&world).len(), 1);
}

#[test]
fn a_citizen_who_loads_the_page_again_tries_again_with_the_same_key() {
    let world = World::communicating(&room(HMAC, ""));
    world.service.tell("PUT /rooms/", [answers::answer(500, &[], "")]);
    let mut browser = world.browser();
    let (landing, back) = world.converse(&mut browser);
    assert_eq!(landing.status(), Some(502));
    assert!(links(landing.text()).iter().any(|link| link.ends_with("/room/r-1")), "a way on");
    assert_eq!(attempts(&world).len(), 3);
    world.service.tell("PUT /rooms/", [answers::answer(200, &[], "")]);
    // At another instance, which knows nothing of the first attempts.
    let second = world.second_instance();
    world.use_instance(&second);
    for _ in 0..2 {
        assert!(browser.open(&back).url.ends_with("/room/r-1"));
    }
    let attempts = attempts(&world);
    assert_eq!((attempts.len(), keys(&attempts).len()), (4, 1));
}

#[test]
fn a_receiver_that_stalls_gets_no_more_than_the_time_there_is() {
    let timeout = "    timeout: 600ms\n";
    let world = World::communicating(&room(HMAC, timeout));
    world.service.tell("PUT /rooms/", [vec![Step::Stall]]);
    let (landing, _) = world.converse(&mut world.browser());
    assert_eq!(landing.status(), Some(502));
    let attempts = attempts(&world);
    assert!((2..=3).contains(&attempts.len()), "{attempts:?}");
    assert_eq!(keys(&attempts).len(), 1);
    let line = world.wait_for_event("attributes_delivered", "delivery_failed");
    assert!(line.text_field("detail").is_some_and(|detail| detail.contains("in time")), "{line:?}");
}

#[test]
fn a_conversation_that_goes_on_without_is_tried_as_often() {
    let world = World::communicating(&room(HMAC, "      on_failure: continue\n"));
    world.service.tell("PUT /rooms/", [answers::answer(500, &[], "")]);
    let mut browser = world.browser();
    let (landing, back) = world.converse(&mut browser);
    assert!(landing.url.ends_with("/room/r-1"), "{landing:?}");
    assert_eq!(attempts(&world).len(), 3);
    assert!(browser.open(&back).url.ends_with("/room/r-1"));
    let attempts = attempts(&world);
    assert_eq!((attempts.len(), keys(&attempts).len()), (6, 1), "and again, with the same key");
}

#[test]
fn a_signing_secret_is_seen_by_nobody() {
    let world = World::communicating(&room(HMAC, ""));
    world.service.tell("PUT /rooms/", [answers::answer(500, &[], "a secret of the service")]);
    world.converse(&mut world.browser());
    world.wait_for_event("attributes_delivered", "delivery_failed");
    let seen = world.seen_by_operators();
    let key = attempts(&world)[0].header("idempotency-key").expect("a key").to_owned();
    for secret in ["hunter2", "the citizen's", "a secret of the service", &key] {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
}
