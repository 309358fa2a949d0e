//! Authentication during communication: who may ask for it, and with which URLs (protocol.md,
//! "Signed auth-only request"; design.md, "Endpoints").

use super::{Problem, ProblemCode, endpoints::Listener, resealing::count, start_request::StartRequest};
use crate::{
    config::{Initiator, Purpose},
    model::{PluginUrl, UrlPrefix},
    plugins::Environment,
    snapshot::Snapshot,
    tokens::{self, TokenError},
};

/// Where the citizen returns to, and where the result goes; whoever asked may name them.
pub(super) struct Urls {
    pub(super) comm_url: PluginUrl,
    pub(super) attr_url: Option<PluginUrl>,
}

/// The request in a signed start, and its URLs, all within the rights of the initiator who signed.
pub(super) fn signed(
    snapshot: &Snapshot,
    token: &str,
    environment: Environment<'_>,
) -> Result<(StartRequest, Urls), Problem> {
    let initiators = &snapshot.config().initiators;
    let key_of = |kid: &str| {
        initiators.iter().find(|initiator| initiator.kid == kid).map(|found| (found, &found.verify))
    };
    let opened = tokens::open_signed::<&Initiator, StartRequest>(token, key_of, environment.clock.now());
    count("verify_start", opened.as_ref().err(), environment);
    let (initiator, request) = opened.map_err(refused)?;
    let purpose = request.purpose.as_deref().unwrap_or_default();
    if !initiator.purposes.iter().any(|tag| tag.as_str() == purpose) {
        return Err(Problem::new(
            ProblemCode::PurposeNotAllowed,
            "the purpose is not among the initiator's `purposes`",
        ));
    }
    let urls = Urls::parse(&request)?;
    if !initiator.comm_urls.iter().any(|prefix| prefix.covers(&urls.comm_url)) {
        return Err(not_allowed("`comm_url` is not below one of the initiator's `comm_urls`"));
    }
    if let Some(attr_url) = &urls.attr_url
        && !initiator.attr_urls.iter().any(|prefix| prefix.covers(attr_url))
    {
        return Err(not_allowed("`attr_url` is not below one of the initiator's `attr_urls`"));
    }
    Ok((request, urls))
}

/// The URLs of an unsigned start: from inside only, and only to communication plugins and initiators
/// that may serve the purpose.
pub(super) fn unsigned(
    snapshot: &Snapshot,
    listener: Listener,
    purpose: &Purpose,
    request: &StartRequest,
) -> Result<Urls, Problem> {
    if listener == Listener::Public {
        return Err(Problem::new(
            ProblemCode::SignatureRequired,
            "send the request signed, as application/jwt, or to the internal listener",
        ));
    }
    let urls = Urls::parse(request)?;
    let initiators = || {
        let all = snapshot.config().initiators.iter();
        all.filter(|initiator| initiator.purposes.contains(&purpose.tag))
    };
    let may_name = |url: &PluginUrl, prefixes: fn(&Initiator) -> &[UrlPrefix]| {
        snapshot.receiver(url, purpose).is_some_and(|(id, ..)| purpose.allowed_comm.contains(&id))
            || initiators().any(|initiator| prefixes(initiator).iter().any(|prefix| prefix.covers(url)))
    };
    if !may_name(&urls.comm_url, |initiator| &initiator.comm_urls) {
        return Err(not_allowed(
            "`comm_url` is of no communication plugin of the purpose: name its host in the plugin's `hosts`",
        ));
    }
    if urls.attr_url.as_ref().is_some_and(|url| !may_name(url, |initiator| &initiator.attr_urls)) {
        return Err(not_allowed(
            "`attr_url` is of no communication plugin of the purpose: name its host in the plugin's `hosts`",
        ));
    }
    Ok(urls)
}

impl Urls {
    fn parse(request: &StartRequest) -> Result<Self, Problem> {
        let url = |name: &str, text: &Option<String>| {
            text.clone().map(PluginUrl::parse_attr_url).transpose().map_err(|error| {
                Problem::new(ProblemCode::UrlNotAllowed, format!("`{name}` cannot be used: {error}"))
            })
        };
        let comm_url = url("comm_url", &request.comm_url)?.ok_or_else(|| {
            Problem::new(
                ProblemCode::InvalidRequest,
                "authentication during communication needs a `comm_url`",
            )
        })?;
        Ok(Self { comm_url, attr_url: url("attr_url", &request.attr_url)? })
    }
}

fn not_allowed(detail: &'static str) -> Problem {
    Problem::new(ProblemCode::UrlNotAllowed, detail)
}

/// Before the signature holds, strangers learn nothing from the answer.
fn refused(error: TokenError) -> Problem {
    let detail = match error {
        TokenError::Expired => "it has expired",
        TokenError::NotYetValid => "it was issued in the future",
        TokenError::Claims => "its claims are not those of a signed start",
        _ => "its key, algorithm or signature is not that of an initiator",
    };
    Problem::new(ProblemCode::SignatureRefused, detail)
}
