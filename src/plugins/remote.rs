//! Plugins of the ecosystem, called over HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    AuthenticationRequest, CommunicationRequest, CommunicationStarted, Environment, PluginError, UrlField,
    client::{IncomingAnswer, OutgoingRequest, TransportError},
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
        let answer = self.post(&Bytes::from(body), repeatable, environment).await?;
        if !answer.status.is_success() {
            return Err(PluginError::Status(answer.status));
        }
        // The parser's own message could quote the answer, which may hold a citizen's session.
        serde_json::from_slice(&answer.body).map_err(|_| PluginError::Malformed)
    }

    /// Asks the server whose turn it is, or the next one as long as none can be connected to:
    /// nothing was sent then.
    async fn post(
        &self,
        body: &Bytes,
        repeatable: bool,
        environment: Environment<'_>,
    ) -> Result<IncomingAnswer, PluginError> {
        let started = Instant::now();
        let mut servers = self.servers().peekable();
        while let Some((server, connect_timeout)) = servers.next() {
            let request = OutgoingRequest {
                method: Method::POST,
                server,
                path_and_query: &self.path,
                content_type: Some("application/json"),
                headers: &[],
                body: body.clone(),
                request_id: environment.request_id,
                connect_timeout,
                total_timeout: self.timeout.saturating_sub(started.elapsed()),
                repeatable,
                fresh_connection: false,
            };
            match environment.http.send(request).await {
                Err(TransportError::Connect | TransportError::Resolve) if servers.peek().is_some() => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(PluginError::Transport(TransportError::Connect))
    }

    fn servers(&self) -> impl Iterator<Item = (&Server, Duration)> + Send {
        let (own, upstream) = match &self.target {
            Target::Server(server) => (Some((&**server, DEFAULT_CONNECT_TIMEOUT)), None),
            Target::Upstream(upstream) => (None, Some((upstream, upstream.turn()))),
        };
        let shared = upstream.into_iter().flat_map(|(upstream, turn)| {
            (0..upstream.len()).filter_map(move |failures| {
                Some((upstream.server(turn, failures)?, upstream.timeouts().connect))
            })
        });
        own.into_iter().chain(shared)
    }
}
