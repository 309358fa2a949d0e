use http::HeaderName;

use super::*;
use crate::model::Dialect;

fn html(answer: &OwnAnswer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn method<'a>(tag: &'a str, name: &'a str, image_path: &'a str) -> MethodChoice<'a> {
    MethodChoice { tag, name, image_path }
}

fn methods(unauthenticated: bool) -> ChooseMethods<'static> {
    ChooseMethods {
        base: "/contact",
        purpose: PurposeChoice { tag: "met spatie/é", name: "Verhuizing <doorgeven>" },
        auth_methods: vec![
            method("test", "Testinlog", "/static/test.svg"),
            method("irma", "IRMA", "https://irma.example/i.svg"),
        ],
        comm_methods: vec![
            method("call", "Bellen", "/static/phone.svg"),
            method("chat", "Chatten", "/static/chat.svg"),
        ],
        unauthenticated,
        session: None,
    }
}

fn received(attributes: Option<Vec<(&'static str, &'static str)>>) -> Delivery<'static> {
    Delivery::Received {
        route: Route::AttrUrl,
        result: DeliveredResult {
            dialect: Dialect::VerderHelpen,
            attributes,
            session_url: None,
            issued_at: 1_800_000_000,
            expires_at: 1_800_000_300,
        },
    }
}

fn inspect(delivery: Delivery<'_>, language: Language) -> OwnAnswer {
    delivered(&Delivered { base: "/contact", purpose: "Verhuizing doorgeven", delivery }, language)
}

fn stopped(why: Why, language: Language) -> OwnAnswer {
    let link = BackLink::start_again("/contact", "report_move", language);
    not_signed_in(&NotSignedIn { base: "/contact", why, link: &link, session: "7f3a-91cc" }, language)
}

/// Every page in one state each, as it would be sent.
fn every_page(language: Language) -> Vec<(&'static str, OwnAnswer)> {
    let purposes = vec![
        PurposeChoice { tag: "report_move", name: "Verhuizing doorgeven" },
        PurposeChoice { tag: "met spatie/é", name: "Iets anders" },
    ];
    let requested = vec![
        RequestedAttribute { tag: "email", value: Some("anna@example.nl") },
        RequestedAttribute { tag: "bsn", value: None },
    ];
    let confirmed = vec![ConfirmedAttribute { tag: "email", value: "anna@example.nl" }];
    let problem = ErrorPage {
        base: "/contact",
        status: StatusCode::BAD_GATEWAY,
        title: "Inloggen lukt nu niet",
        what_happened: "De inlogdienst geeft geen antwoord.",
        what_to_do: "Probeer het over een paar minuten opnieuw, of kies een andere manier.",
        links: &[],
        session: Some("7f3a-91cc"),
    };
    vec![
        ("choose_purpose", choose_purpose(&ChoosePurpose { base: "/contact", purposes }, language)),
        ("choose_methods", choose_methods(&methods(true), language)),
        (
            "sign_in",
            sign_in(&SignIn { base: "/contact", purpose: "Verhuizing", attributes: requested }, language),
        ),
        ("received", inspect(received(Some(vec![("email", "anna@example.nl")])), language)),
        ("failed", inspect(received(None), language)),
        ("waiting", inspect(Delivery::Waiting, language)),
        ("nothing", inspect(Delivery::Nothing, language)),
        (
            "unreadable",
            inspect(Delivery::Unreadable { route: Route::Result, reason: Unreadable::OtherKey }, language),
        ),
        ("error", error(&problem, language)),
        (
            "waiting_sign_in",
            waiting(
                &Waiting {
                    base: "/contact",
                    again: "/contact/auth/x/1",
                    otherwise: "/contact/auth/x/1?refresh=off",
                    every: Some(2),
                    cancel: "https://c.example/",
                },
                language,
            ),
        ),
        (
            "confirm",
            confirm(
                &Confirm { base: "/contact", purpose: "Verhuizing", attributes: confirmed, token: "t" },
                language,
            ),
        ),
        ("call", call(&Call { base: "/contact", url: "tel:+31201234567,,12#" }, language)),
        ("cancelled", stopped(Why::Cancelled, language)),
        ("not_signed_in", stopped(Why::Failed, language)),
    ]
}

#[test]
fn every_page_has_its_language_one_heading_and_the_headers() {
    for language in Language::ALL {
        for (name, answer) in every_page(language) {
            let html = html(&answer);
            assert!(html.contains(&format!("<html lang=\"{}\">", language.code())), "{name}");
            assert_eq!(html.matches("<h1>").count(), 1, "{name}");
            assert!(html.contains("<main id=\"main\""), "{name}");
            for banned in ["<script", "style=\"", "<style", " onclick", "javascript:"] {
                assert!(!html.contains(banned), "{name}: {banned}");
            }
            let header =
                |name: HeaderName| answer.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
            assert_eq!(header(header::CACHE_CONTROL).unwrap(), "no-store");
            assert_eq!(header(header::REFERRER_POLICY).unwrap(), "no-referrer");
            assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
            assert_eq!(header(header::CONTENT_TYPE).unwrap(), "text/html; charset=utf-8");
            assert_eq!(header(header::CONTENT_SECURITY_POLICY).unwrap(), CONTENT_SECURITY_POLICY);
        }
    }
    assert!(!CONTENT_SECURITY_POLICY.contains("form-action"));
}

#[test]
fn every_link_starts_with_the_base_path() {
    for (name, answer) in every_page(Language::Nl) {
        let html = html(&answer);
        for attribute in ["href=\"/", "src=\"/", "action=\"/"] {
            let all = html.matches(attribute).count();
            assert_eq!(html.matches(&format!("{attribute}contact/")).count(), all, "{name}");
        }
    }
}

#[test]
fn the_pages_differ_between_languages() {
    for (dutch, english) in every_page(Language::Nl).into_iter().zip(every_page(Language::En)) {
        assert_ne!(html(&dutch.1), html(&english.1), "{}", dutch.0);
    }
}

#[test]
fn a_purpose_with_any_tag_can_be_chosen() {
    let html = html(&every_page(Language::Nl)[0].1);
    assert!(html.contains("href=\"/contact/choose/met%20spatie%2F%C3%A9\""), "{html}");
}

#[test]
fn the_first_methods_are_preselected_in_a_plain_form() {
    let html = html(&choose_methods(&methods(false), Language::Nl));
    assert!(html.contains("<form method=\"post\" action=\"/contact/start\">"));
    assert!(html.contains("name=\"purpose\" value=\"met spatie/é\""));
    assert!(html.contains("name=\"auth_method\" value=\"test\" required checked"));
    assert!(html.contains("name=\"auth_method\" value=\"irma\" required>"));
    assert!(html.contains("name=\"comm_method\" value=\"call\" required checked"));
    assert!(html.contains("src=\"/contact/static/test.svg\""));
    assert!(html.contains("src=\"https://irma.example/i.svg\""));
    assert!(html.contains("Verhuizing &#60;doorgeven&#62;") && !html.contains("<doorgeven>"));
    assert_eq!(html.matches("<form").count(), 1);
}

#[test]
fn who_need_not_sign_in_has_a_form_without_auth_method() {
    let html = html(&choose_methods(&methods(true), Language::En));
    let second = html.split("<form").nth(2).unwrap();
    assert!(second.contains("name=\"comm_method\" value=\"call\"") && !second.contains("auth_method"));
}

#[test]
fn empty_lists_give_a_sentence_and_no_empty_form() {
    let none = ChooseMethods { comm_methods: Vec::new(), ..methods(true) };
    let nobody = ChooseMethods { auth_methods: Vec::new(), ..methods(false) };
    for view in [none, nobody] {
        let html = html(&choose_methods(&view, Language::Nl));
        assert!(!html.contains("<form") && html.contains("op dit moment niet"), "{html}");
    }
    let only_unauthenticated = ChooseMethods { auth_methods: Vec::new(), ..methods(true) };
    assert_eq!(html(&choose_methods(&only_unauthenticated, Language::Nl)).matches("<form").count(), 1);
    let purposes = choose_purpose(&ChoosePurpose { base: "", purposes: Vec::new() }, Language::En);
    assert!(html(&purposes).contains("There is nothing") && !html(&purposes).contains("<ul"));
}

#[test]
fn only_a_waiting_page_looks_again() {
    for (name, answer) in every_page(Language::Nl) {
        assert_eq!(html(&answer).contains("http-equiv=\"refresh\""), name.starts_with("waiting"), "{name}");
    }
}

#[test]
fn what_was_delivered_is_shown_escaped() {
    let answer = inspect(received(Some(vec![("name", "<b>\"Anna\"&")])), Language::En);
    let html = html(&answer);
    assert!(html.contains("&#60;b&#62;") && !html.contains("<b>"), "{html}");
    for shown in ["verder-helpen", "2027-01-15 08:00:00 UTC", "2027-01-15T08:05:00Z", "to attr_url"] {
        assert!(html.contains(shown), "{shown}");
    }
}

#[test]
fn who_stopped_and_who_could_not_sign_in_are_told_apart() {
    let [cancelled, failed] = [Why::Cancelled, Why::Failed].map(|why| html(&stopped(why, Language::En)));
    assert!(
        cancelled.contains("Signing in was cancelled.") && failed.contains("Signing in did not succeed.")
    );
    for page in [cancelled, failed] {
        assert!(
            page.contains("href=\"/contact/choose/report_move\"") && page.contains("7f3a-91cc"),
            "{page}"
        );
    }
}

#[test]
fn an_error_leads_on_and_names_its_session() {
    let answer = &every_page(Language::Nl)[8].1;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let html = html(answer);
    assert!(html.contains("href=\"/contact/choose\"") && html.contains("7f3a-91cc"));
}

/// Writes every page to the directory in `PAGES_DIR`, to be looked at in a browser.
#[test]
#[ignore = "for looking at the pages"]
fn write_every_page() {
    #[allow(clippy::disallowed_methods, reason = "names where a person wants to look at the pages")]
    let directory = std::path::PathBuf::from(std::env::var("PAGES_DIR").unwrap());
    for language in Language::ALL {
        for (name, answer) in every_page(language) {
            std::fs::write(directory.join(format!("{name}.{}.html", language.code())), &answer.body).unwrap();
        }
    }
}
