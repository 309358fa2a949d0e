//! From a code to the claims of the person who signed in.
//! May import: what `plugins` may.

use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::Value;

use super::{
    OidcAdapter,
    calls::{Calls, Operation},
    client_auth,
    id_token::{self, Expected, Freshness, IdTokenError},
    metadata::Metadata,
    provider::Provider,
    trouble::Trouble,
};
use crate::templates::ClaimPath;

/// What the token endpoint answered (OpenID Connect Core 1.0, section 3.1.3.3).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Option<String>,
    pub(super) id_token: String,
    pub(super) refresh_token: Option<String>,
}

/// What an authorization request was made with, in the spelling of requests.
pub(super) struct Asked {
    pub(super) nonce: String,
    /// Of PKCE (RFC 7636).
    pub(super) verifier: String,
    pub(super) freshness: Option<Freshness>,
}

/// Both are objects.
pub(super) struct Claims {
    id_token: Value,
    userinfo: Option<Value>,
}

impl Claims {
    /// The id token's claim, or else that of userinfo.
    pub(super) fn find(&self, path: &ClaimPath) -> Option<&Value> {
        let sources = [Some(&self.id_token), self.userinfo.as_ref()];
        sources.into_iter().flatten().filter_map(|claims| path.select(claims)).find(|claim| !claim.is_null())
    }
}

/// Calls on behalf of one sign-in.
pub(super) struct Exchange<'a> {
    pub(super) adapter: &'a OidcAdapter,
    pub(super) provider: &'a Provider,
    pub(super) metadata: &'a Metadata,
    pub(super) calls: Calls<'a>,
}

impl Exchange<'_> {
    /// The tokens of a code, which can be exchanged once.
    pub(super) async fn redeem(&self, code: String, asked: &Asked) -> Result<Tokens, Trouble> {
        let fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", self.adapter.callback_url()),
            ("code_verifier", asked.verifier.clone()),
        ];
        let form = client_auth::form(fields, &self.adapter.config, self.metadata, self.calls.environment)?;
        let tokens = self.calls.post(Operation::Token, &self.metadata.token, &form).await;
        tokens.map_err(Trouble::at_token_endpoint)
    }

    /// The claims of a checked id token, with those of userinfo when one of `wanted` is not among them.
    pub(super) async fn claims(
        &self,
        tokens: &Tokens,
        asked: &Asked,
        wanted: &[&ClaimPath],
    ) -> Result<Claims, Trouble> {
        let mut claims = Claims { id_token: self.verified(tokens, asked).await?, userinfo: None };
        if wanted.iter().any(|path| claims.find(path).is_none()) {
            claims.userinfo = self.userinfo(tokens, &claims.id_token).await?;
        }
        Ok(claims)
    }

    async fn verified(&self, tokens: &Tokens, asked: &Asked) -> Result<Value, Trouble> {
        let config = &self.adapter.config;
        let expected = Expected {
            issuer: &config.issuer,
            client_id: &config.client_id,
            nonce: &asked.nonce,
            acr_values: &config.acr_values,
            freshness: asked.freshness,
            access_token: tokens.access_token.as_deref(),
            now: self.calls.environment.clock.now(),
        };
        let keys = self.provider.keys(self.metadata, self.calls).await?;
        let verified = match id_token::verify(&tokens.id_token, &keys, &expected) {
            // A new key may have an old one's name, or none.
            Err(error @ (IdTokenError::UnknownKey | IdTokenError::Signature)) => {
                match self.provider.newer_keys(&keys, self.metadata, self.calls).await {
                    Some(newer) => id_token::verify(&tokens.id_token, &newer, &expected),
                    None => Err(error),
                }
            }
            verified => verified,
        };
        Ok(verified?)
    }

    /// `None` where there is no userinfo, or nothing to ask it with (OpenID Connect Core 1.0, section 5.3).
    async fn userinfo(&self, tokens: &Tokens, id_token: &Value) -> Result<Option<Value>, Trouble> {
        let (Some(url), Some(token)) = (&self.metadata.userinfo, &tokens.access_token) else {
            return Ok(None);
        };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Trouble::Response)?;
        bearer.set_sensitive(true);
        let headers = [(header::AUTHORIZATION, bearer)];
        let userinfo: Value = self.calls.get(Operation::Userinfo, url, &headers).await?;
        if userinfo.get("sub").is_none() || userinfo.get("sub") != id_token.get("sub") {
            return Err(Trouble::Subject);
        }
        Ok(Some(userinfo))
    }
}
