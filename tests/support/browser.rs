//! A small browser: follows redirects, keeps cookies as RFC 6265 and its `__Host-` prefix want
//! them, and stops where a person would read or call.

use serde_json::Value;
use url::Url;

use super::{client::Response, network::Network};

/// What a browser says that it likes to read.
pub const PAGE: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const MAX_HOPS: usize = 10;

/// One browser with a cookie jar of its own.
#[derive(Clone)]
pub struct Browser {
    network: Network,
    cookies: Vec<Cookie>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    pub host: String,
    pub name: String,
    pub value: String,
    pub path: String,
    pub secure: bool,
    pub http_only: bool,
    /// Everything after the value, as it came.
    pub attributes: String,
}

/// Where the browser stands.
#[derive(Debug, Clone)]
pub struct Landing {
    /// With its fragment, exactly as the last redirect spelled it.
    pub url: String,
    /// `None` where another program takes over, as for `tel:`.
    pub page: Option<Response>,
}

impl Browser {
    pub fn new(network: &Network) -> Self {
        Self { network: network.clone(), cookies: Vec::new() }
    }

    /// Opens a URL and follows redirects to their end.
    pub fn open(&mut self, url: &str) -> Landing {
        self.follow(url.to_owned())
    }

    /// Opens a URL and stays there, whatever it answers.
    pub fn get(&mut self, url: &str) -> Response {
        self.request("GET", url, &[PAGE, ("Accept-Language", "en")], b"")
    }

    /// What a widget's script does: posts JSON, wants JSON.
    pub fn post_json(&mut self, url: &str, body: &Value) -> Response {
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        self.request("POST", url, &headers, body.to_string().as_bytes())
    }

    /// Sends a form and stays there.
    pub fn post_form(&mut self, url: &str, fields: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers =
            [PAGE, ("Accept-Language", "en"), ("Content-Type", "application/x-www-form-urlencoded")];
        self.request("POST", url, &headers, body.as_bytes())
    }

    /// Sends a request and keeps the cookies of its answer.
    pub fn request(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let parsed = Url::parse(url).unwrap_or_else(|error| panic!("{error}: {url}"));
        let cookies = self.cookies_for(&parsed);
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        let answer = self.network.send("browser", method, url, &headers, body);
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {method} {url}"));
        for line in answer.header_values("set-cookie") {
            self.keep(&parsed, line);
        }
        answer
    }

    /// Follows the redirect of an answer to its end, or stays at an answer that is none.
    pub fn follow_answer(&mut self, url: &str, answer: Response) -> Landing {
        match answer.header("location") {
            Some(location) if (300..400).contains(&answer.status) => {
                let next = resolved(url, location);
                self.follow(next)
            }
            _ => Landing { url: url.to_owned(), page: Some(answer) },
        }
    }

    pub fn cookies(&self) -> &[Cookie] {
        &self.cookies
    }

    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    fn follow(&mut self, mut url: String) -> Landing {
        for _ in 0..MAX_HOPS {
            if !is_web(&url) {
                return Landing { url, page: None };
            }
            let answer = self.get(&url);
            match answer.header("location") {
                Some(location) if (300..400).contains(&answer.status) => url = resolved(&url, location),
                _ => return Landing { url, page: Some(answer) },
            }
        }
        panic!("more than {MAX_HOPS} redirects, the last one to {url}");
    }

    fn cookies_for(&self, url: &Url) -> String {
        let fits = |cookie: &&Cookie| {
            Some(cookie.host.as_str()) == url.host_str()
                && url.path().starts_with(&cookie.path)
                && (!cookie.secure || url.scheme() == "https")
        };
        let pairs =
            self.cookies.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, url: &Url, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap_or_else(|| panic!("no cookie: {line}"));
        let attribute = |wanted: &str| {
            attributes.split(';').map(str::trim).find_map(|attribute| {
                let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
            })
        };
        let cookie = Cookie {
            host: url.host_str().unwrap_or_default().to_owned(),
            name: name.trim().to_owned(),
            value: value.to_owned(),
            path: attribute("path").unwrap_or_else(|| "/".to_owned()),
            secure: attribute("secure").is_some(),
            http_only: attribute("httponly").is_some(),
            attributes: attributes.trim().to_owned(),
        };
        assert!(!cookie.secure || url.scheme() == "https", "a browser drops this cookie: {line}");
        if cookie.name.starts_with("__Host-") {
            let alone = attribute("domain").is_none() && cookie.path == "/" && cookie.secure;
            assert!(alone, "a browser drops this cookie: {line}");
        }
        self.cookies.retain(|other| {
            (&other.host, &other.name, &other.path) != (&cookie.host, &cookie.name, &cookie.path)
        });
        // The usual two ways to take a cookie back.
        let removed = attribute("max-age").as_deref() == Some("0")
            || attribute("expires").is_some_and(|time| time.contains(" 1970 "));
        if !removed {
            self.cookies.push(cookie);
        }
    }
}

impl Landing {
    /// The page, as text.
    pub fn text(&self) -> &str {
        self.page.as_ref().map(Response::text).unwrap_or_default()
    }

    pub fn status(&self) -> Option<u16> {
        self.page.as_ref().map(|page| page.status)
    }
}

/// Where the links of a page lead.
pub fn links(page: &str) -> Vec<String> {
    attribute_values(page, "href=\"")
}

/// Where a page goes on by itself, with `<meta http-equiv="refresh">`.
pub fn refresh(page: &str) -> Option<String> {
    let meta = page.split("<meta").find(|tag| tag.to_ascii_lowercase().contains("http-equiv=\"refresh\""))?;
    let content = attribute_values(meta, "content=\"").into_iter().next()?;
    let (_, url) = content.split_once(';')?;
    let url = url.trim();
    Some(url.strip_prefix("url=").or_else(|| url.strip_prefix("URL="))?.to_owned())
}

/// The value of a form's field.
pub fn field(page: &str, name: &str) -> Option<String> {
    let input = page.split("<input").find(|tag| tag.contains(&format!("name=\"{name}\"")))?;
    let input = input.split('>').next()?;
    attribute_values(input, "value=\"").into_iter().next()
}

fn attribute_values(page: &str, start: &str) -> Vec<String> {
    let values = page.split(start).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(unescaped).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&#61;", "=").replace("&quot;", "\"").replace("&amp;", "&")
}

/// A web address, in any letter case.
fn is_web(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

/// A reference as a browser resolves it; an absolute one keeps its spelling.
fn resolved(base: &str, reference: &str) -> String {
    if Url::parse(reference).is_ok() {
        return reference.to_owned();
    }
    let base = Url::parse(base).expect("the base is a URL");
    base.join(reference).expect("the reference is one").to_string()
}
