//! The communication adapter `http`: a REST conversation service, or a webhook.
//!
//! Its `attr_url` is a name of the gateway's own for one conversation: the gateway sends no request there,
//! but hands the result to [`HttpCommAdapter::deliver`], which opens it and tells the service.
//! May import: what `plugins` may.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    saved::Saved,
    service::{Rendered, RestService},
    trouble::Trouble,
    values::{Known, KnownAttributes},
};
use crate::{
    config::{Call, Deliver, Hmac, HttpComm},
    model::{BaseUrl, Nonce, PluginUrl, ResultToken, SessionReference, UnixSeconds, path_segment},
    plugins::{
        CommunicationRequest, CommunicationStarted, Delivery, Environment, PluginError, SealedPlace,
        sign_in::SIGN_IN_LIFETIME,
    },
    templates::RenderError,
    tokens::SealedState,
};

const TIMESTAMP: HeaderName = HeaderName::from_static("x-timestamp");
/// draft-ietf-httpapi-idempotency-key-header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long is waited before a delivery is tried again: most of what fails once is a restart.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// A communication method of kind `http`, built for one generation of the configuration.
pub struct HttpCommAdapter {
    at: SealedPlace,
    internal_url: BaseUrl,
    config: HttpComm,
    service: RestService,
    /// Which saved values are used by the delivery.
    used_later: Vec<String>,
}

/// `attributes/{state}`: where the result of one conversation goes.
#[derive(Serialize, Deserialize)]
struct Conversation {
    session: SessionReference,
    purpose: String,
    nonce: Nonce,
    saved: Saved,
}

impl SealedState for Conversation {
    const KIND: u8 = 28;
    const LIFETIME: u64 = SIGN_IN_LIFETIME;
}

impl HttpCommAdapter {
    /// `timeout` is for one call to the service, and for all attempts of a delivery together.
    pub fn new(at: SealedPlace, internal_url: BaseUrl, config: HttpComm, timeout: Duration) -> Self {
        let service = RestService::new(&config.service, timeout);
        let used_later = config.deliver.iter().flat_map(|deliver| deliver.call.saved_names()).collect();
        Self { at, internal_url, config, service, used_later }
    }

    /// Begins a conversation at the service. Nobody has signed in yet, or nobody will.
    pub async fn start(
        &self,
        request: &CommunicationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<CommunicationStarted, PluginError> {
        let started = self.try_start(request, environment).await;
        started.map_err(|trouble| self.told(&trouble, request.session, environment))
    }

    async fn try_start(
        &self,
        request: &CommunicationRequest<'_>,
        environment: Environment<'_>,
    ) -> Result<CommunicationStarted, Trouble> {
        // What the service begins is another conversation each time, and what it is told is of that one.
        let given = request.random.filter(|_| self.config.start.is_none());
        let nonce = given.unwrap_or_else(|| Nonce::new(environment.random));
        let (random, nothing) = (nonce.to_string(), Saved::default());
        let known = Known::new(request.purpose.tag.as_str(), &random, &nothing);
        let saved = match &self.config.start {
            None => Saved::default(),
            Some(start) => self.service.start(start, known, environment).await?,
        };
        let client_url = self.config.client_url.render(&Known { saved: &saved, ..known })?;
        // With no place for a result, it would go along with the citizen.
        let attr_url = request.authenticated.then(|| {
            let conversation = Conversation {
                session: request.session,
                purpose: request.purpose.tag.to_string(),
                nonce,
                saved: saved.only(&self.used_later),
            };
            let sealed = self.at.seal(&conversation, environment).ok_or(PluginError::Library)?;
            let path = self.at.place.path("comm", &format!("attributes/{sealed}"));
            Ok::<_, Trouble>(PluginUrl::own(&self.internal_url, &path))
        });
        Ok(CommunicationStarted { client_url, attr_url: attr_url.transpose()? })
    }

    /// Tells the service the attributes of a result. The answer is its status, or 204 where it wants
    /// none.
    pub async fn deliver(
        &self,
        attr_url: &PluginUrl,
        result: &ResultToken,
        environment: Environment<'_>,
    ) -> Result<StatusCode, PluginError> {
        let (conversation, delivery) = self.open(attr_url, result, environment).ok_or(PluginError::Result)?;
        let delivered = self.tell(&conversation, &delivery, environment).await;
        delivered.map_err(|trouble| self.told(&trouble, conversation.session, environment))
    }

    async fn tell(
        &self,
        conversation: &Conversation,
        delivery: &Delivery,
        environment: Environment<'_>,
    ) -> Result<StatusCode, Trouble> {
        let Some(deliver) = &self.config.deliver else { return Ok(StatusCode::NO_CONTENT) };
        let now = environment.clock.now();
        let rendered = self.render(deliver, conversation, delivery, now)?;
        if deliver.hmac.is_some() {
            self.send_repeatedly(&deliver.call, &rendered, environment).await
        } else {
            self.send(&deliver.call, &rendered, self.service.timeout(), environment).await
        }
    }

    /// The conversation and the result, when the one is of the other.
    fn open(
        &self,
        attr_url: &PluginUrl,
        result: &ResultToken,
        environment: Environment<'_>,
    ) -> Option<(Conversation, Delivery)> {
        let (_, sealed) = attr_url.as_str().rsplit_once('/')?;
        let conversation: Conversation = self.at.open(sealed, environment)?;
        let delivery = Delivery::open(result.expose(), conversation.session, &self.at, environment).ok()?;
        Some((conversation, delivery))
    }

    fn render(
        &self,
        deliver: &Deliver,
        conversation: &Conversation,
        delivery: &Delivery,
        now: UnixSeconds,
    ) -> Result<Rendered, Trouble> {
        let random = conversation.nonce.to_string();
        let known = Known {
            attributes: KnownAttributes::Values(&delivery.attributes),
            session_url: delivery.session_url.as_deref(),
            timestamp: Some(now),
            ..Known::new(&conversation.purpose, &random, &conversation.saved)
        };
        let mut rendered = self.service.render(&deliver.call, known)?;
        if let Some(hmac) = &deliver.hmac {
            sign(&mut rendered, hmac, &self.key(conversation), now)?;
        }
        Ok(rendered)
    }

    /// One for all deliveries of a conversation, whoever clicks twice and wherever.
    fn key(&self, conversation: &Conversation) -> String {
        format!("{}-{}", conversation.nonce, path_segment(self.at.place.tag.as_str()))
    }

    /// With the same key each time, by which the service tells a repetition. Each attempt but the last
    /// may take half of the time that is left.
    async fn send_repeatedly(
        &self,
        call: &Call,
        rendered: &Rendered,
        environment: Environment<'_>,
    ) -> Result<StatusCode, Trouble> {
        let started = Instant::now();
        let left = || self.service.timeout().saturating_sub(started.elapsed());
        for pause in PAUSES {
            let outcome = self.send(call, rendered, left() / 2, environment).await;
            let may_pass = outcome.as_ref().err().is_some_and(|trouble| trouble.as_plugin_error().may_pass());
            if !may_pass || pause >= left() {
                return outcome;
            }
            tokio::time::sleep(pause).await;
        }
        self.send(call, rendered, left(), environment).await
    }

    async fn send(
        &self,
        call: &Call,
        rendered: &Rendered,
        timeout: Duration,
        environment: Environment<'_>,
    ) -> Result<StatusCode, Trouble> {
        self.service.send(call, rendered, false, timeout, environment).await.map(|answer| answer.status)
    }

    /// Logs what is wrong by its names, and answers what the caller may tell a browser.
    fn told(
        &self,
        trouble: &Trouble,
        session: SessionReference,
        environment: Environment<'_>,
    ) -> PluginError {
        let method = self.at.place.tag.as_str();
        tracing::warn!(%session, method, reason = %trouble, request_id = environment.request_id,
            "conversation at a service");
        trouble.as_plugin_error()
    }
}

/// The signature of exactly the body that is sent, when it was made, and which delivery it is.
fn sign(
    rendered: &mut Rendered,
    Hmac { header, secret }: &Hmac,
    key: &str,
    now: UnixSeconds,
) -> Result<(), Trouble> {
    let signature = secret.sign_hex(&rendered.body).map_err(|_| PluginError::Library)?;
    // Hexadecimal digits and what is percent-encoded are fit for a header.
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| RenderError::Unsafe);
    rendered.headers.extend([
        (header.clone(), value(&signature)?),
        (TIMESTAMP, now.into()),
        (IDEMPOTENCY_KEY, value(key)?),
    ]);
    Ok(())
}
