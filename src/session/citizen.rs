//! What a citizen reads when something went wrong: not what an operator reads.

use super::ProblemCode;
use crate::model::Language;

/// A title, what happened and what to do, in the citizen's language.
pub(super) struct CitizenText {
    pub title: &'static str,
    pub what_happened: &'static str,
    pub what_to_do: &'static str,
}

/// The problems that look the same to a citizen.
enum Kind {
    NotFound,
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
            | ProblemCode::NotSupportedYet
            | ProblemCode::InvalidPath
            | ProblemCode::MissingHost => Self::WrongRequest,
            ProblemCode::AuthPluginError | ProblemCode::AuthPluginTimeout => Self::AuthenticationAway,
            ProblemCode::CommPluginError | ProblemCode::CommPluginTimeout => Self::CommunicationAway,
            ProblemCode::DeliveryFailed => Self::NotDelivered,
            ProblemCode::UpstreamUnavailable | ProblemCode::UpstreamTimeout => Self::ServiceAway,
            ProblemCode::InternalError => Self::Ours,
        }
    }
}

pub(super) fn text(code: ProblemCode, language: Language) -> CitizenText {
    let (title, what_happened, what_to_do) = match (Kind::from(code), language) {
        (Kind::NotFound, Language::Nl) => (
            "Deze pagina bestaat niet",
            "Het adres klopt niet, of de pagina is verplaatst.",
            "Begin opnieuw bij de keuze van uw onderwerp.",
        ),
        (Kind::NotFound, Language::En) => (
            "This page does not exist",
            "The address is wrong, or the page has moved.",
            "Start again by choosing your subject.",
        ),
        (Kind::WrongRequest, Language::Nl) => (
            "Dit verzoek kunnen wij niet verwerken",
            "De keuze die is doorgegeven, klopt niet of is niet meer mogelijk.",
            "Begin opnieuw bij de keuze van uw onderwerp.",
        ),
        (Kind::WrongRequest, Language::En) => (
            "We cannot process this request",
            "The choice that was passed on is wrong, or no longer possible.",
            "Start again by choosing your subject.",
        ),
        (Kind::AuthenticationAway, Language::Nl) => (
            "Inloggen lukt nu niet",
            "De inlogdienst die u koos, reageert niet goed. Er zijn geen gegevens gedeeld.",
            "Probeer het later opnieuw, of kies een andere manier van inloggen.",
        ),
        (Kind::AuthenticationAway, Language::En) => (
            "Signing in is not possible now",
            "The sign-in service that you chose does not respond well. No data has been shared.",
            "Try again later, or choose another way to sign in.",
        ),
        (Kind::CommunicationAway, Language::Nl) => (
            "Contact lukt nu niet",
            "De contactdienst die u koos, reageert niet goed. Er zijn geen gegevens gedeeld.",
            "Probeer het later opnieuw, of kies een andere manier van contact.",
        ),
        (Kind::CommunicationAway, Language::En) => (
            "Contact is not possible now",
            "The contact service that you chose does not respond well. No data has been shared.",
            "Try again later, or choose another way to contact us.",
        ),
        (Kind::NotDelivered, Language::Nl) => (
            "Uw gegevens zijn niet aangekomen",
            "U bent ingelogd, maar de contactdienst heeft uw gegevens niet ontvangen.",
            "Begin opnieuw, of kies een andere manier van contact.",
        ),
        (Kind::NotDelivered, Language::En) => (
            "Your data did not arrive",
            "You signed in, but the contact service did not receive your data.",
            "Start again, or choose another way to contact us.",
        ),
        (Kind::ServiceAway, Language::Nl) => (
            "Deze dienst is nu niet bereikbaar",
            "De dienst achter dit adres reageert niet.",
            "Probeer het over een paar minuten opnieuw.",
        ),
        (Kind::ServiceAway, Language::En) => (
            "This service cannot be reached now",
            "The service behind this address does not respond.",
            "Try again in a few minutes.",
        ),
        (Kind::Ours, Language::Nl) => (
            "Er ging iets mis",
            "Door een fout aan onze kant kunnen wij u nu niet helpen.",
            "Probeer het later opnieuw.",
        ),
        (Kind::Ours, Language::En) => (
            "Something went wrong",
            "Because of a mistake on our side we cannot help you now.",
            "Try again later.",
        ),
    };
    CitizenText { title, what_happened, what_to_do }
}
