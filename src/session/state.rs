//! What a session's own URLs carry, sealed: one type for each endpoint that such a URL leads to.
//!
//! Nothing of a session is kept anywhere else, so any instance that has the key continues it. The
//! fields are few and short, because the URLs are embedded in the plugins' own (protocol.md, "URL
//! budget").

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::browser;
use crate::{
    metrics::SessionLabels,
    model::{
        BaseUrl, Nonce, PluginUrl, ResultToken, SessionReference, UnixSeconds,
        url::{as_attr_url, as_client_url},
    },
    plugins::{self, Environment, Ticket},
    snapshot::Snapshot,
    tokens::{SealedState, StateError, StateKeys},
};

/// Seconds that a citizen has to sign in and to choose.
pub(super) const SESSION_LIFETIME: u64 = 60 * 60;
/// Seconds that updates are relayed: a conversation lasts longer than a sign-in, and the logout comes
/// at its end.
const UPDATE_LIFETIME: u64 = 12 * 60 * 60;

/// How a session was started: the label `kind`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Full,
    Communication,
    Unauthenticated,
    Authentication,
    Choice,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Communication => "communication",
            Self::Unauthenticated => "unauthenticated",
            Self::Authentication => "authentication",
            Self::Choice => "choice",
        }
    }
}

/// Which session: its name, and what it is counted as.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SessionInfo {
    pub(super) reference: SessionReference,
    pub(super) kind: Kind,
    pub(super) purpose: String,
    /// Tags; empty where there is no such method.
    pub(super) auth_method: String,
    pub(super) comm_method: String,
    pub(super) started: UnixSeconds,
}

impl SessionInfo {
    pub(super) fn labels(&self) -> SessionLabels<'_> {
        SessionLabels {
            purpose: &self.purpose,
            auth_method: &self.auth_method,
            comm_method: &self.comm_method,
        }
    }
}

/// `/session/continue/{state}`: where the citizen returns from the authentication plugin.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Continuation {
    pub(super) session: SessionInfo,
    pub(super) next: Next,
    /// What the cookie of the browser that started has to hold.
    pub(super) browser: Option<Nonce>,
}

/// What happens when the citizen is back.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Next {
    /// On to communication, and the result along with the citizen.
    WithResult {
        #[serde(with = "as_client_url")]
        client_url: PluginUrl,
    },
    /// The gateway delivers what the citizen brings, then on to communication.
    Deliver {
        #[serde(with = "as_client_url")]
        client_url: PluginUrl,
        #[serde(with = "as_attr_url")]
        attr_url: PluginUrl,
    },
    /// The authentication plugin has delivered, or will; on to communication.
    Delivered {
        #[serde(with = "as_client_url")]
        client_url: PluginUrl,
        #[serde(with = "as_attr_url")]
        attr_url: PluginUrl,
    },
    /// The citizen chooses how to communicate.
    Choose,
}

impl SealedState for Continuation {
    const KIND: u8 = 1;
    const LIFETIME: u64 = SESSION_LIFETIME;
}

/// `/session/attributes/{state}`: where the authentication plugin delivers.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Receiver {
    pub(super) session: SessionInfo,
    #[serde(with = "as_attr_url")]
    pub(super) attr_url: PluginUrl,
}

impl SealedState for Receiver {
    const KIND: u8 = 2;
    const LIFETIME: u64 = SESSION_LIFETIME;
}

/// `/session/update/{state}`: where the communication plugin reports activity and logout.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Updates {
    pub(super) session: SessionInfo,
    pub(super) target: UpdateTarget,
}

/// Whom updates are relayed to.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum UpdateTarget {
    /// A plugin, at the URL that it named in its result.
    Plugin {
        #[serde(with = "as_attr_url")]
        session_url: PluginUrl,
    },
    /// An adapter, which gets back what it wanted kept.
    Adapter(Ticket),
}

impl SealedState for Updates {
    const KIND: u8 = 7;
    const LIFETIME: u64 = UPDATE_LIFETIME;
}

/// The field `session` of `POST /start`: a result that waits for the choice of a channel.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) session: SessionInfo,
    result: String,
    /// Of this result and no other: what the conversation is named by, however often the choice is made, and
    /// at whatever instance.
    pub(super) random: Nonce,
    browser: Option<Nonce>,
}

impl Held {
    pub(super) fn new(
        session: SessionInfo,
        result: &ResultToken,
        random: Nonce,
        browser: Option<Nonce>,
    ) -> Self {
        Self { session, result: result.expose().to_owned(), random, browser }
    }

    /// Whether it is the browser that started, where the session is bound to one.
    pub(super) fn is_of_browser(&self, cookies: Option<&str>, public_url: &BaseUrl) -> bool {
        self.browser
            .is_none_or(|secret| browser::is_bound(cookies, self.session.reference, secret, public_url))
    }

    pub(super) fn result(&self) -> ResultToken {
        ResultToken::new(self.result.clone())
    }
}

impl SealedState for Held {
    const KIND: u8 = 25;
    const LIFETIME: u64 = SESSION_LIFETIME;
}

/// Every state names its session.
pub(super) trait OfSession: SealedState + DeserializeOwned {
    /// Where it comes back.
    const ENDPOINT: &str;

    fn session(&self) -> &SessionInfo;
}

macro_rules! of_session {
    ($($state:ty: $endpoint:literal),*) => {
        $(impl OfSession for $state {
            const ENDPOINT: &str = $endpoint;

            fn session(&self) -> &SessionInfo {
                &self.session
            }
        })*

        /// The endpoint where a sealed state comes back, and its session, even after its end: for people
        /// who look for a mistake. `None` when no key opens it.
        pub fn identify(
            text: &str,
            keys: &StateKeys,
            now: UnixSeconds,
        ) -> Option<(&'static str, SessionReference)> {
            None$(.or_else(|| identify_as::<$state>(text, keys, now)))*
        }
    };
}

of_session!(
    Continuation: "/session/continue",
    Receiver: "/session/attributes",
    Updates: "/session/update",
    Held: "/start"
);

fn identify_as<S: OfSession>(
    text: &str,
    keys: &StateKeys,
    now: UnixSeconds,
) -> Option<(&'static str, SessionReference)> {
    match keys.open::<S>(text, now) {
        Ok(state) | Err(StateError::Expired(state)) => Some((S::ENDPOINT, state.session().reference)),
        Err(StateError::Refused) => None,
    }
}

/// Seals a state; `None` when OpenSSL fails.
pub(super) fn seal<S: SealedState>(
    state: &S,
    snapshot: &Snapshot,
    environment: Environment<'_>,
) -> Option<String> {
    plugins::seal(&snapshot.keys().state, state, environment)
}

/// Opens a state that a stranger sent. The caller answers every refusal alike.
pub(super) fn open<S: SealedState + DeserializeOwned>(
    text: &str,
    snapshot: &Snapshot,
    environment: Environment<'_>,
) -> Result<S, StateError<S>> {
    plugins::open(&snapshot.keys().state, text, environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{StateKey, StateKeys};

    /// Longer than what plugins of the field answer.
    const CLIENT_URL: &str = "https://widget.comm-matrix.gemeente-voorbeeld.nl/?session=5e092f4bf422d659a285915c0e72951af8080fd9ea424b20e809cb24b0295a83";
    const ATTR_URL: &str = "http://comm-matrix.internal.svc:8000/attributes/5e092f4bf422d659a285915c0e72951af8080fd9ea424b20e809cb24b0295a83";

    fn session(tags: [&str; 3]) -> SessionInfo {
        let [purpose, auth_method, comm_method] = tags.map(str::to_owned);
        let reference = SessionReference::new(&crate::model::SystemRandom);
        SessionInfo { reference, kind: Kind::Full, purpose, auth_method, comm_method, started: 1_800_000_000 }
    }

    #[test]
    fn a_state_is_identified_even_after_its_end() {
        let info = session(["report_move", "digid", "chat"]);
        let made = |id| StateKeys::new(StateKey::generate(id).unwrap(), Vec::new());
        let keys = made("s1");
        let url = PluginUrl::parse_attr_url("http://a".to_owned()).unwrap();
        let receiver = keys.seal(&Receiver { session: info.clone(), attr_url: url.clone() }, 1_000).unwrap();
        let updates = keys
            .seal(
                &Updates { session: info.clone(), target: UpdateTarget::Plugin { session_url: url } },
                1_000,
            )
            .unwrap();
        for now in [1_000, 1_000_000] {
            let expected = |endpoint| Some((endpoint, info.reference));
            assert!(identify(&receiver, &keys, now) == expected("/session/attributes"));
            assert!(identify(&updates, &keys, now) == expected("/session/update"));
        }
        assert!(identify(&receiver, &made("s1"), 1_000).is_none());
    }

    fn sealed_length<S: SealedState>(state: &S) -> usize {
        let keys = StateKeys::new(StateKey::generate("s1").unwrap(), Vec::new());
        keys.seal(state, 1_800_000_000).unwrap().len()
    }

    /// protocol.md, "URL budget": what a citizen first opens has at most 2,000 characters, most of
    /// which are our URLs in base64.
    #[test]
    fn sealed_urls_are_within_the_budget() {
        let usual = session(["report_move", "digid", "chat"]);
        let long =
            session(["verhuizing_doorgeven_buitenland", "digid-machtigen-substantieel", "beeldbellen-balie"]);
        let attr_url = |session: &SessionInfo, url: &str| {
            let attr_url = PluginUrl::parse_attr_url(url.to_owned()).unwrap();
            let state = Receiver { session: session.clone(), attr_url };
            "https://gateway.internal:8081/session/attributes/".len() + sealed_length(&state)
        };
        let continuation = |session: &SessionInfo, client_url: &str, attr_url: &str| {
            let client_url = PluginUrl::parse_client_url(client_url.to_owned()).unwrap();
            let attr_url = PluginUrl::parse_attr_url(attr_url.to_owned()).unwrap();
            let next = Next::Delivered { client_url, attr_url };
            let state = Continuation {
                session: session.clone(),
                next,
                browser: Some(Nonce::new(&crate::model::SystemRandom)),
            };
            "https://contact.gemeente-voorbeeld.nl/session/continue/".len() + sealed_length(&state)
        };
        let short_attr_url = attr_url(&usual, "http://comm-chat:3000/attributes/5e092f4bf422d659a2859");
        assert!(short_attr_url <= 290, "{short_attr_url}");
        let short = continuation(&usual, "https://chat.example.nl/", "http://comm-chat:3000/attributes/1");
        assert!(short <= 350, "{short}");
        let (longest, longest_attr_url) =
            (continuation(&long, CLIENT_URL, ATTR_URL), attr_url(&long, ATTR_URL));
        assert!(longest <= 680 && longest_attr_url <= 440, "{longest}, {longest_attr_url}");
        let first_opened = "https://auth-irma.gemeente-voorbeeld.nl/auth/".len()
            + (longest + longest_attr_url) * 4 / 3
            + 200;
        assert!(first_opened <= 2_000, "{first_opened}");
    }
}
