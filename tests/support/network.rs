//! Names that lead to addresses which only the running test knows, and a transcript of who sent
//! what to whom.
//!
//! `public_url` has to stand in the configuration before the system has chosen a port: it is a name,
//! and browsers and plugins of the test reach the gateway through this table, as they would
//! through DNS. A name under `https` leads to the same listener in clear: the network plays the
//! proxy that ends TLS.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use url::{Position, Url};

use super::{
    client::{RawClient, Response, request},
    stub::ReceivedRequest,
};

/// The names and the transcript; copies share both.
#[derive(Clone, Default)]
pub struct Network(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: HashMap<String, SocketAddr>,
    transcript: Vec<String>,
}

impl Network {
    /// Makes a name lead to an address from now on.
    pub fn point(&self, name: &str, address: SocketAddr) {
        self.state().names.insert(name.to_owned(), address);
    }

    /// Sends one request over a connection of its own; `who` is for the transcript.
    pub fn send(
        &self,
        who: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let url = Url::parse(url).map_err(io::Error::other)?;
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let mut headers = headers.to_vec();
        if url.scheme() == "https" {
            headers.push(("X-Forwarded-Proto", "https"));
        }
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let line = format!("{who:<8} -> {:<8} {method} {}", self.name_of(&url), shape(target));
        let entry = self.note(format!("{line}{}", size(body)));
        let answer = self.address(&url).and_then(RawClient::try_connect).and_then(|mut client| {
            client.try_send(request(method, authority, target, &headers, body))?;
            client.try_read_response(method != "HEAD")
        });
        let outcome = match &answer {
            Ok(answer) => outcome(answer),
            Err(error) => error.kind().to_string(),
        };
        self.state().transcript[entry].push_str(&format!("  =>  {outcome}"));
        answer
    }

    /// Notes a request that a plugin received from the gateway.
    pub fn received(&self, whom: &str, request: &ReceivedRequest) {
        let (method, target) = (request.method(), shape(request.target()));
        self.note(format!("gateway  -> {whom:<8} {method} {target}{}", size(&request.body.content)));
    }

    /// What passed since the last time, without any value: methods, the kinds of paths, sizes.
    pub fn take_transcript(&self) -> Vec<String> {
        std::mem::take(&mut self.state().transcript)
    }

    fn address(&self, url: &Url) -> io::Result<SocketAddr> {
        let named = url.host_str().and_then(|name| self.state().names.get(name).copied());
        match named {
            Some(address) => Ok(address),
            None => url[Position::BeforeHost..Position::AfterPort].parse().map_err(io::Error::other),
        }
    }

    fn name_of(&self, url: &Url) -> &'static str {
        let is_name = url.host_str().is_some_and(|name| self.state().names.contains_key(name));
        match url.path() {
            _ if is_name => "gateway",
            path if path.starts_with("/ui/") || path.starts_with("/updates/") => "auth",
            _ => "comm",
        }
    }

    fn note(&self, line: String) -> usize {
        let mut state = self.state();
        state.transcript.push(line);
        state.transcript.len() - 1
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(answer: &Response) -> String {
    match answer.header("location") {
        Some(location) => format!("{} {}", answer.status, shape(location)),
        None => format!("{}{}", answer.status, size(&answer.body.content)),
    }
}

fn size(body: &[u8]) -> String {
    if body.is_empty() { String::new() } else { format!(" [{} B]", body.len()) }
}

/// A URL or a path whose long parts are replaced by their lengths: they are secret, and differ.
pub fn shape(target: &str) -> String {
    let long = |part: &str| if part.len() > 40 { format!("{{{}}}", part.len()) } else { part.to_owned() };
    let mut shape = String::new();
    let mut part = String::new();
    for character in target.chars() {
        if "/?&=#".contains(character) {
            shape += &long(&std::mem::take(&mut part));
            shape.push(character);
        } else {
            part.push(character);
        }
    }
    shape + &long(&part)
}
