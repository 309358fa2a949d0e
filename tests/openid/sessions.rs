//! Whole sessions at a real OpenID provider.

use serde_json::json;

use crate::{
    parameter,
    support::{
        browser::links,
        jws,
        keys::{Kind, key},
        openid_provider::{Options, Plan},
    },
    town::{CALLBACK, Sso, Town, without_parameters},
};

#[test]
#[ignore = "needs Node: make test"]
fn a_citizen_signs_in_and_the_conversation_has_the_claims() {
    let sso = Sso { asked: "email, city, born", ..Sso::default() };
    let (town, provider) = Town::real(Options::default(), &sso);
    assert!(town.sign_in().url.contains("/room/"));
    let attributes = town.attributes();
    let expected = [("born", "1980"), ("city", "Nijmegen"), ("email", "anna@example.nl")];
    assert!(
        attributes.iter().map(|(tag, value)| (tag.as_str(), value.as_str())).eq(expected),
        "{attributes:?}"
    );
    for operation in ["discovery", "jwks", "token", "userinfo"] {
        assert_eq!((provider.hits(operation), town.calls(operation, "ok")), (1, 1), "{operation}");
    }
    town.assert_discreet();
}

#[test]
#[ignore = "needs Node: make test"]
fn the_request_says_what_the_configuration_wants() {
    let sso =
        Sso { more: "scopes: [openid, email], acr_values: [loa3, loa2], prompt: login", ..Sso::default() };
    let (town, provider) = Town::real(Options::default(), &sso);
    let mut browser = town.world.browser();
    let page = town.start(&mut browser);
    assert_eq!(provider.hits("discovery"), 0, "a start contacts nobody");
    let answer = browser.get(&page);
    let url = answer.header("location").expect("a redirect");
    assert_eq!((answer.status, answer.header("cache-control")), (303, Some("no-store")));
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", "gateway"),
        ("scope", "openid email"),
        ("redirect_uri", CALLBACK),
        ("code_challenge_method", "S256"),
        ("acr_values", "loa3 loa2"),
        ("prompt", "login"),
        ("ui_locales", "en"),
    ] {
        assert_eq!(parameter(url, name).as_deref(), Some(expected), "{name}");
    }
    let [cookie] = browser.cookies() else { panic!("{:?}", browser.cookies()) };
    assert!(cookie.name.starts_with("idc-oidc-") && cookie.http_only && cookie.path == "/auth/sso");
    assert!(cookie.attributes.contains("SameSite=Lax"), "{}", cookie.attributes);
    let again = browser.get(&page);
    for name in ["nonce", "code_challenge", "state"] {
        let other = parameter(again.header("location").expect("a redirect"), name);
        assert_ne!(parameter(url, name).expect(name), other.expect(name), "{name}");
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn claims_of_the_id_token_need_no_userinfo() {
    let options = Options { claims_in_id_token: true, ..Options::default() };
    let (town, provider) = Town::real(options, &Sso::default());
    town.sign_in();
    assert_eq!(town.attributes()["email"], "anna@example.nl");
    assert_eq!(provider.hits("userinfo"), 0);
}

#[test]
#[ignore = "needs Node: make test"]
fn a_claim_that_is_missing_or_a_list_is_a_failed_sign_in() {
    let list = "`groups` from `groups` is a list";
    for (asked, claims, reason) in [
        ("email", json!({}), "`email` from `email` is missing"),
        ("groups", crate::town::claims(), list),
        ("email", json!({ "email": null }), "`email` from `email` is missing"),
    ] {
        let (town, provider) = Town::real(Options::default(), &Sso { asked, ..Sso::default() });
        provider.set_claims(&claims);
        town.sign_in();
        town.assert_failed(asked);
        assert!(town.reason_after(0).contains(reason), "{}", town.reason_after(0));
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn each_asymmetric_algorithm_is_understood() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let (town, _provider) = Town::real(Options { algorithm, ..Options::default() }, &Sso::default());
        town.sign_in();
        assert_eq!(town.attributes()["email"], "anna@example.nl", "{algorithm}");
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn who_stops_at_the_provider_has_cancelled() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    for (count, error) in ["access_denied", "login_required", "consent_required", "interaction_required"]
        .into_iter()
        .enumerate()
    {
        provider.plan(&Plan::error(error));
        let landing = town.sign_in();
        assert!(links(landing.text()).iter().any(|link| link.contains("/choose/report_move")), "{error}");
        assert_eq!(town.world.events("auth_returned", "cancelled"), count as u64 + 1, "{error}");
    }
    assert!(town.world.comm.deliveries().is_empty());
    assert_eq!(provider.hits("token"), 0);
}

#[test]
#[ignore = "needs Node: make test"]
fn any_other_error_is_a_failed_sign_in() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    provider.plan(&Plan::error("server_error"));
    town.sign_in();
    town.assert_failed("server_error");
    assert!(town.reason_after(0).contains("failed"));
}

#[test]
#[ignore = "needs Node: make test"]
fn keys_may_rotate_and_are_looked_for_once_a_minute() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    town.sign_in();
    assert_eq!(town.attributes().len(), 1);
    provider.rotate_keys();
    town.sign_in();
    assert_eq!(town.attributes().len(), 1);
    assert_eq!(provider.hits("jwks"), 2);
    provider.rotate_keys();
    town.sign_in();
    town.assert_failed("a third key within the minute");
    assert_eq!(provider.hits("jwks"), 2);
    assert!(town.reason_after(0).contains("kid"));
}

#[test]
#[ignore = "needs Node: make test"]
fn an_announced_key_costs_nobody_anything() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    provider.announce_key();
    town.sign_in();
    town.attributes();
    provider.sign_with_newest();
    town.sign_in();
    assert_eq!(town.attributes().len(), 1);
    assert_eq!(provider.hits("jwks"), 1);
}

#[test]
#[ignore = "needs Node: make test"]
fn a_provider_may_be_restarted() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    town.sign_in();
    town.attributes();
    provider.restart();
    town.sign_in();
    assert_eq!(town.attributes().len(), 1);
    assert_eq!((provider.hits("discovery"), provider.hits("jwks")), (1, 1));
}

#[test]
#[ignore = "needs Node: make test"]
fn a_session_starts_while_the_provider_is_down() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    provider.stop();
    let mut browser = town.world.browser();
    let page = town.start(&mut browser);
    let landing = browser.open(&page);
    assert_eq!(landing.status(), Some(502));
    assert_eq!(town.world.events("auth_returned", "plugin_error"), 1);
    assert!(links(landing.text()).contains(&page), "{}", landing.text());
    assert!(town.reason_after(0).contains("discovery"));
    assert_eq!(town.calls("discovery", "connect_failed"), 1);
    provider.come_back();
    assert!(browser.open(&page).url.contains("/room/"));
    assert_eq!(town.attributes().len(), 1);
}

#[test]
#[ignore = "needs Node: make test"]
fn a_provider_that_goes_away_in_between_is_a_failed_sign_in() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    let mut browser = town.world.browser();
    let callback = town.up_to_callback(&mut browser);
    provider.stop();
    browser.open(&callback);
    town.assert_failed("no token endpoint");
    assert!(town.reason_after(0).contains("token"));
}

#[test]
#[ignore = "needs Node: make test"]
fn clocks_may_differ_by_a_minute() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    for (ahead, succeeds) in [(40, true), (-40, true), (300, false), (-900, false)] {
        provider.set_clock(ahead);
        let mark = town.world.gateway.log_mark();
        town.sign_in();
        if succeeds {
            assert_eq!(town.attributes().len(), 1, "{ahead}");
        } else {
            town.assert_failed("another time");
            assert!(town.reason_after(mark).contains("too old or of the future"), "{ahead}");
        }
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn a_key_shows_who_the_gateway_is() {
    let jwks = json!({ "keys": [jws::public_jwk(&key("client", Kind::P256), Kind::P256, "c1")] });
    let client = "client_id: gateway-key, private_key_jwt: { key: { env: CLIENT_KEY }, kid: c1 }";
    let options = Options { client_jwks: Some(jwks), ..Options::default() };
    let (town, provider) = Town::real(options, &Sso { client, ..Sso::default() });
    town.sign_in();
    town.sign_in();
    assert_eq!(town.world.comm.deliveries().len(), 2);
    assert_eq!((provider.hits("token"), town.calls("token", "ok")), (2, 2));
}

#[test]
#[ignore = "needs Node: make test"]
fn a_wrong_secret_is_a_failed_sign_in() {
    let client = "client_id: gateway, client_secret: { env: FORGER_SECRET }";
    let (town, _provider) = Town::real(Options::default(), &Sso { client, ..Sso::default() });
    town.sign_in();
    town.assert_failed("another secret");
    assert_eq!(town.calls("token", "bad_status"), 1);
}

#[test]
#[ignore = "needs Node: make test"]
fn a_secret_may_have_to_go_into_the_body() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    provider.configure(
        json!({ "client_secret_method": "client_secret_post", "auth_methods": ["client_secret_post"] }),
    );
    town.sign_in();
    assert_eq!(town.attributes().len(), 1);
}

#[test]
#[ignore = "needs Node: make test"]
fn a_level_that_was_asked_for_is_required() {
    let sso = Sso { more: "scopes: [openid, email], acr_values: [loa3]", ..Sso::default() };
    let (town, provider) = Town::real(Options::default(), &sso);
    for (acr, succeeds) in [("loa3", true), ("loa2", false)] {
        provider.plan(&Plan::Login { account: "anna".to_owned(), acr: Some(acr.to_owned()) });
        town.sign_in();
        if succeeds {
            assert_eq!(town.attributes().len(), 1);
        } else {
            town.assert_failed(acr);
            assert!(town.reason_after(0).contains("acr"));
        }
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn a_new_sign_in_that_was_asked_for_is_required() {
    let more = "scopes: [openid, email], prompt: login, max_age: 1m";
    let (town, _provider) = Town::real(Options::default(), &Sso { more, ..Sso::default() });
    let mut browser = town.world.browser();
    for asked_anew in [true, true, false] {
        let page = town.start(&mut browser);
        let answer = browser.get(&page);
        let mut url = answer.header("location").expect("a redirect").to_owned();
        assert_eq!(parameter(&url, "max_age").as_deref(), Some("60"));
        if !asked_anew {
            // As whoever comes next at the same computer could: the provider still knows who was here.
            url = without_parameters(&url, &["prompt", "max_age"]);
        }
        assert!(browser.open(&url).url.contains("/room/"));
        if asked_anew {
            assert_eq!(town.attributes().len(), 1);
        } else {
            town.assert_failed("nobody signed in");
            assert!(town.reason_after(0).contains("auth_time"));
        }
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn a_logout_ends_the_sign_in_at_the_provider() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    town.sign_in();
    let session_url = town.session_url().expect("the provider can end sessions");
    assert_eq!(town.world.comm.update(&session_url, "user_active").status, 204);
    assert_eq!((provider.hits("revocation"), provider.hits("end_session")), (0, 0));
    assert_eq!(town.world.comm.update(&session_url, "logout").status, 204);
    provider.wait_event("grant.revoked");
    assert_eq!((provider.hits("revocation"), provider.hits("end_session")), (1, 1));
    assert_eq!(town.calls("revocation", "ok"), 1);
    assert_eq!((town.world.events("user_active", "ok"), town.world.events("logout", "ok")), (1, 1));
    provider.stop();
    assert_eq!(town.world.comm.update(&session_url, "logout").status, 502, "it may be told again");
    town.assert_discreet();
}

#[test]
#[ignore = "needs Node: make test"]
fn a_provider_answers_once() {
    let (town, provider) = Town::real(Options::default(), &Sso::default());
    let mut browser = town.world.browser();
    let callback = town.up_to_callback(&mut browser);
    assert!(browser.open(&callback).url.contains("/room/"));
    town.attributes();
    let again = browser.open(&callback);
    assert_eq!(again.status(), Some(403));
    let way_on = links(again.text()).into_iter().find(|link| link.contains("/auth/sso/")).expect("a way on");
    assert_eq!((provider.hits("token"), town.world.comm.deliveries().len()), (1, 1));
    assert!(browser.open(&way_on).url.contains("/room/"), "who is signed in there comes straight back");
}
