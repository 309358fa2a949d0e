//! Plugins of the ecosystem, called over HTTP.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    AuthenticationRequest, CommunicationRequest, CommunicationStarted, Environment, PluginError, UrlField,
    client::PostRequest,
};
use crate::{
    config::DEFAULT_CONNECT_TIMEOUT,
    model::{AttributeTag, BaseUrl, PluginUrl, ResultToken, UrlError, wire},
    upstreams::{Server, Upstream},
};

/// Where a plugin's start endpoints are.
pub enum Target {
    /// A server of its own.
    Server(Box<Server>),
    /// A configured upstream.
    Upstream(Arc<Upstream>),
}

/// A plugin behind HTTP.
pub struct RemotePlugin {
    target: Target,
    /// `{start}`'s path plus `/start_authentication` or `/start_communication`.
    path: String,
    /// Hosts that its URLs may name; `None` is any.
    hosts: Option<Vec<String>>,
    timeout: Duration,
}

impl RemotePlugin {
    /// A plugin whose `start` is this URL; `operation` is the last segment of the path.
    pub fn at_url(start: &BaseUrl, operation: &str, hosts: Option<Vec<String>>, timeout: Duration) -> Self {
        let path = format!("{}/{operation}", start.path());
        Self { target: Target::Server(Box::new(Server::new(start))), path, hosts, timeout }
    }

    /// A plugin on a configured upstream, below `path` (empty or without a slash at its end).
    pub fn at_upstream(
        upstream: Arc<Upstream>,
        path: &str,
        operation: &str,
        hosts: Option<Vec<String>>,
        timeout: Duration,
    ) -> Self {
        Self { target: Target::Upstream(upstream), path: format!("{path}/{operation}"), hosts, timeout }
    }

    /// `POST {start}/start_authentication` (protocol.md, "Core -> auth plugin").
    pub async fn start_authentication(
        &self,
        request: &AuthenticationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<PluginUrl, PluginError> {
        let body = wire::StartAuthentication {
            attributes: request.attributes.iter().map(AttributeTag::as_str).collect(),
            continuation: request.continuation.as_str(),
            attr_url: request.attr_url.map(PluginUrl::as_str),
        };
        // An authentication that was started twice shows itself once: the other is never visited.
        let answer: wire::AuthenticationStarted = self.call(&body, true, environment).await?;
        self.client_url(answer.client_url)
    }

    /// `POST {start}/start_communication` (protocol.md, "Core -> comm plugin"). Sent once.
    pub async fn start_communication(
        &self,
        request: &CommunicationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let body = wire::StartCommunication {
            purpose: request.purpose.tag.as_str(),
            auth_result: request.auth_result.map(ResultToken::expose),
        };
        let answer: wire::CommunicationStarted = self.call(&body, false, environment).await?;
        let client_url = self.client_url(answer.client_url)?;
        let attr_url = answer
            .attr_url
            .map(|url| self.checked(PluginUrl::parse_attr_url(url), UrlField::AttrUrl))
            .transpose()?;
        Ok(CommunicationStarted { client_url, attr_url })
    }

    fn client_url(&self, url: String) -> Result<PluginUrl, PluginError> {
        self.checked(PluginUrl::parse_client_url(url), UrlField::ClientUrl)
    }

    fn checked(&self, url: Result<PluginUrl, UrlError>, field: UrlField) -> Result<PluginUrl, PluginError> {
        let url = url.map_err(|reason| PluginError::Url { field, reason })?;
        match (&self.hosts, url.host()) {
            (Some(hosts), Some(host)) if !hosts.iter().any(|allowed| allowed == host) => {
                Err(PluginError::Url { field, reason: UrlError::ForeignHost })
            }
            _ => Ok(url),
        }
    }

    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        question: &Q,
        repeatable: bool,
        environment: Environment<'_>,
    ) -> Result<A, PluginError> {
        // Strings and lists of strings always have a JSON form.
        let body = serde_json::to_vec(question).map_err(|_| PluginError::Malformed)?;
        let (server, connect_timeout) = self.server()?;
        let answer = environment
            .http
            .post(PostRequest {
                server,
                path_and_query: &self.path,
                content_type: "application/json",
                body: Bytes::from(body),
                request_id: environment.request_id,
                connect_timeout,
                total_timeout: self.timeout,
                repeatable,
            })
            .await?;
        if !answer.status.is_success() {
            return Err(PluginError::Status(answer.status));
        }
        // The parser's own message could quote the answer, which may hold a citizen's session.
        serde_json::from_slice(&answer.body).map_err(|_| PluginError::Malformed)
    }

    fn server(&self) -> Result<(&Server, Duration), PluginError> {
        match &self.target {
            Target::Server(server) => Ok((server, DEFAULT_CONNECT_TIMEOUT)),
            Target::Upstream(upstream) => {
                let server = upstream.server(upstream.turn(), 0).ok_or(PluginError::Malformed)?;
                Ok((server, upstream.timeouts().connect))
            }
        }
    }
}
