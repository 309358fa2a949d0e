//! Which form of an answer a client wants, by its `Accept` header.

/// Whether `POST /start` answers JSON (200) instead of a redirect (303).
///
/// JSON when `application/json` is listed and `text/html` is not (protocol.md, "Initiator -> core"):
/// the reference core wants exactly `application/json`, but real clients send more.
pub fn wants_json(accept: Option<&str>) -> bool {
    lists(accept, "application/json") && !lists(accept, "text/html")
}

/// Whether an error is shown as a page: only browsers list `text/html`.
pub fn wants_page(accept: Option<&str>) -> bool {
    lists(accept, "text/html")
}

fn lists(accept: Option<&str>, media_type: &str) -> bool {
    accept.unwrap_or_default().split(',').any(|range| {
        let mut parts = range.split(';');
        let named = parts.next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type));
        named && !parts.any(is_zero_weight)
    })
}

/// `q=0` says "not this one" (RFC 9110, section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    parameter.trim().strip_prefix("q=").is_some_and(|weight| weight.trim().parse::<f32>() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_clients_that_list_it_and_are_no_browsers() {
        for (accept, json) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), true),
            (Some("application/json, text/plain, */*"), true),
            (Some("Application/JSON;charset=utf-8"), true),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), false),
            (Some("text/html, application/json"), false),
            (Some("application/json;q=0, */*"), false),
            (Some("application/json, text/html;q=0"), true),
        ] {
            assert_eq!(wants_json(accept), json, "{accept:?}");
        }
    }
}
