//! Which URLs an authentication plugin is given: those of the communication side, or the gateway's own
//! with sealed state (design.md, "Trust, and brokering").

use http::HeaderValue;

use super::{
    Problem, ProblemCode, browser,
    state::{Continuation, Next, Receiver, SessionInfo, seal},
};
use crate::{
    config::{AuthMethod, Brokering, CommMethod},
    model::{Nonce, PluginUrl},
    plugins::Environment,
    snapshot::Snapshot,
    tokens::SealedState,
};

/// Most characters of the continuation and the `attr_url` together. Plugins embed both in their own URL,
/// in base64: with 200 characters of the plugin's that makes the 2,000 that a citizen's browser should
/// have to open at most (protocol.md, "URL budget").
pub(super) const MAX_HANDED_URLS: usize = 1_350;

/// Where the citizen goes after signing in.
pub(super) enum Target {
    Communication {
        client_url: PluginUrl,
        attr_url: Option<PluginUrl>,
    },
    /// To the choice of a channel.
    Choice,
}

/// Who carries a result to the communication side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The plugins have each other's URLs, and the gateway sees nothing of it.
    Plugins,
    /// The citizen's browser, by way of the gateway.
    Browser,
    /// The citizen's browser as far as the gateway, which posts it.
    Gateway,
    /// The authentication plugin posts it to the gateway, which posts it on.
    Posts,
}

impl Carrier {
    /// `comm`: the receiver, where it is one of plugins.yaml; `reseals`: whether results have to pass
    /// through the gateway; `out_of_band`: whether the communication plugin wants them by POST;
    /// `telephone`: whether its `client_url` is `tel:`.
    pub fn of(
        auth: &AuthMethod,
        comm: Option<&CommMethod>,
        reseals: bool,
        out_of_band: bool,
        telephone: bool,
    ) -> Self {
        let sees_the_end = reseals || auth.brokering != Brokering::Off || (auth.shim_tel_url && telephone);
        // An adapter always sends its result along with the citizen: it is bound to their session.
        // And only of a result that the citizen brings is it known that there is one: behind a
        // communication adapter is nobody who would notice that none came.
        let delivers_itself = auth.disable_attr_url
            || auth.is_adapter()
            || comm.is_some_and(CommMethod::is_adapter)
            || auth.brokering == Brokering::Bind;
        match (out_of_band, sees_the_end) {
            (true, _) if delivers_itself => Self::Gateway,
            (true, true) => Self::Posts,
            (false, true) => Self::Browser,
            (_, false) => Self::Plugins,
        }
    }
}

/// What an authentication plugin is given.
pub(super) struct Handed {
    pub(super) continuation: PluginUrl,
    pub(super) attr_url: Option<PluginUrl>,
    /// Binds the session to the browser that is given it.
    pub(super) cookie: Option<HeaderValue>,
}

/// One decision about the URLs of one session.
pub(super) struct Broker<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) session: &'a SessionInfo,
    pub(super) auth: &'a AuthMethod,
    /// Whether the result has to pass through the gateway.
    pub(super) reseals: bool,
    /// Whether it is the citizen's browser that starts: a server has no use for a cookie.
    pub(super) by_browser: bool,
    pub(super) environment: Environment<'a>,
}

impl Broker<'_> {
    /// # Errors
    /// `url_too_long` for what a plugin could not embed.
    pub(super) fn hand(&self, target: Target) -> Result<Handed, Problem> {
        let (client_url, attr_url) = match target {
            Target::Choice => return self.continued(Next::Choose, None),
            Target::Communication { client_url, attr_url } => (client_url, attr_url),
        };
        let comm = self.snapshot.comm(&self.session.comm_method).map(|(_, comm, _)| comm);
        let carrier =
            Carrier::of(self.auth, comm, self.reseals, attr_url.is_some(), client_url.is_telephone());
        match (carrier, attr_url) {
            (Carrier::Browser, None) => self.continued(Next::WithResult { client_url }, None),
            (Carrier::Gateway, Some(attr_url)) => {
                self.continued(Next::Deliver { client_url, attr_url }, None)
            }
            (Carrier::Posts, Some(attr_url)) => {
                let receiver = self.receiver(attr_url.clone())?;
                self.continued(Next::Delivered { client_url, attr_url }, Some(receiver))
            }
            (_, attr_url) => Ok(Handed { continuation: client_url, attr_url, cookie: None }),
        }
    }

    fn continued(&self, next: Next, attr_url: Option<PluginUrl>) -> Result<Handed, Problem> {
        let binds = self.auth.brokering == Brokering::Bind && self.by_browser;
        let browser = binds.then(|| Nonce::new(self.environment.random));
        let cookie = browser
            .map(|secret| browser::binding(self.session.reference, secret, self.snapshot.public_url()));
        let state = Continuation { session: self.session.clone(), next, browser };
        let path = format!("/session/continue/{}", self.seal(&state)?);
        let continuation = PluginUrl::own(self.snapshot.public_url(), &path);
        let length = continuation.as_str().len() + attr_url.as_ref().map_or(0, |url| url.as_str().len());
        if length > MAX_HANDED_URLS {
            let detail = format!(
                "the URLs of the communication plugin make some of {length} characters together, and \
                 {MAX_HANDED_URLS} are the most that an authentication plugin is given"
            );
            return Err(Problem::new(ProblemCode::UrlTooLong, detail));
        }
        Ok(Handed { continuation, attr_url, cookie })
    }

    fn receiver(&self, attr_url: PluginUrl) -> Result<PluginUrl, Problem> {
        // Only a page for `tel:` is in between then.
        if self.auth.brokering == Brokering::Off && !self.reseals {
            return Ok(attr_url);
        }
        let state = Receiver { session: self.session.clone(), attr_url };
        let path = format!("/session/attributes/{}", self.seal(&state)?);
        Ok(PluginUrl::own(self.snapshot.internal_url(), &path))
    }

    fn seal<S: SealedState>(&self, state: &S) -> Result<String, Problem> {
        seal(state, self.snapshot, self.environment)
            .ok_or_else(|| Problem::new(ProblemCode::InternalError, "no state can be sealed"))
    }
}
