//! How the gateway shows a provider who it is (OpenID Connect Core 1.0, section 9).
//! May import: what `plugins` may.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use serde::Serialize;
use url::form_urlencoded::byte_serialize;

use super::{super::Environment, calls::Form, metadata::Metadata, trouble::Trouble};
use crate::{
    config::{ClientAuth, Oidc},
    model::{Nonce, UnixSeconds},
};

/// RFC 7523, section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds for which an assertion can be used.
const ASSERTION_LIFETIME: u64 = 60;

/// The claims of RFC 7523, section 3.
#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    /// The issuer and nothing else: a provider that names another's endpoint for its own gets no
    /// assertion that the other would take.
    aud: &'a str,
    jti: String,
    iat: UnixSeconds,
    exp: UnixSeconds,
}

/// A form of these fields from this client.
///
/// # Errors
/// [`Trouble::Library`] when no assertion can be signed.
pub(super) fn form(
    fields: Vec<(&'static str, String)>,
    client: &Oidc,
    metadata: &Metadata,
    environment: Environment<'_>,
) -> Result<Form, Trouble> {
    let mut form = Form { fields, ..Form::default() };
    match &client.client_auth {
        ClientAuth::Secret(secret) if metadata.secret_in_body => {
            form.fields.push(("client_id", client.client_id.clone()));
            form.fields.push(("client_secret", secret.expose().to_owned()));
        }
        ClientAuth::Secret(secret) => {
            form.headers.push((header::AUTHORIZATION, basic(&client.client_id, secret.expose())?));
        }
        ClientAuth::PrivateKeyJwt(key) => {
            let now = environment.clock.now();
            let assertion = Assertion {
                iss: &client.client_id,
                sub: &client.client_id,
                aud: &client.issuer,
                jti: Nonce::new(environment.random).to_string(),
                iat: now,
                exp: now.saturating_add(ASSERTION_LIFETIME),
            };
            form.fields.push(("client_id", client.client_id.clone()));
            form.fields.push(("client_assertion_type", JWT_BEARER.to_owned()));
            form.fields.push(("client_assertion", key.sign(&assertion).map_err(|_| Trouble::Library)?));
        }
    }
    Ok(form)
}

/// Both halves are encoded as in a form first (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, Trouble> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret)));
    let mut value = HeaderValue::from_str(&format!("Basic {credentials}")).map_err(|_| Trouble::Library)?;
    value.set_sensitive(true);
    Ok(value)
}
