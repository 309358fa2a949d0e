//! A provider that errs and lies, and strangers who have seen too much: each ends in a failed result or a
//! refused page, and never in a sign-in.

use serde_json::{Value, json};

use crate::{
    parameter,
    support::{
        answers,
        forging_provider::{Forgery, ForgingProvider},
        now,
    },
    town::{CALLBACK, Sso, Town, with_parameter},
};

const LEVELS: &str = "scopes: [openid, email], acr_values: [loa3]";

/// A sign-in that is forged so fails, for this reason.
fn assert_fails(town: &Town, provider: &ForgingProvider, forgery: Forgery, reason: &str) {
    let what = format!("{forgery:?}");
    let mark = town.world.gateway.log_mark();
    provider.forge(forgery);
    let landing = town.sign_in();
    provider.forge(Forgery::None);
    assert!(landing.url.contains("/room/"), "{what}: {}", landing.url);
    town.assert_failed(&what);
    let found = town.reason_after(mark);
    assert!(found.contains(reason), "{what}: {found}");
}

fn assert_succeeds(town: &Town) {
    assert!(town.sign_in().url.contains("/room/"));
    assert_eq!(town.attributes()["email"], "anna@example.nl");
}

#[test]
fn no_forged_id_token_signs_anybody_in() {
    let (town, provider) = Town::forging(&Sso { more: LEVELS, ..Sso::forged() });
    assert_succeeds(&town);
    for forgery in Forgery::of_id_tokens().into_iter().chain([Forgery::Acr, Forgery::NoAcr]) {
        let reason = if matches!(forgery, Forgery::NoIdToken) { "token" } else { "id token" };
        assert_fails(&town, &provider, forgery, reason);
    }
    assert_succeeds(&town);
    assert_fails(&town, &provider, Forgery::OtherSession, "nonce");
    town.assert_discreet();
}

#[test]
fn each_forgery_is_refused_for_what_is_wrong() {
    let (town, provider) = Town::forging(&Sso::forged());
    for (forgery, reason) in [
        (Forgery::Issuer, "iss"),
        (Forgery::Audience, "aud"),
        (Forgery::ExtraAudience, "aud"),
        (Forgery::AuthorizedParty, "azp"),
        (Forgery::Nonce, "nonce"),
        (Forgery::Expired, "too old"),
        (Forgery::IssuedInFuture, "future"),
        (Forgery::AtHash, "at_hash"),
        (Forgery::Tampered, "signature"),
        (Forgery::OtherKey, "signature"),
        (Forgery::UnknownKeyId, "kid"),
        (Forgery::Unsigned, "alg"),
        (Forgery::SignedWithPublicKey, "alg"),
        (Forgery::SignedWithSecret, "alg"),
    ] {
        assert_fails(&town, &provider, forgery, reason);
    }
    assert_eq!(provider.requests("/jwks").len(), 2, "the right key is looked for once");
}

#[test]
fn an_old_sign_in_is_none_where_a_new_one_was_asked_for() {
    let claims = |auth_time: Option<u64>| json!({ "email": "anna@example.nl", "auth_time": auth_time });
    let old = Some(now() - 3600);
    for (more, auth_time, succeeds) in [
        ("scopes: [openid, email]", old, true),
        ("prompt: login", old, false),
        ("prompt: login", Some(now()), true),
        ("prompt: login", None, true),
        ("prompt: login", Some(now() + 3600), false),
        ("max_age: 2h", old, true),
        ("max_age: 30m", old, false),
        ("max_age: 2h", None, false),
        ("max_age: 2h", Some(now() + 3600), false),
        ("prompt: login, max_age: 2h", old, false),
    ] {
        let (town, provider) = Town::forging(&Sso { more, ..Sso::forged() });
        provider.set_id_token_claims(claims(auth_time));
        if succeeds {
            assert_succeeds(&town);
        } else {
            assert_fails(&town, &provider, Forgery::None, "auth_time");
        }
    }
}

#[test]
fn a_token_without_the_name_of_its_key_is_of_the_only_one() {
    let (town, provider) = Town::forging(&Sso::forged());
    provider.forge(Forgery::NoKeyId);
    assert_succeeds(&town);
}

#[test]
fn a_key_may_change_under_its_old_name_or_without_one() {
    for forgery in [Forgery::None, Forgery::NoKeyId] {
        let (town, provider) = Town::forging(&Sso::forged());
        provider.forge(forgery.clone());
        assert_succeeds(&town);
        provider.change_key("forger's second");
        assert_succeeds(&town);
        assert_eq!(provider.requests("/jwks").len(), 2);
        provider.change_key("forger's third");
        assert_fails(&town, &provider, forgery, "signature");
        assert_eq!(provider.requests("/jwks").len(), 2, "they are looked for once a minute");
    }
}

#[test]
fn an_answer_names_its_provider() {
    let (town, provider) = Town::forging(&Sso::forged());
    let reason = "does not say that it is of this provider";
    assert_fails(&town, &provider, Forgery::NoIssuerInResponse, reason);
    assert_fails(&town, &provider, Forgery::IssuerInResponse("https://other.test".to_owned()), reason);
    assert!(provider.requests("/token").is_empty(), "no code is sent to anybody");
    let mut browser = town.world.browser();
    let callback = town.up_to_callback(&mut browser);
    browser.open(&format!("{callback}&iss=https://other.test"));
    town.assert_failed("two issuers");
}

#[test]
fn mixed_up_endpoints_get_no_code() {
    let (town, provider) = Town::forging(&Sso::forged());
    let other = ForgingProvider::start();
    let elsewhere = format!("{}/authorize", other.issuer());
    assert_fails(&town, &provider, Forgery::SendsElsewhere(elsewhere), "of this provider");
    assert_eq!(other.requests("/authorize").len(), 1);
    assert!(provider.requests("/token").is_empty() && other.requests("/token").is_empty());
}

#[test]
fn a_discovery_document_of_another_issuer_is_not_believed() {
    let (town, provider) = Town::forging(&Sso::forged());
    provider.forge(Forgery::IssuerInDiscovery("https://other.test".to_owned()));
    assert_eq!(town.sign_in().status(), Some(502));
    assert!(town.reason_after(0).contains("another issuer"));
    provider.forge(Forgery::None);
    assert_succeeds(&town);
}

#[test]
fn a_discovery_document_may_be_wrong_where_it_is_not_needed() {
    let (town, provider) = Town::forging(&Sso::forged());
    provider.set_discovery(json!({
        "userinfo_endpoint": "nowhere", "end_session_endpoint": 7, "revocation_endpoint": "",
        "op_policy_uri": "n/a", "scopes_supported": "openid", "response_types_supported": null,
    }));
    assert_succeeds(&town);
    assert_eq!(town.calls("discovery", "ok"), 1);
}

#[test]
fn a_discovery_document_has_what_is_needed() {
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for wrong in [json!(null), json!("nowhere-at-all"), json!("javascript:nowhere()")] {
            let (town, provider) = Town::forging(&Sso::forged());
            provider.set_discovery(json!({ name: wrong }));
            assert_eq!(town.sign_in().status(), Some(502));
            assert!(town.reason_after(0).contains(&format!("`{name}`")), "{}", town.reason_after(0));
            assert!(!town.world.gateway.log_text().contains("nowhere"));
            provider.set_discovery(json!({}));
            assert_succeeds(&town);
        }
    }
}

#[test]
fn userinfo_is_about_the_person_who_signed_in() {
    let (town, provider) = Town::forging(&Sso::forged());
    provider.set_id_token_claims(serde_json::json!({}));
    assert_succeeds(&town);
    assert_fails(&town, &provider, Forgery::UserinfoSubject, "somebody else");
    for forgery in
        [Forgery::error_at("/userinfo"), Forgery::html_at("/userinfo"), Forgery::huge_at("/userinfo")]
    {
        assert_fails(&town, &provider, forgery, "userinfo");
    }
}

#[test]
fn a_claim_that_cannot_be_used_is_named_and_not_shown() {
    let (town, provider) = Town::forging(&Sso { asked: "city", ..Sso::forged() });
    for (address, wrong) in [
        (json!({ "street": "Nijmegen" }), "missing"),
        (json!({ "locality": null }), "missing"),
        (json!({ "locality": ["Nijmegen"] }), "a list, an object or a number that is too large"),
        (json!({ "locality": { "Nijmegen": 1 } }), "a list, an object or a number that is too large"),
    ] {
        provider.set_id_token_claims(json!({}));
        provider.set_userinfo_claims(json!({ "address": address }));
        let reason =
            format!("a claim that was asked for cannot be used: `city` from `/address/locality` is {wrong}");
        assert_fails(&town, &provider, Forgery::None, &reason);
    }
    let line = town.world.gateway.wait_for_log(|line| line.message() == "sign-in failed");
    assert_eq!(line.text_field("method"), Some("sso"));
    assert!(line.text_field("session").is_some() && line.text_field("request_id").is_some());
    town.assert_discreet();
}

#[test]
fn a_token_endpoint_that_does_not_know_the_gateway_is_told_from_others() {
    let (town, provider) = Town::forging(&Sso::forged());
    let unknown = answers::answer(401, &[], "{\"error\":\"a-secret\"}");
    for (forgery, reason) in [
        (Forgery::Answers("/token", unknown.clone()), "`client_id` and `client_secret` or `private_key_jwt`"),
        (Forgery::Answers("/token", answers::answer(400, &[], "")), "the provider's token cannot be used"),
        (Forgery::Answers("/userinfo", unknown), "the provider's userinfo cannot be used"),
    ] {
        provider.set_id_token_claims(json!({}));
        assert_fails(&town, &provider, forgery, reason);
    }
    town.assert_discreet();
}

#[test]
fn a_number_that_is_too_large_is_nobody() {
    let (town, provider) = Town::forging(&Sso { asked: "born", ..Sso::forged() });
    for (number, expected) in [("18446744073709551615", true), ("12345678901234567890123", false)] {
        let number: Value = serde_json::from_str(number).expect("a number");
        provider.set_id_token_claims(json!({ "birth_year": number }));
        if expected {
            town.sign_in();
            assert_eq!(town.attributes()["born"], number.to_string());
        } else {
            assert_fails(&town, &provider, Forgery::None, "a number that is too large");
        }
    }
}

#[test]
fn an_error_signs_nobody_in() {
    let (town, provider) = Town::forging(&Sso::forged());
    for error in ["server_error", "temporarily_unavailable", "invalid_request", "", "ACCESS_DENIED"] {
        assert_fails(&town, &provider, Forgery::AuthorizationError(error), "failed");
    }
    provider.forge(Forgery::AuthorizationError("account_selection_required"));
    town.sign_in();
    assert_eq!(town.world.events("auth_returned", "cancelled"), 1);
}

#[test]
fn bad_answers_are_failed_sign_ins() {
    for path in ["/token", "/jwks"] {
        for forgery in [
            Forgery::error_at(path),
            Forgery::html_at(path),
            Forgery::huge_at(path),
            Forgery::resets_at(path),
        ] {
            let (town, provider) = Town::forging(&Sso::forged());
            assert_fails(&town, &provider, forgery, path.trim_start_matches('/'));
            assert_succeeds(&town);
            town.assert_discreet();
        }
    }
}

#[test]
fn a_code_is_redeemed_once() {
    let (town, provider) = Town::forging(&Sso::forged());
    let mut browser = town.world.browser();
    let callback = town.up_to_callback(&mut browser);
    assert!(browser.open(&callback).url.contains("/room/"));
    town.attributes();
    assert_eq!(browser.open(&callback).status(), Some(403));
    assert_eq!(provider.requests("/token").len(), 1);
    // Even from a browser that has kept its cookie.
    let mut keeper = town.world.browser();
    let callback = town.up_to_callback(&mut keeper);
    let mut copy = keeper.clone();
    keeper.open(&callback);
    town.attributes();
    copy.open(&callback);
    assert_eq!(town.world.comm.deliveries().len(), 2, "a session has one result");
    assert_eq!(provider.requests("/token").len(), 3);
}

#[test]
fn a_session_takes_no_other_sessions_answer() {
    let (town, provider) = Town::forging(&Sso::forged());
    let (mut anna, mut mallory) = (town.world.browser(), town.world.browser());
    let (annas, mallorys) = (town.up_to_callback(&mut anna), town.up_to_callback(&mut mallory));
    assert_eq!(anna.clone().open(&mallorys).status(), Some(403), "an answer that another browser got");
    let state = parameter(&mallorys, "state").expect("state");
    let mixed = with_parameter(&annas, "state", &state);
    assert_eq!(anna.clone().open(&mixed).status(), Some(403), "another session's state");
    assert!(provider.requests("/token").is_empty());
    let code = parameter(&mallorys, "code").expect("a code");
    anna.open(&with_parameter(&annas, "code", &code));
    town.assert_failed("another session's code does not have this one's PKCE verifier");
    assert_eq!(provider.requests("/token").len(), 1);
}

#[test]
fn what_is_not_an_answer_is_refused() {
    let (town, provider) = Town::forging(&Sso::forged());
    let mut browser = town.world.browser();
    let page = town.start(&mut browser);
    let (_, page_state) = page.rsplit_once('/').expect("a path");
    for url in [
        CALLBACK.to_owned(),
        format!("{CALLBACK}?code=a"),
        format!("{CALLBACK}?code=a&state="),
        format!("{CALLBACK}?code=a&state=x.y.z"),
        format!("{CALLBACK}?code=a&state={page_state}"),
        format!("http://gateway.test/auth/sso/{page_state}x"),
        format!("http://gateway.test/auth/sso/{page_state}/callback"),
    ] {
        assert_eq!(browser.open(&url).status(), Some(404), "{url}");
    }
    assert_eq!(browser.post_form(CALLBACK, &[("state", page_state)]).status, 405);
    let callback = town.up_to_callback(&mut browser);
    let state = parameter(&callback, "state").expect("state");
    assert_eq!(browser.open(&format!("http://gateway.test/auth/sso/{state}")).status(), Some(404));
    assert_eq!(browser.open(&format!("{callback}&state={state}")).status(), Some(404));
    browser.open(&format!("{callback}&code=another"));
    town.assert_failed("two codes");
    assert!(provider.requests("/token").is_empty());
}

#[test]
fn who_looks_ahead_changes_nothing() {
    let (town, provider) = Town::forging(&Sso::forged());
    let mut browser = town.world.browser();
    let callback = town.up_to_callback(&mut browser);
    assert_eq!(browser.request("HEAD", &callback, &[], b"").status, 200);
    assert_eq!(browser.request("GET", &callback, &[("Sec-Purpose", "prefetch")], b"").status, 204);
    assert!(provider.requests("/token").is_empty());
    browser.open(&callback);
    assert_eq!(town.attributes().len(), 1);
}

#[test]
fn a_provider_without_such_endpoints_has_no_updates() {
    let (town, _provider) = Town::forging(&Sso::forged());
    town.sign_in();
    assert_eq!(town.session_url(), None);
}
