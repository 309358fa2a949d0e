//! Conversations by telephone: a `tel:` URL is no place where every plugin can redirect to.

use crate::{
    support::browser::links,
    world::{CONTINUE, Setup, World, irma_and_chat, start},
};

/// The schemes of the tests: it is case-insensitive.
const NUMBERS: [&str; 3] =
    ["tel:+31201234567,,12345#", "TEL:+31201234567,,12345#", "Tel:+31201234567,,12345#"];

fn world(auth: &str, number: &str, attr_url: bool) -> World {
    let world = World::new(&Setup::one(auth, ""));
    world.comm.plan(|plan| {
        number.clone_into(&mut plan.client_url);
        if !attr_url {
            plan.attr_url = None;
        }
    });
    world
}

#[test]
fn a_brokered_call_is_a_page_with_the_number_and_the_code() {
    for options in [
        "brokering: observe",
        "brokering: observe, disable_attr_url: true",
        "brokering: bind",
        "brokering: off, shim_tel_url: true",
        "brokering: off, disable_attr_url: true",
    ] {
        for number in NUMBERS {
            let world = world(options, number, true);
            let mut browser = world.browser();
            let sign_in = start(&mut browser, &irma_and_chat());
            assert!(world.auth.continuation().starts_with(CONTINUE), "{options} {number}");
            let landing = browser.open(&sign_in);
            let page = landing.text();
            assert_eq!(landing.status(), Some(200), "{options} {number}: {page}");
            assert!(page.contains("+31201234567") && page.contains("12345"), "{options} {number}: {page}");
            let call = links(page).into_iter().find(|link| link.to_ascii_lowercase().starts_with("tel:"));
            let call = call.unwrap_or_else(|| panic!("{options} {number}: no call in {page}"));
            assert!(call.contains("+31201234567,,12345"), "{options} {number}: {call}");
            assert_eq!(world.comm.deliveries().len(), 1, "{options} {number}");
            // Whoever reloads the page does not deliver twice.
            assert_eq!(browser.get(&landing.url).status, 200);
            assert_eq!((world.comm.deliveries().len(), world.comm.refused()), (1, 0), "{options} {number}");
        }
    }
}

#[test]
fn without_brokering_a_plugin_gets_the_number_itself() {
    for number in NUMBERS {
        let world = world("brokering: off", number, true);
        let mut browser = world.browser();
        let sign_in = start(&mut browser, &irma_and_chat());
        assert_eq!(world.auth.continuation(), number);
        let landing = browser.open(&sign_in);
        assert_eq!((landing.url.as_str(), landing.page.is_none()), (number, true));
        assert_eq!(world.comm.deliveries().len(), 1);
    }
}

#[test]
fn a_call_takes_an_authentication_result_only_by_post() {
    // Nobody can read a result at the end of a telephone number: what matters is that the citizen
    // still gets to call, and that an operator sees it.
    let world = world("brokering: observe", NUMBERS[0], false);
    let mut browser = world.browser();
    let sign_in = start(&mut browser, &irma_and_chat());
    let landing = browser.open(&sign_in);
    assert_eq!(landing.status(), Some(200));
    assert!(landing.text().contains("+31201234567"), "{}", landing.text());
    let claims = ["wie u bent", "who you are"].iter().any(|claim| landing.text().contains(claim));
    assert!(!claims, "nobody knows: {}", landing.text());
    assert_eq!(world.events("attributes_delivered", "delivery_failed"), 1);
}
