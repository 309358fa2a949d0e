//! What the gateway sends to URLs that plugins named: results (protocol.md, "POST to `attr_url`")
//! and session updates (protocol.md, "Session updates").

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{Environment, PluginError, client::OutgoingRequest};
use crate::{
    config::DEFAULT_CONNECT_TIMEOUT,
    model::{PluginUrl, ResultToken},
    upstreams::Server,
};

/// Sends the result to its receiver, at most once: real receivers answer 404 to a second delivery.
/// The answer is the receiver's status, a 2xx.
///
/// # Errors
/// [`PluginError`] when the receiver cannot be reached or answers anything but 2xx.
pub(super) async fn deliver(
    attr_url: &PluginUrl,
    result: &ResultToken,
    total_timeout: Duration,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    let message = Message {
        content_type: Some("application/jwt"),
        body: Bytes::copy_from_slice(result.expose().as_bytes()),
        total_timeout,
        repeatable: false,
    };
    post(attr_url, message, environment).await
}

/// Tells the authentication side what happened in a session; `url` names the `type` already.
///
/// # Errors
/// [`PluginError`] when it cannot be reached or answers anything but 2xx.
pub(super) async fn update(
    url: &PluginUrl,
    total_timeout: Duration,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    let message = Message { content_type: None, body: Bytes::new(), total_timeout, repeatable: true };
    post(url, message, environment).await
}

struct Message {
    content_type: Option<&'static str>,
    body: Bytes,
    total_timeout: Duration,
    repeatable: bool,
}

async fn post(
    url: &PluginUrl,
    message: Message,
    environment: Environment<'_>,
) -> Result<StatusCode, PluginError> {
    // A `tel:` URL is no attr_url and no session_url by construction.
    let (server, path_and_query) = url.request_target().ok_or(PluginError::Malformed)?;
    let server = Server::new(&server);
    let answer = environment
        .http
        .send(OutgoingRequest {
            method: Method::POST,
            server: &server,
            path_and_query: &path_and_query,
            content_type: message.content_type,
            headers: &[],
            body: message.body,
            request_id: environment.request_id,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            total_timeout: message.total_timeout,
            repeatable: message.repeatable,
            fresh_connection: !message.repeatable,
        })
        .await?;
    if answer.status.is_success() { Ok(answer.status) } else { Err(PluginError::Status(answer.status)) }
}
