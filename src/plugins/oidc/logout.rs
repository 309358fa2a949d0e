//! The end of a conversation ends the sign-in at the provider
//! (docs/decisions/019-logout-at-an-openid-provider.md).
//! May import: what `plugins` may.

use serde::{Deserialize, Serialize};

use super::{
    super::{PluginError, Ticket},
    OidcAdapter,
    calls::{Calls, Operation},
    client_auth,
    metadata::Metadata,
    tokens::Tokens,
    trouble::Trouble,
};

/// Most bytes that travel in URLs for the sake of a logout: results share the budget of a URL with it.
const MAX_TOKENS: usize = 2048;

/// What ends the sign-in. Its binary form has no names, and the states that hold it live 12 hours.
#[derive(Serialize, Deserialize)]
struct Ending {
    /// Whose tokens they are: the method may have another provider after a reload.
    issuer: String,
    /// To be revoked (RFC 7009), and whether it is a refresh token: with it goes all that it granted.
    revoke: Option<(bool, String)>,
    /// By which the provider finds the session (OpenID Connect RP-Initiated Logout 1.0, section 2).
    id_token: Option<String>,
}

/// As much as the provider has endpoints for, and as URLs can carry; `None` for nothing.
pub(super) fn ticket(tokens: &Tokens, issuer: &str, metadata: &Metadata) -> Option<Ticket> {
    let refresh = tokens.refresh_token.as_ref().map(|token| (true, token));
    let token = refresh.or(tokens.access_token.as_ref().map(|token| (false, token)));
    let mut room = MAX_TOKENS;
    let mut fits = |token: &str| {
        let fits = token.len() <= room;
        if fits {
            room -= token.len();
        }
        fits
    };
    let revoke = token.filter(|(_, token)| metadata.revocation.is_some() && fits(token));
    let id_token = Some(&tokens.id_token).filter(|token| metadata.end_session.is_some() && fits(token));
    let ending = Ending {
        issuer: issuer.to_owned(),
        revoke: revoke.map(|(is_refresh, token)| (is_refresh, token.clone())),
        id_token: id_token.cloned(),
    };
    if ending.revoke.is_none() && ending.id_token.is_none() {
        return None;
    }
    postcard::to_allocvec(&ending).ok().map(Ticket)
}

impl OidcAdapter {
    /// Ends it in every way that there is; one that succeeds is enough.
    pub(super) async fn log_out(&self, ticket: &Ticket, calls: Calls<'_>) -> Result<(), PluginError> {
        let ending: Ending = postcard::from_bytes(&ticket.0).map_err(|_| PluginError::Gone)?;
        if ending.issuer != self.config.issuer {
            return Err(PluginError::Gone);
        }
        let provider = self.providers.provider(&self.config.issuer);
        let metadata = provider.metadata(calls).await.map_err(|trouble| trouble.as_plugin_error())?;
        let revoked = self.revoke(&ending, &metadata, calls).await;
        let ended = self.end_session(&ending, &metadata, calls).await;
        match (revoked, ended) {
            (Some(Ok(())), _) | (_, Some(Ok(()))) => Ok(()),
            (Some(Err(trouble)), _) | (None, Some(Err(trouble))) => Err(trouble.as_plugin_error()),
            // The provider has the endpoints no more.
            (None, None) => Err(PluginError::Gone),
        }
    }

    async fn revoke(
        &self,
        ending: &Ending,
        metadata: &Metadata,
        calls: Calls<'_>,
    ) -> Option<Result<(), Trouble>> {
        let (url, (is_refresh, token)) = (metadata.revocation.as_ref()?, ending.revoke.as_ref()?);
        let hint = if *is_refresh { "refresh_token" } else { "access_token" };
        let fields = vec![("token", token.clone()), ("token_type_hint", hint.to_owned())];
        Some(match client_auth::form(fields, &self.config, metadata, calls.environment) {
            Ok(form) => calls.tell(Operation::Revocation, url, &form).await,
            Err(trouble) => Err(trouble),
        })
    }

    async fn end_session(
        &self,
        ending: &Ending,
        metadata: &Metadata,
        calls: Calls<'_>,
    ) -> Option<Result<(), Trouble>> {
        let (url, id_token) = (metadata.end_session.as_ref()?, ending.id_token.as_ref()?);
        // In a body, so that it stands in no access log.
        let fields = vec![("id_token_hint", id_token.clone()), ("client_id", self.config.client_id.clone())];
        let form = super::calls::Form { fields, headers: Vec::new() };
        Some(calls.tell(Operation::EndSession, url, &form).await)
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::AuthUrl;

    use super::*;

    fn held(lengths: (usize, Option<usize>, usize), endpoints: (bool, bool)) -> Option<(Option<bool>, bool)> {
        let (access, refresh, id) = lengths;
        let text = |length: usize| "x".repeat(length);
        let tokens =
            Tokens { access_token: Some(text(access)), id_token: text(id), refresh_token: refresh.map(text) };
        let url = |is_there: bool| is_there.then(|| "https://id.test/x".to_owned());
        let metadata = Metadata {
            authorization: AuthUrl::new("https://id.test/authorize".to_owned()).unwrap(),
            token: String::new(),
            keys: String::new(),
            userinfo: None,
            revocation: url(endpoints.0),
            end_session: url(endpoints.1),
            names_itself: false,
            secret_in_body: false,
        };
        let Ticket(bytes) = ticket(&tokens, "https://id.test", &metadata)?;
        let ending: Ending = postcard::from_bytes(&bytes).unwrap();
        Some((ending.revoke.map(|(is_refresh, _)| is_refresh), ending.id_token.is_some()))
    }

    #[test]
    fn a_ticket_holds_what_the_provider_has_endpoints_for() {
        for (endpoints, expected) in [
            ((true, true), Some((Some(false), true))),
            ((true, false), Some((Some(false), false))),
            ((false, true), Some((None, true))),
            ((false, false), None),
        ] {
            assert_eq!(held((40, None, 800), endpoints), expected, "{endpoints:?}");
        }
        assert_eq!(held((40, Some(40), 800), (true, true)), Some((Some(true), true)));
    }

    #[test]
    fn a_ticket_has_a_size() {
        assert_eq!(held((1000, None, MAX_TOKENS - 1000), (true, true)), Some((Some(false), true)));
        assert_eq!(held((1000, None, MAX_TOKENS - 999), (true, true)), Some((Some(false), false)));
        assert_eq!(held((MAX_TOKENS + 1, None, 800), (true, true)), Some((None, true)));
        assert_eq!(held((MAX_TOKENS + 1, None, MAX_TOKENS + 1), (true, true)), None);
    }
}
