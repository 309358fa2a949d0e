//! Delivering an authentication result by POST (protocol.md, "POST to `attr_url`").

use std::time::Duration;

use bytes::Bytes;

use super::{Environment, PluginError, client::PostRequest};
use crate::{
    config::DEFAULT_CONNECT_TIMEOUT,
    model::{PluginUrl, ResultToken},
    upstreams::Server,
};

/// Sends the result to its receiver, at most once: real receivers answer 404 to a second delivery.
///
/// # Errors
/// [`PluginError`] when the receiver cannot be reached or answers anything but 2xx.
pub async fn deliver(
    attr_url: &PluginUrl,
    result: &ResultToken,
    total_timeout: Duration,
    environment: Environment<'_>,
) -> Result<(), PluginError> {
    // A `tel:` URL is no attr_url by construction.
    let (server, path_and_query) = attr_url.request_target().ok_or(PluginError::Malformed)?;
    let server = Server::new(&server);
    let answer = environment
        .http
        .post(PostRequest {
            server: &server,
            path_and_query: &path_and_query,
            content_type: "application/jwt",
            body: Bytes::copy_from_slice(result.expose().as_bytes()),
            request_id: environment.request_id,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            total_timeout,
            repeatable: false,
        })
        .await?;
    if answer.status.is_success() { Ok(()) } else { Err(PluginError::Status(answer.status)) }
}
