//! What a citizen reads when something went wrong: not what an operator reads.

use std::fmt;

use super::ProblemCode;
use crate::{model::Language, pages::BackLink};

/// A title, what happened and what to do, in the citizen's language.
pub(super) struct CitizenText {
    pub title: &'static str,
    pub what_happened: &'static str,
    pub what_to_do: &'static str,
}

/// Where a citizen goes whose session cannot go on.
#[derive(Clone, PartialEq, Eq)]
pub enum WayOn {
    /// To the choice of methods for this purpose.
    Again(String),
    /// Back to the conversation at this URL.
    Conversation(String),
    /// To a conversation at this URL that does not know who the citizen is.
    Without(String),
}

impl WayOn {
    /// `base` is the path of the public URL.
    pub(super) fn link(&self, base: &str, language: Language) -> BackLink {
        match self {
            Self::Again(purpose) => BackLink::start_again(base, purpose, language),
            Self::Conversation(url) => BackLink {
                url: url.clone(),
                label: language.pick("Terug naar het gesprek", "Back to the conversation"),
            },
            Self::Without(url) => BackLink {
                url: url.clone(),
                label: language.pick("Verder zonder uw gegevens", "Go on without your data"),
            },
        }
    }
}

/// The URL is a citizen's conversation.
impl fmt::Debug for WayOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Again(_) => "Again",
            Self::Conversation(_) => "Conversation(redacted)",
            Self::Without(_) => "Without(redacted)",
        })
    }
}

/// The problems that look the same to a citizen.
#[derive(Clone, Copy)]
enum Kind {
    NotFound,
    SessionEnded,
    OtherBrowser,
    ResultRefused,
    WrongRequest,
    AuthenticationAway,
    CommunicationAway,
    NotDelivered,
    ServiceAway,
    Ours,
}

impl From<ProblemCode> for Kind {
    fn from(code: ProblemCode) -> Self {
        match code {
            ProblemCode::NotFound => Self::NotFound,
            ProblemCode::UnknownSession => Self::SessionEnded,
            ProblemCode::OtherBrowser => Self::OtherBrowser,
            ProblemCode::ResultRejected => Self::ResultRefused,
            ProblemCode::InvalidRequest
            | ProblemCode::UnsupportedMediaType
            | ProblemCode::RequestTooLarge
            | ProblemCode::RequestTimeout
            | ProblemCode::MethodNotAllowed
            | ProblemCode::UnknownPurpose
            | ProblemCode::UnknownAuthMethod
            | ProblemCode::AuthMethodNotAllowed
            | ProblemCode::UnknownCommMethod
            | ProblemCode::CommMethodNotAllowed
            | ProblemCode::UnauthenticatedNotAllowed
            | ProblemCode::NotCombinable
            | ProblemCode::SignatureRequired
            | ProblemCode::SignatureRefused
            | ProblemCode::PurposeNotAllowed
            | ProblemCode::UrlNotAllowed
            | ProblemCode::InvalidPath
            | ProblemCode::MissingHost => Self::WrongRequest,
            ProblemCode::AuthPluginError | ProblemCode::AuthPluginTimeout => Self::AuthenticationAway,
            ProblemCode::CommPluginError | ProblemCode::CommPluginTimeout | ProblemCode::UrlTooLong => {
                Self::CommunicationAway
            }
            ProblemCode::DeliveryFailed => Self::NotDelivered,
            ProblemCode::UpstreamUnavailable | ProblemCode::UpstreamTimeout => Self::ServiceAway,
            ProblemCode::InternalError => Self::Ours,
        }
    }
}

pub(super) fn text(code: ProblemCode, language: Language) -> CitizenText {
    let kind = Kind::from(code);
    let [title, what_happened, what_to_do] = match language {
        Language::Nl => dutch(kind),
        Language::En => english(kind),
    };
    CitizenText { title, what_happened, what_to_do }
}

fn dutch(kind: Kind) -> [&'static str; 3] {
    match kind {
        Kind::NotFound => [
            "Deze pagina bestaat niet",
            "Het adres klopt niet, of de pagina is verplaatst.",
            "Begin opnieuw bij de keuze van uw onderwerp.",
        ],
        Kind::SessionEnded => [
            "Deze sessie is er niet meer",
            "Zij is verlopen, of de link klopt niet. Er zijn geen gegevens gedeeld.",
            "Begin opnieuw bij de keuze van uw onderwerp.",
        ],
        Kind::OtherBrowser => [
            "U bent in een andere browser begonnen",
            "Voor uw veiligheid kan deze sessie alleen verder in de browser waarin zij begon. Er zijn geen gegevens gedeeld.",
            "Ga verder in die browser, of begin hier opnieuw.",
        ],
        Kind::ResultRefused => [
            "Het inloggen kan niet worden gecontroleerd",
            "De inlogdienst gaf iets terug dat wij niet kunnen controleren. Er zijn geen gegevens gedeeld.",
            "Probeer het opnieuw, of kies een andere manier van inloggen.",
        ],
        Kind::WrongRequest => [
            "Dit verzoek kunnen wij niet verwerken",
            "De keuze die is doorgegeven, klopt niet of is niet meer mogelijk.",
            "Begin opnieuw bij de keuze van uw onderwerp.",
        ],
        Kind::AuthenticationAway => [
            "Inloggen lukt nu niet",
            "De inlogdienst die u koos, reageert niet goed. Er zijn geen gegevens gedeeld.",
            "Probeer het later opnieuw, of kies een andere manier van inloggen.",
        ],
        Kind::CommunicationAway => [
            "Contact lukt nu niet",
            "De contactdienst die u koos, reageert niet goed. Er zijn geen gegevens gedeeld.",
            "Probeer het later opnieuw, of kies een andere manier van contact.",
        ],
        Kind::NotDelivered => [
            "Uw gegevens zijn niet aangekomen",
            "U bent ingelogd, maar de contactdienst heeft uw gegevens niet ontvangen.",
            "Begin opnieuw, of kies een andere manier van contact.",
        ],
        Kind::ServiceAway => [
            "Deze dienst is nu niet bereikbaar",
            "De dienst achter dit adres reageert niet.",
            "Probeer het over een paar minuten opnieuw.",
        ],
        Kind::Ours => [
            "Er ging iets mis",
            "Door een fout aan onze kant kunnen wij u nu niet helpen.",
            "Probeer het later opnieuw.",
        ],
    }
}

fn english(kind: Kind) -> [&'static str; 3] {
    match kind {
        Kind::NotFound => [
            "This page does not exist",
            "The address is wrong, or the page has moved.",
            "Start again by choosing your subject.",
        ],
        Kind::SessionEnded => [
            "This session is no longer there",
            "It has expired, or the link is not right. No data has been shared.",
            "Start again by choosing your subject.",
        ],
        Kind::OtherBrowser => [
            "You started in another browser",
            "For your safety this session can only go on in the browser in which it began. No data has been shared.",
            "Go on in that browser, or start again here.",
        ],
        Kind::ResultRefused => [
            "Your sign-in cannot be verified",
            "The sign-in service gave us something that we cannot verify. No data has been shared.",
            "Try again, or choose another way to sign in.",
        ],
        Kind::WrongRequest => [
            "We cannot process this request",
            "The choice that was passed on is wrong, or no longer possible.",
            "Start again by choosing your subject.",
        ],
        Kind::AuthenticationAway => [
            "Signing in is not possible now",
            "The sign-in service that you chose does not respond well. No data has been shared.",
            "Try again later, or choose another way to sign in.",
        ],
        Kind::CommunicationAway => [
            "Contact is not possible now",
            "The contact service that you chose does not respond well. No data has been shared.",
            "Try again later, or choose another way to contact us.",
        ],
        Kind::NotDelivered => [
            "Your data did not arrive",
            "You signed in, but the contact service did not receive your data.",
            "Start again, or choose another way to contact us.",
        ],
        Kind::ServiceAway => [
            "This service cannot be reached now",
            "The service behind this address does not respond.",
            "Try again in a few minutes.",
        ],
        Kind::Ours => [
            "Something went wrong",
            "Because of a mistake on our side we cannot help you now.",
            "Try again later.",
        ],
    }
}
