//! Requests to an OpenID provider, each counted as a call of its method.
//! May import: what `plugins` may.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::{
    super::{Call, Environment, IncomingAnswer, OutgoingRequest, PluginError},
    trouble::Trouble,
};
use crate::{config::DEFAULT_CONNECT_TIMEOUT, model::PluginUrl, upstreams::Server};

/// What the provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Discovery,
    Keys,
    Token,
    Userinfo,
    Revocation,
    EndSession,
}

impl Operation {
    /// The value of the metric label `operation`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "jwks",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
            Self::Revocation => "revocation",
            Self::EndSession => "end_session",
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Fields of a form and headers beside it. They hold codes, tokens and secrets.
#[derive(Default)]
pub(super) struct Form {
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Calls on behalf of one method, during one request.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    /// The tag of the method.
    pub(super) method: &'a str,
    /// For each call.
    pub(super) timeout: Duration,
    pub(super) environment: Environment<'a>,
}

struct Draft<'a> {
    method: Method,
    content_type: Option<&'static str>,
    headers: &'a [(HeaderName, HeaderValue)],
    body: Bytes,
}

impl Calls<'_> {
    /// GET, answered with 200 and JSON.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: Operation,
        url: &str,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<T, Trouble> {
        let draft = Draft { method: Method::GET, content_type: None, headers, body: Bytes::new() };
        self.counted(operation, async { json(&self.send(url, draft).await?) }).await
    }

    /// POST of a form, sent once and answered with 200 and JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        operation: Operation,
        url: &str,
        form: &Form,
    ) -> Result<T, Trouble> {
        self.counted(operation, async { json(&self.send(url, Draft::of(form)).await?) }).await
    }

    /// POST of a form of which only the answer's status matters: a success, or a way to somewhere else.
    pub(super) async fn tell(&self, operation: Operation, url: &str, form: &Form) -> Result<(), Trouble> {
        self.counted(operation, async {
            let status = self.send(url, Draft::of(form)).await?.status;
            // A redirect is how a logout ends; a revocation that is sent elsewhere has not happened.
            let is_heard =
                status.is_success() || (operation == Operation::EndSession && status.is_redirection());
            if is_heard { Ok(()) } else { Err(PluginError::Status(status)) }
        })
        .await
    }

    async fn counted<T>(
        &self,
        operation: Operation,
        answer: impl Future<Output = Result<T, PluginError>>,
    ) -> Result<T, Trouble> {
        let call = Call::begin(self.method, operation.as_str(), self.environment.metrics);
        call.end(answer.await).map_err(|error| Trouble::Call(operation, error))
    }

    async fn send(&self, url: &str, draft: Draft<'_>) -> Result<IncomingAnswer, PluginError> {
        let url = PluginUrl::parse_attr_url(url.to_owned()).map_err(|_| PluginError::Malformed)?;
        let (server, path_and_query) = url.request_target().ok_or(PluginError::Malformed)?;
        let repeatable = draft.method == Method::GET;
        let request = OutgoingRequest {
            method: draft.method,
            server: &Server::new(&server),
            path_and_query: &path_and_query,
            content_type: draft.content_type,
            headers: draft.headers,
            body: draft.body,
            request_id: self.environment.request_id,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            total_timeout: self.timeout,
            repeatable,
            fresh_connection: !repeatable,
        };
        Ok(self.environment.http.send(request).await?)
    }
}

impl<'a> Draft<'a> {
    fn of(form: &'a Form) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        let content_type = Some("application/x-www-form-urlencoded");
        Self { method: Method::POST, content_type, headers: &form.headers, body: body.into() }
    }
}

/// The parser's own message could quote the answer, which may hold tokens.
fn json<T: DeserializeOwned>(answer: &IncomingAnswer) -> Result<T, PluginError> {
    if answer.status != StatusCode::OK {
        return Err(PluginError::Status(answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|_| PluginError::Malformed)
}
