//! Session updates that reach a REST identity service.

use crate::{
    service::ID,
    support::answers,
    world::{World, pin},
};

const UPDATES: &str = r#"      update:
        user_active: { request: { method: POST, path: "/api/sessions/{{ start.id }}/active", form: { p: "{{ purpose }}", r: "{{ random }}" } } }
        logout: { request: { method: DELETE, path: "/api/sessions/{{ start.id }}", headers: { authorization: "Bearer {{ secrets.token }}" } } }
"#;

/// Runs a session; the `session_url` that the communication plugin got.
fn session_url(world: &World) -> Option<String> {
    let mut browser = world.browser();
    let go = world.start(&mut browser, "pin", "chat");
    assert!(browser.open(&go).url.contains("/room/"));
    let delivery = world.comm.take_delivery();
    world.comm.open(&delivery).expect("the result opens").session_url
}

#[test]
fn a_logout_ends_the_session_at_the_service() {
    let world = World::signing_in(&pin(UPDATES));
    let session_url = session_url(&world).expect("updates are wanted");
    assert!(session_url.contains("/session/update/"), "{session_url}");
    assert_eq!(world.comm.update(&session_url, "user_active").status, 204);
    let active = world.service.request(&format!("POST /api/sessions/{ID}/active"));
    let form = String::from_utf8_lossy(&active.body.content).into_owned();
    assert!(form.starts_with("p=report_move&r=") && form.len() == 16 + 32, "{form}");
    assert_eq!(world.comm.update(&session_url, "logout").status, 204);
    let logout = world.service.request(&format!("DELETE /api/sessions/{ID}"));
    assert_eq!(logout.header("authorization"), Some("Bearer hunter2-token"));
    world.wait_for_event("logout", "ok");
}

#[test]
fn what_the_service_does_not_want_to_know_is_as_good_as_told() {
    let only_logout =
        UPDATES.lines().filter(|line| !line.contains("user_active")).collect::<Vec<_>>().join("\n");
    let world = World::signing_in(&pin(&only_logout));
    let session_url = session_url(&world).expect("updates are wanted");
    assert_eq!(world.comm.update(&session_url, "user_active").status, 204);
    assert!(world.service.requests("POST /api/sessions/").is_empty());
    world.service.tell("DELETE /api", [answers::answer(500, &[], "")]);
    assert_eq!(world.comm.update(&session_url, "logout").status, 204, "it had its chance");
    world.wait_for_event("logout", "plugin_error");
}

#[test]
fn without_updates_there_is_no_session_url() {
    let world = World::signing_in(&pin(""));
    assert_eq!(session_url(&world), None);
}

#[test]
fn another_instance_tells_the_service() {
    let world = World::signing_in(&pin(UPDATES));
    let session_url = session_url(&world).expect("updates are wanted");
    let second = world.second_instance();
    let (_, path) = session_url.split_once("/session/").expect("it is the gateway's");
    let url = format!("http://{}/session/{path}", second.internal);
    assert_eq!(world.comm.update(&url, "logout").status, 204);
    world.service.request(&format!("DELETE /api/sessions/{ID}"));
}
