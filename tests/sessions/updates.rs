//! Session updates: from the communication plugin through the gateway to the authentication side.

use crate::{
    support::{
        answers,
        comm_plugin::StubComm,
        keys::{Kind, key},
        stub::Step,
    },
    world::{PUBLIC, RESEAL_AUTH, RESEAL_COMM, Setup, UPDATE, World, irma_and_chat, refusal, start},
};

/// A world of one pair that re-seals, whose results name a `session_url` of this path.
pub fn resealing(auth_options: &str, session_url: Option<&'static str>) -> World {
    let world = World::new(&Setup::one(&format!("{RESEAL_AUTH}{auth_options}"), RESEAL_COMM));
    world.auth.plan(|plan| {
        plan.encryption = key("gateway", Kind::P256).encryption();
        plan.session_url = session_url;
    });
    world.comm.plan(|plan| plan.verify = key("gateway", Kind::P256).verification());
    world
}

/// Runs a session; the `session_url` that the communication plugin got.
fn session_url(world: &World) -> String {
    let mut browser = world.browser();
    let url = start(&mut browser, &irma_and_chat());
    assert_eq!(browser.open(&url).status(), Some(200));
    session_url_of(&world.comm)
}

fn session_url_of(comm: &StubComm) -> String {
    let delivery = comm.take_delivery();
    let result = comm.open(&delivery).expect("the result opens");
    result.session_url.expect("the result names a session_url")
}

#[test]
fn updates_are_relayed_and_counted() {
    for (path, expected) in [
        ("/updates/{n}", ["/updates/0?type=user_active", "/updates/0?type=logout"]),
        (
            "/updates/{n}?a=%20b&c",
            ["/updates/0?a=%20b&c&type=user_active", "/updates/0?a=%20b&c&type=logout"],
        ),
    ] {
        let world = resealing("", Some(path));
        let session_url = session_url(&world);
        assert!(session_url.starts_with(UPDATE) && !session_url.contains('?'), "{session_url}");
        for kind in ["user_active", "logout"] {
            let answer = world.comm.update(&session_url, kind);
            assert_eq!((answer.status, answer.body.content.len()), (204, 0), "{kind}");
            assert_eq!(world.events(kind, "ok"), 1, "{kind}");
            world.wait_for_event(kind, "ok");
        }
        assert_eq!(world.auth.updates(), expected);
        crate::world::one_reference(&world.lines_until("logout", "ok"));
    }
}

#[test]
fn an_update_may_come_as_often_as_it_likes() {
    let world = resealing("", Some("/updates/{n}"));
    let session_url = session_url(&world);
    for _ in 0..3 {
        assert_eq!(world.comm.update(&session_url, "logout").status, 204);
    }
    assert_eq!(world.auth.updates().len(), 3);
    assert_eq!(world.events("logout", "ok"), 3);
}

#[test]
fn other_updates_are_refused_and_not_relayed() {
    let world = resealing("", Some("/updates/{n}"));
    let session_url = session_url(&world);
    for kind in ["", "login", "USER_ACTIVE", "user_active%00", "logout&type=user_active"] {
        let answer = world.comm.update(&session_url, kind);
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{kind:?}");
    }
    let without = world.send("comm", "POST", &session_url, &[], b"");
    assert_eq!(refusal(&without), (400, "invalid_request".into()));
    for method in ["GET", "PUT", "DELETE"] {
        let url = format!("{session_url}?type=logout");
        assert_eq!(world.send("comm", method, &url, &[], b"").status, 405, "{method}");
    }
    let unknown = world.comm.update(&format!("{UPDATE}eyJ.made.up"), "logout");
    assert_eq!(refusal(&unknown), (404, "unknown_session".into()));
    let on_public = session_url.replace("http://internal.test", PUBLIC);
    assert_eq!(world.comm.update(&on_public, "logout").status, 404, "browsers cannot send updates");
    assert!(world.auth.updates().is_empty());
}

#[test]
fn the_communication_plugin_need_not_know_what_the_authentication_side_says() {
    for (what, steps) in [
        ("404", answers::answer(404, &[], "")),
        ("500", answers::answer(500, &[], "sorry")),
        ("a redirect", answers::redirect(302, "http://127.0.0.1/")),
        ("a reset", vec![Step::Reset]),
        ("nothing", vec![Step::Stall]),
    ] {
        let world = resealing(", timeout: 500ms", Some("/updates/{n}"));
        world.auth.plan(|plan| plan.update = steps);
        let session_url = session_url(&world);
        let answer = world.comm.update(&session_url, "logout");
        assert_eq!((answer.status, answer.body.content.len()), (204, 0), "{what}");
        assert_eq!(world.auth.updates().len(), 1, "{what}: never repeated");
        assert_eq!(world.events("logout", "plugin_error"), 1, "{what}");
        world.wait_for_event("logout", "plugin_error");
    }
}

#[test]
fn an_authentication_side_that_is_away_had_no_chance() {
    let world = resealing("", Some("/updates/{n}"));
    let session_url = session_url(&world);
    let World { auth, comm, gateway, .. } = world;
    drop(auth);
    let answer = comm.update(&session_url, "logout");
    assert_eq!(refusal(&answer), (502, "auth_plugin_error".into()), "it may be told again");
    gateway.wait_for_log(|line| {
        line.text_field("event") == Some("logout") && line.text_field("outcome") == Some("plugin_error")
    });
}
