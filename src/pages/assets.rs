//! The files under `/static/`, embedded.

use std::sync::LazyLock;

use http::{HeaderValue, StatusCode, header};

use crate::model::OwnAnswer;

/// The answer for `GET /static/{name}`, or 304 when the client has it already; `None` when there is
/// no such file. `if_none_match` is that header of the request (RFC 9110, section 13.1.2).
pub fn asset(name: &str, if_none_match: Option<&str>) -> Option<OwnAnswer> {
    ASSETS.iter().find(|asset| asset.name == name).map(|asset| asset.answer(if_none_match))
}

struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    etag: HeaderValue,
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        Asset::new("style.css", CSS, include_bytes!("assets/style.css")),
        Asset::new("test.svg", SVG, include_bytes!("assets/test.svg")),
        Asset::new("inspect.svg", SVG, include_bytes!("assets/inspect.svg")),
        Asset::new("phone.svg", SVG, include_bytes!("assets/phone.svg")),
        Asset::new("chat.svg", SVG, include_bytes!("assets/chat.svg")),
        Asset::new("irma.svg", SVG, include_bytes!("assets/irma.svg")),
        Asset::new("digid.svg", SVG, include_bytes!("assets/digid.svg")),
        Asset::new("video.svg", SVG, include_bytes!("assets/video.svg")),
    ]
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, body: &'static [u8]) -> Self {
        Self { name, content_type, body, etag: strong_etag(body) }
    }

    fn answer(&self, if_none_match: Option<&str>) -> OwnAnswer {
        let answer = if if_none_match.is_some_and(|known| self.is_known(known)) {
            OwnAnswer::empty(StatusCode::NOT_MODIFIED)
        } else {
            OwnAnswer::new(StatusCode::OK, self.content_type, self.body)
                .with_header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        };
        answer
            .with_header(header::ETAG, self.etag.clone())
            .with_header(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"))
    }

    fn is_known(&self, if_none_match: &str) -> bool {
        if_none_match.split(',').map(str::trim).any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || tag.as_bytes() == self.etag.as_bytes()
        })
    }
}

/// FNV-1a of the content: it has to differ from release to release, not to withstand anyone.
fn strong_etag(body: &[u8]) -> HeaderValue {
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    HeaderValue::from_str(&format!("\"{hash:016x}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(answer: &'a OwnAnswer, name: &http::HeaderName) -> Option<&'a HeaderValue> {
        answer.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    #[test]
    fn files_come_with_type_and_tag() {
        let css = asset("style.css", None).unwrap();
        assert_eq!(css.status, StatusCode::OK);
        assert_eq!(header(&css, &header::CONTENT_TYPE).unwrap(), CSS);
        assert!(asset("missing.css", None).is_none() && asset("../mod.rs", None).is_none());
    }

    #[test]
    fn a_known_file_is_not_sent_again() {
        let etag = header(&asset("chat.svg", None).unwrap(), &header::ETAG).unwrap().clone();
        let etag = etag.to_str().unwrap();
        for known in [etag.to_owned(), format!("\"x\", W/{etag}"), "*".into()] {
            let answer = asset("chat.svg", Some(&known)).unwrap();
            assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            assert_eq!(header(&answer, &header::ETAG).unwrap(), etag);
        }
        assert_eq!(asset("phone.svg", Some(etag)).unwrap().status, StatusCode::OK);
    }

    #[test]
    fn drawings_are_self_contained() {
        for asset in ASSETS.iter().filter(|asset| asset.content_type == SVG) {
            let text = std::str::from_utf8(asset.body).unwrap();
            assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{}", asset.name);
            assert!(!text.contains("<script") && !text.contains("href"), "{}", asset.name);
        }
    }
}
