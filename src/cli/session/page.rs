//! What a page of the gateway is: told by the mark `data-page`, its forms and its refresh.

use std::time::Duration;

use super::html::{attribute, between, tags};

/// A page of the gateway's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) kind: Kind,
    pub(super) title: String,
    /// The reference that finds the log lines.
    pub(super) reference: Option<String>,
    /// The first form with a button that says what to do.
    pub(super) form: Option<Form>,
    /// Where a link leads that cancels.
    pub(super) cancel: Option<String>,
    pub(super) refresh: Option<Refresh>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Cancelled,
    /// The sign-in failed.
    NotSignedIn,
    Call,
    Choose,
    /// `inspect` got a result with attributes, which may be none.
    Received,
    /// A result that says that the citizen did not sign in.
    Failed,
    /// No result came.
    Nothing,
    /// A result that `inspect` cannot read.
    Unreadable,
    Other,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent; `None` is the page's own URL.
    pub(super) action: Option<String>,
    pub(super) hidden: Vec<(String, String)>,
    /// The values of its buttons, all of which are named `action`.
    pub(super) buttons: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    pub(super) after: Duration,
    /// `None` is the page's own URL.
    pub(super) url: Option<String>,
}

impl Page {
    /// `None` for what is not a page of the gateway.
    pub(super) fn read(html: &str) -> Option<Self> {
        let kind = match attribute(tags(html, "body").next()?, "data-page")?.as_str() {
            "error" => Kind::Error,
            "cancelled" => Kind::Cancelled,
            "not_signed_in" => Kind::NotSignedIn,
            "call" => Kind::Call,
            "choose" => Kind::Choose,
            "received" => Kind::Received,
            "failed" => Kind::Failed,
            "nothing" => Kind::Nothing,
            "unreadable" => Kind::Unreadable,
            _ => Kind::Other,
        };
        Some(Self {
            kind,
            title: between(html, "<h1>", "</h1>").unwrap_or_default(),
            reference: between(html, "<p class=\"reference\">", "</p>")
                .and_then(|text| text.split_whitespace().last().map(str::to_owned)),
            form: html.split("<form").skip(1).find_map(Form::read),
            cancel: tags(html, "a")
                .find(|tag| attribute(tag, "data-action").as_deref() == Some("cancel"))
                .and_then(|tag| attribute(tag, "href")),
            refresh: tags(html, "meta").find_map(Refresh::read),
        })
    }
}

impl Form {
    /// From what follows `<form`.
    fn read(rest: &str) -> Option<Self> {
        let (tag, rest) = rest.split_once('>')?;
        let content = rest.split("</form>").next().unwrap_or_default();
        let is_hidden = |tag: &&str| attribute(tag, "type").as_deref() == Some("hidden");
        let hidden = tags(content, "input")
            .filter(is_hidden)
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
        let acts = |tag: &&str| attribute(tag, "name").as_deref() == Some("action");
        let buttons: Vec<_> =
            tags(content, "button").filter(acts).filter_map(|tag| attribute(tag, "value")).collect();
        let form = Self { action: attribute(tag, "action"), hidden: hidden.collect(), buttons };
        (!form.buttons.is_empty()).then_some(form)
    }

    pub(super) fn has(&self, button: &str) -> bool {
        self.buttons.iter().any(|value| value == button)
    }
}

impl Refresh {
    fn read(meta: &str) -> Option<Self> {
        if attribute(meta, "http-equiv")? != "refresh" {
            return None;
        }
        let content = attribute(meta, "content")?;
        let (seconds, url) = match content.split_once(';') {
            Some((seconds, url)) => (seconds, url.trim().strip_prefix("url=").map(str::to_owned)),
            None => (content.as_str(), None),
        };
        Some(Self { after: Duration::from_secs(seconds.trim().parse().ok()?), url })
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::{
        model::{Language, OwnAnswer},
        pages::{
            self, BackLink, Call, ChoosePurpose, Delivered, DeliveredResult, Delivery, ErrorPage,
            NotSignedIn, Route, SignIn, Unreadable, Waiting, Why,
        },
    };

    fn read(answer: &OwnAnswer) -> Page {
        Page::read(std::str::from_utf8(&answer.body).unwrap()).unwrap()
    }

    fn delivered(delivery: Delivery<'_>) -> Page {
        let view = Delivered { base: "", purpose: "Move", delivery };
        read(&pages::delivered(&view, Language::En))
    }

    fn received(attributes: Option<Vec<(&str, &str)>>) -> Kind {
        let result = DeliveredResult {
            dialect: crate::model::Dialect::IdContact,
            attributes,
            session_url: None,
            issued_at: 1,
            expires_at: 2,
        };
        delivered(Delivery::Received { route: Route::Result, result }).kind
    }

    #[test]
    fn the_sign_in_offers_three_buttons() {
        let view = SignIn { base: "", purpose: "Move", attributes: Vec::new() };
        let form = read(&pages::sign_in(&view, Language::En)).form.unwrap();
        assert_eq!((form.action, form.hidden), (None, Vec::new()));
        assert_eq!(form.buttons, ["confirm", "cancel", "fail"]);
    }

    #[test]
    fn a_page_that_waits_can_be_left() {
        let view = Waiting {
            base: "",
            again: "/auth/pin/go/x",
            otherwise: "/auth/pin/go/x?refresh=off",
            every: Some(3),
            cancel: "/auth/pin/cancel/x?a&b",
        };
        let page = read(&pages::waiting(&view, Language::En));
        assert_eq!(page.cancel.as_deref(), Some("/auth/pin/cancel/x?a&b"));
        let refresh = Refresh { after: Duration::from_secs(3), url: Some("/auth/pin/go/x".to_owned()) };
        assert_eq!((page.kind, page.refresh), (Kind::Other, Some(refresh)));
    }

    #[test]
    fn hidden_fields_go_along() {
        let html = "<body data-page=\"other\"><form method=\"post\" action=\"/x?a&#38;b\">\
                    <input type=\"hidden\" name=\"token\" value=\"t\"><input type=\"text\" name=\"no\">\
                    <button name=\"action\" value=\"confirm\">";
        let form = Page::read(html).unwrap().form.unwrap();
        assert_eq!(form.action.as_deref(), Some("/x?a&b"));
        assert_eq!(form.hidden, [("token".to_owned(), "t".to_owned())]);
        assert!(form.has("confirm") && !form.has("cancel"));
    }

    #[test]
    fn a_page_goes_on_where_it_says() {
        let url = format!("https://chat.example/?a=1&result={}", "x".repeat(pages::MAX_LOCATION));
        let refresh = read(&pages::go_on("", &url, Language::En)).refresh.unwrap();
        assert_eq!(refresh, Refresh { after: Duration::ZERO, url: Some(url) });
        let waiting = delivered(Delivery::Waiting);
        assert_eq!(waiting.refresh, Some(Refresh { after: Duration::from_secs(2), url: None }));
        assert_eq!(waiting.kind, Kind::Other);
    }

    #[test]
    fn every_end_has_its_mark() {
        let link = BackLink { url: "/x".to_owned(), label: "On" };
        for (why, kind) in [(Why::Cancelled, Kind::Cancelled), (Why::Failed, Kind::NotSignedIn)] {
            let view = NotSignedIn { base: "", why, link: &link, session: "V745B6MA" };
            let page = read(&pages::not_signed_in(&view, Language::En));
            assert_eq!((page.kind, page.reference.as_deref()), (kind, Some("V745B6MA")));
        }
        let call = Call { base: "", url: "tel:112" };
        assert_eq!(read(&pages::call(&call, Language::En)).kind, Kind::Call);
        let choose = ChoosePurpose { base: "", purposes: Vec::new() };
        assert_eq!(read(&pages::choose_purpose(&choose, Language::En)).kind, Kind::Choose);
        assert_eq!(received(Some(vec![("email", "a@b")])), Kind::Received);
        assert_eq!(received(None), Kind::Failed);
        assert_eq!(delivered(Delivery::Nothing).kind, Kind::Nothing);
        let unreadable = Delivery::Unreadable { route: Route::Result, reason: Unreadable::OtherKey };
        assert_eq!(delivered(unreadable).kind, Kind::Unreadable);
    }

    #[test]
    fn an_error_has_a_title_and_a_reference() {
        let view = ErrorPage {
            base: "",
            status: StatusCode::BAD_GATEWAY,
            title: "Your data did not arrive <now>",
            what_happened: "",
            what_to_do: "",
            links: &[],
            session: Some("V745B6MA"),
        };
        let page = read(&pages::error(&view, Language::En));
        assert_eq!(page.kind, Kind::Error);
        assert_eq!(page.title, "Your data did not arrive <now>");
        assert_eq!(page.reference.as_deref(), Some("V745B6MA"));
    }

    #[test]
    fn pages_of_others_are_none_of_the_gateway() {
        for html in ["", "<body>", "<html><body class=\"x\"><form action=\"/\">", "<p data-page=\"error\">"] {
            assert_eq!(Page::read(html), None, "{html}");
        }
    }
}
