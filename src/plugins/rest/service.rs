//! A REST service at work: its calls, made of templates, and what it answers.
//! May import: what `plugins` may.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use url::form_urlencoded;

use super::{saved::Saved, trouble::Trouble, values::Known};
use crate::{
    config::{Call, CallBody, DEFAULT_CONNECT_TIMEOUT, Service, StartCall},
    model::BaseUrl,
    plugins::{Environment, OutgoingRequest, PluginError},
    templates::RenderError,
    tokens::SharedSecret,
    upstreams::Server,
};

/// The service of one method.
pub(super) struct RestService {
    server: Server,
    base: BaseUrl,
    secrets: Vec<(String, SharedSecret)>,
    timeout: Duration,
}

/// A request with each value in its place. It may be sent again as it is.
pub(super) struct Rendered {
    method: Method,
    path_and_query: String,
    content_type: Option<&'static str>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

/// An answer whose status is right. What it says is not trusted.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Bytes,
}

impl RestService {
    /// `timeout` is for one call altogether.
    pub(super) fn new(Service { base, secrets }: &Service, timeout: Duration) -> Self {
        Self { server: Server::new(base), base: base.clone(), secrets: secrets.clone(), timeout }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Makes a call with these values and the service's secrets.
    ///
    /// # Errors
    /// As [`Self::render`], [`PluginError::Transport`], or a status that the call does not expect.
    pub(super) async fn perform(
        &self,
        call: &Call,
        known: Known<'_>,
        environment: Environment<'_>,
    ) -> Result<Answer, Trouble> {
        let rendered = self.render(call, known)?;
        let repeatable = matches!(rendered.method, Method::GET | Method::PUT | Method::DELETE);
        self.send(call, &rendered, repeatable, self.timeout, environment).await
    }

    /// Makes the call that begins something, once, and keeps of its answer what plugins.yaml names; where that is
    /// nothing, the answer may be anything.
    ///
    /// # Errors
    /// As [`Self::perform`], and [`Trouble::NotJson`] or [`Trouble::Unsaved`] for the answer.
    pub(super) async fn start(
        &self,
        start: &StartCall,
        known: Known<'_>,
        environment: Environment<'_>,
    ) -> Result<Saved, Trouble> {
        let rendered = self.render(&start.call, known)?;
        let answer = self.send(&start.call, &rendered, false, self.timeout, environment).await?;
        match &start.save[..] {
            [] => Ok(Saved::default()),
            rules => Ok(Saved::of(self.base.as_str(), rules, &answer.json()?)?),
        }
    }

    /// # Errors
    /// [`Trouble::Template`]; [`PluginError::Gone`] when what is known is of another service.
    pub(super) fn render(&self, call: &Call, known: Known<'_>) -> Result<Rendered, Trouble> {
        if !known.saved.is_of(self.base.as_str()) {
            return Err(PluginError::Gone.into());
        }
        let known = Known { secrets: &self.secrets, ..known };
        let headers = call.headers.iter().map(|(name, value)| Ok((name.clone(), value.header(&known)?)));
        let (content_type, body) = body(&call.body, &known)?;
        Ok(Rendered {
            method: call.method.clone(),
            path_and_query: format!("{}{}", self.base.path(), call.path.render(&known)?),
            content_type,
            headers: headers.collect::<Result<_, RenderError>>()?,
            body,
        })
    }

    /// Sends a request once. `repeatable`: sent again when a connection of the pool turned out to be
    /// closed.
    pub(super) async fn send(
        &self,
        call: &Call,
        rendered: &Rendered,
        repeatable: bool,
        total_timeout: Duration,
        environment: Environment<'_>,
    ) -> Result<Answer, Trouble> {
        let request = OutgoingRequest {
            method: rendered.method.clone(),
            server: &self.server,
            path_and_query: &rendered.path_and_query,
            content_type: rendered.content_type,
            headers: &rendered.headers,
            body: rendered.body.clone(),
            request_id: environment.request_id,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT.min(total_timeout),
            total_timeout,
            repeatable,
            fresh_connection: !repeatable,
        };
        let answer = environment.http.send(request).await.map_err(PluginError::from)?;
        if !call.expects(answer.status) {
            let has_expect = !call.expect.is_empty();
            let trouble = if has_expect { Trouble::Unexpected } else { Trouble::Unsuccessful };
            return Err(trouble(answer.status));
        }
        Ok(Answer { status: answer.status, body: answer.body })
    }
}

impl Answer {
    /// # Errors
    /// [`Trouble::NotJson`]; the parser's own message could quote what the service said.
    pub(super) fn json(&self) -> Result<serde_json::Value, Trouble> {
        serde_json::from_slice(&self.body).map_err(|_| Trouble::NotJson)
    }
}

fn body(template: &CallBody, known: &Known<'_>) -> Result<(Option<&'static str>, Bytes), RenderError> {
    match template {
        CallBody::None => Ok((None, Bytes::new())),
        // A document always has a text.
        CallBody::Json(document) => {
            let text = document.render(known)?.to_string();
            Ok((Some("application/json"), text.into()))
        }
        CallBody::Form(fields) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &value.text(known)?);
            }
            Ok((Some("application/x-www-form-urlencoded"), form.finish().into()))
        }
    }
}
