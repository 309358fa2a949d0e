//! Sealed state that the gateway did not make, or not for this place: always the same answer.

use crate::{
    support::{browser::PAGE, client::Response},
    updates::resealing,
    world::{ATTRIBUTES, CONTINUE, INTERNAL, PUBLIC, UPDATE, World, irma_and_chat, start},
};

/// Everything of an answer but what differs from request to request.
fn seen(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let headers = answer
        .head
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.to_ascii_lowercase().as_str()));
    (answer.status, headers.cloned().collect(), answer.text().to_owned())
}

/// The three kinds of state of one session.
struct States {
    continuation: String,
    attributes: String,
    update: String,
}

fn states(world: &World) -> States {
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    assert_eq!(browser.open(&sign_in).status(), Some(200));
    let asked = world.auth.last();
    let delivery = world.comm.take_delivery();
    let session_url = world.comm.open(&delivery).expect("it opens").session_url.expect("a session_url");
    let of = |url: &str, start: &str| url.strip_prefix(start).expect("it is the gateway's").to_owned();
    States {
        continuation: of(asked.continuation(), CONTINUE),
        attributes: of(asked.attr_url().expect("an attr_url"), ATTRIBUTES),
        update: of(&session_url, UPDATE),
    }
}

/// What becomes of a state in bad hands.
fn forgeries(state: &str) -> Vec<String> {
    let parts: Vec<&str> = state.split('.').collect();
    let with_part = |position: usize, part: &str| {
        let mut parts = parts.clone();
        parts[position] = part;
        parts.join(".")
    };
    let mut forgeries: Vec<String> = Vec::new();
    // One bit, in every part and at its ends.
    let mut position = 0;
    for part in &parts {
        for offset in [0, part.len() / 2, part.len().saturating_sub(2)] {
            let mut bytes = state.as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(position + offset).filter(|byte| **byte != b'.') {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
                forgeries.push(String::from_utf8(bytes).expect("it is ASCII"));
            }
        }
        position += part.len() + 1;
    }
    let last = parts.len() - 1;
    for length in [0, 2, 6, 11, 16, 20] {
        forgeries.push(with_part(last, &parts[last][..length.min(parts[last].len() - 1)]));
    }
    for text in ["x", "....", "eyJhbGciOiJkaXIifQ....", "%ff%fe", "%2e%2e%2e"] {
        forgeries.push(text.to_owned());
    }
    forgeries.push("A".repeat(1_500));
    forgeries.push(format!("{state}A"));
    forgeries.push(format!("{state}=="));
    forgeries.push(format!("{state}.{state}"));
    forgeries.push(state[..state.len() / 2].to_owned());
    forgeries.push(with_part(0, ""));
    forgeries.retain(|forged| forged != state);
    forgeries
}

#[test]
fn a_refused_state_is_always_refused_alike() {
    let world = resealing("", Some("/updates/{n}"));
    let other = resealing_with_other_keys();
    let (own, foreign) = (states(&world), states(&other));
    let taken = world.comm.deliveries().len();
    let (posts, updates) = (world.comm.requests().len(), world.auth.updates().len());
    let jwt = [("Content-Type", "application/jwt")];
    type Ask<'a> = Box<dyn Fn(&str) -> Response + 'a>;
    let places: [(&str, [&str; 3], &str, &str, Ask<'_>); 4] = [
        (
            "continue, as a page",
            [&own.attributes, &own.update, &foreign.continuation],
            &own.continuation,
            "not_a_problem",
            {
                Box::new(|state| {
                    world.send(
                        "forger",
                        "GET",
                        &format!("{PUBLIC}/session/continue/{state}?result=a.b.c.d.e"),
                        &[PAGE],
                        b"",
                    )
                })
            },
        ),
        (
            "continue",
            [&own.attributes, &own.update, &foreign.continuation],
            &own.continuation,
            "unknown_session",
            {
                Box::new(|state| {
                    world.send("forger", "GET", &format!("{PUBLIC}/session/continue/{state}"), &[], b"")
                })
            },
        ),
        (
            "attributes",
            [&own.continuation, &own.update, &foreign.attributes],
            &own.attributes,
            "unknown_session",
            {
                Box::new(|state| {
                    world.send(
                        "forger",
                        "POST",
                        &format!("{INTERNAL}/session/attributes/{state}"),
                        &jwt,
                        b"a.b.c.d.e",
                    )
                })
            },
        ),
        ("update", [&own.continuation, &own.attributes, &foreign.update], &own.update, "unknown_session", {
            Box::new(|state| {
                world.send(
                    "forger",
                    "POST",
                    &format!("{INTERNAL}/session/update/{state}?type=logout"),
                    &[],
                    b"",
                )
            })
        }),
    ];
    for (place, others, state, code, ask) in places {
        let first = seen(&ask("made-up"));
        assert_eq!(first.0, 404, "{place}: {}", first.2);
        if code == "unknown_session" {
            assert!(first.2.contains(code), "{place}: {}", first.2);
        }
        let mut count = 0;
        for forged in forgeries(state).iter().map(String::as_str).chain(others) {
            assert_eq!(seen(&ask(forged)), first, "{place}: {forged}");
            count += 1;
        }
        println!("{place}: {count} forgeries, one answer of {} bytes", first.2.len());
    }
    assert_eq!(world.comm.deliveries().len(), taken, "nothing was delivered");
    assert_eq!((world.comm.requests().len(), world.auth.updates().len()), (posts, updates));
}

/// Another gateway, which seals with a key of its own.
fn resealing_with_other_keys() -> World {
    use crate::{
        support::keys::{Kind, key},
        world::{KEYS, RESEAL_AUTH, RESEAL_COMM, Setup},
    };
    static OTHER: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let keys = OTHER.get_or_init(|| KEYS.replace("STATE_1", "STATE_2"));
    let world = World::new(&Setup { keys, ..Setup::one(RESEAL_AUTH, RESEAL_COMM) });
    world.auth.plan(|plan| {
        plan.encryption = key("gateway", Kind::P256).encryption();
        plan.session_url = Some("/updates/{n}");
    });
    world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
    world
}

#[test]
fn every_state_has_its_listener() {
    let world = resealing("", Some("/updates/{n}"));
    let States { continuation, attributes, update } = states(&world);
    for (listener, method, path) in [
        (INTERNAL, "GET", format!("/session/continue/{continuation}")),
        (PUBLIC, "POST", format!("/session/attributes/{attributes}")),
        (PUBLIC, "POST", format!("/session/update/{update}?type=logout")),
    ] {
        let answer = world.send("forger", method, &format!("{listener}{path}"), &[], b"x");
        assert_eq!(answer.status, 404, "{method} {listener}{path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "not_found");
    }
    for (listener, method, path, allow) in [
        (PUBLIC, "POST", format!("/session/continue/{continuation}"), "GET, HEAD"),
        (PUBLIC, "OPTIONS", format!("/session/continue/{continuation}"), "GET, HEAD"),
        (INTERNAL, "GET", format!("/session/attributes/{attributes}"), "POST"),
        (INTERNAL, "PUT", format!("/session/attributes/{attributes}"), "POST"),
        (INTERNAL, "GET", format!("/session/update/{update}?type=logout"), "POST"),
    ] {
        let answer = world.send("forger", method, &format!("{listener}{path}"), &[], b"");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    assert!(world.auth.updates().is_empty());
}
