//! The configuration as it is in force, in the shape of the three files, for operators to read.
//! May import: `adapters`, `mask`, `model`.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::{
    AssertedHeaders, AuthKind, AuthMethod, AuthTrust, Brokering, ClientAuth, CommKind, CommMethod, CommTrust,
    Config, Gateway, HeaderEdit, Initiator, InspectDelivery, Jwt, Keys, Link, Listeners, Oidc, PluginStart,
    Purpose, Route, Timeouts, Upstream, adapters,
    mask::{MASKED, is_sensitive, shown_text, shown_url},
};
use crate::model::{LocalizedText, UrlPrefix};

/// The effective configuration, defaults filled in: `{routes: …, purposes: …, plugins: …}`, each in
/// the shape of its file. What may be a secret that is written out, such as the value of a header whose name
/// sounds like it, is masked. In place of a public
/// key stands its SHA-256 fingerprint in hexadecimal, and of a private key that of its public half.
pub fn effective(config: &Config) -> Value {
    json!({
        "routes": {
            "gateway": gateway(&config.gateway, &config.listeners),
            "listeners": listeners(&config.listeners),
            "upstreams": config.upstreams.iter().map(|each| (each.name.to_string(), upstream(each))).collect::<Map<_, _>>(),
            "routes": config.routes.iter().map(|each| route(each, config)).collect::<Vec<_>>(),
        },
        "purposes": {
            "purposes": config.purposes.iter().map(|each| purpose(each, config)).collect::<Vec<_>>(),
        },
        "plugins": {
            "auth": config.auth.iter().map(|each| auth_method(each, config)).collect::<Vec<_>>(),
            "comm": config.comm.iter().map(|each| comm_method(each, config)).collect::<Vec<_>>(),
            "initiators": config.initiators.iter().map(initiator).collect::<Vec<_>>(),
            "keys": keys(&config.keys),
        },
    })
}

fn gateway(gateway: &Gateway, listeners: &Listeners) -> Value {
    let mut value = json!({
        "public_url": gateway.public_url.as_str(),
        "trusted_proxies": gateway.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    match &gateway.internal_url {
        Some(url) => value["internal_url"] = json!(url.as_str()),
        // Port 0 is known only to the listener itself.
        None if listeners.internal.port() == 0 => {}
        None => value["internal_url"] = json!(format!("http://{}", listeners.internal)),
    }
    value
}

fn listeners(listeners: &Listeners) -> Value {
    json!({
        "public": { "address": listeners.public.to_string() },
        "internal": { "address": listeners.internal.to_string() },
        "admin": { "address": listeners.admin.to_string() },
    })
}

fn upstream(upstream: &Upstream) -> Value {
    let Timeouts { connect, read, write, idle } = upstream.timeouts;
    json!({
        "servers": upstream.servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "balance": "round_robin",
        "timeouts": {
            "connect": duration(connect),
            "read": duration(read),
            "write": duration(write),
            "idle": duration(idle),
        },
    })
}

fn route(route: &Route, config: &Config) -> Value {
    let mut value = json!({
        "id": route.id,
        "path": route.path,
        "upstream": config.upstreams.get(route.upstream.0).map(|upstream| upstream.name.as_str()),
        "strip_path": route.strip_path,
        "rewrite": { "redirects": route.rewrite.redirects, "cookies": route.rewrite.cookies },
        "headers": {
            "request": header_edit(&route.request_headers),
            "response": header_edit(&route.response_headers),
        },
    });
    if let Some(host) = &route.host {
        value["host"] = json!(host);
    }
    if let Some(limit) = route.body_limit {
        value["limits"] = json!({ "body": limit });
    }
    value
}

fn header_edit(edit: &HeaderEdit) -> Value {
    let shown = |(name, value): &(HeaderName, HeaderValue)| {
        let value = value.to_str().ok().filter(|_| !is_sensitive(name.as_str()));
        let value = value.map_or_else(|| MASKED.to_owned(), |value| shown_text(name.as_str(), value));
        (name.to_string(), json!(value))
    };
    json!({
        "set": edit.set.iter().map(shown).collect::<Map<_, _>>(),
        "remove": edit.remove.iter().map(HeaderName::as_str).collect::<Vec<_>>(),
    })
}

fn purpose(purpose: &Purpose, config: &Config) -> Value {
    let auth = purpose.allowed_auth.iter().filter_map(|id| config.auth.get(id.0)).map(|method| &method.tag);
    let comm = purpose.allowed_comm.iter().filter_map(|id| config.comm.get(id.0)).map(|method| &method.tag);
    let mut value = json!({
        "tag": purpose.tag,
        "attributes": purpose.attributes,
        "allowed_auth": auth.collect::<Vec<_>>(),
        "allowed_comm": comm.collect::<Vec<_>>(),
        "unauthenticated": purpose.unauthenticated,
    });
    if let Some(name) = &purpose.name {
        value["name"] = text(name);
    }
    value
}

fn auth_method(method: &AuthMethod, config: &Config) -> Value {
    let mut value = json!({
        "tag": method.tag,
        "name": text(&method.name),
        "image_path": method.image_path,
        "brokering": brokering(method.brokering),
        "timeout": duration(method.timeout),
    });
    if let AuthKind::Remote { .. } | AuthKind::Test { .. } = &method.kind {
        value["dialect"] = json!(method.dialect.as_str());
        value["disable_attr_url"] = json!(method.disable_attr_url);
        value["shim_tel_url"] = json!(method.shim_tel_url);
        if let Some(hosts) = &method.hosts {
            value["hosts"] = json!(hosts);
        }
    }
    if let AuthTrust::Reseal { verify } = &method.trust {
        value["trust"] = json!({ "reseal": { "verify": hex(verify.fingerprint()) } });
    }
    match &method.kind {
        AuthKind::Remote { start } => value["start"] = plugin_start(start, config),
        AuthKind::Test { attributes } => {
            let attributes = attributes.iter().map(|(tag, value)| (tag.to_string(), json!(value)));
            value["test"] = json!({ "attributes": attributes.collect::<Map<_, _>>() });
        }
        AuthKind::Oidc(oidc) => value["oidc"] = self::oidc(oidc),
        AuthKind::Http(http) => value["http"] = adapters::shown_http_auth(http),
        AuthKind::Headers(headers) => value["headers"] = asserted_headers(headers),
    }
    if let Some(provides) = &method.provides {
        value["provides"] = json!(provides);
    }
    value
}

fn oidc(oidc: &Oidc) -> Value {
    let attributes = oidc.attributes.iter().map(|(tag, claim)| (tag.to_string(), json!(claim.to_string())));
    let mut value = json!({
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "scopes": oidc.scopes,
        "attributes": attributes.collect::<Map<_, _>>(),
        "acr_values": oidc.acr_values,
    });
    match &oidc.client_auth {
        ClientAuth::Secret(_) => value["client_secret"] = json!(MASKED),
        ClientAuth::PrivateKeyJwt(key) => {
            value["private_key_jwt"] = json!({ "key": key.fingerprint().map(hex) });
            if let Some(kid) = key.kid() {
                value["private_key_jwt"]["kid"] = json!(kid);
            }
        }
    }
    if let Some(prompt) = oidc.prompt {
        value["prompt"] = json!(prompt.as_str());
    }
    if let Some(max_age) = oidc.max_age {
        value["max_age"] = json!(duration(max_age));
    }
    value
}

fn comm_method(method: &CommMethod, config: &Config) -> Value {
    let mut value = json!({
        "tag": method.tag,
        "name": text(&method.name),
        "image_path": method.image_path,
        "timeout": duration(method.timeout),
    });
    if let CommKind::Remote { .. } | CommKind::Inspect { .. } = &method.kind {
        value["disable_attributes_at_start"] = json!(method.disable_attributes_at_start);
        if let Some(dialect) = method.dialect {
            value["dialect"] = json!(dialect.as_str());
        }
        if let Some(hosts) = &method.hosts {
            value["hosts"] = json!(hosts);
        }
    }
    if let CommTrust::Reseal { encrypt } = &method.trust {
        value["trust"] = json!({ "reseal": { "encrypt": hex(encrypt.fingerprint()) } });
    }
    match &method.kind {
        CommKind::Remote { start } => value["start"] = plugin_start(start, config),
        CommKind::Inspect { delivery } => {
            let delivery = match delivery {
                InspectDelivery::AttrUrl => "attr_url",
                InspectDelivery::Result => "result",
            };
            value["inspect"] = json!({ "delivery": delivery });
        }
        CommKind::Link(link) => value["link"] = comm_link(link),
        CommKind::Http(http) => value["http"] = adapters::shown_http_comm(http),
    }
    value
}

fn asserted_headers(headers: &AssertedHeaders) -> Value {
    let attributes = headers.attributes.iter().map(|(tag, name)| (tag.to_string(), json!(name.as_str())));
    json!({
        "from": headers.from.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attributes": attributes.collect::<Map<_, _>>(),
    })
}

fn comm_link(link: &Link) -> Value {
    let mut value = json!({ "url": shown_url(link.url.as_str()) });
    if let Some(room) = &link.room {
        value["room"] = json!(room.as_str());
    }
    if let Some(jwt) = &link.jwt {
        value["jwt"] = link_token(jwt);
    }
    value
}

fn link_token(Jwt { key, ttl, claims }: &Jwt) -> Value {
    let mut value = json!({ "alg": key.algorithm(), "ttl": duration(*ttl), "claims": claims.to_json() });
    match key.fingerprint() {
        Some(fingerprint) => value["key"] = json!(hex(fingerprint)),
        None => value["secret"] = json!(MASKED),
    }
    if let Some(kid) = key.kid() {
        value["kid"] = json!(kid);
    }
    value
}

fn brokering(brokering: Brokering) -> &'static str {
    match brokering {
        Brokering::Off => "off",
        Brokering::Observe => "observe",
        Brokering::Bind => "bind",
    }
}

fn initiator(initiator: &Initiator) -> Value {
    let urls = |urls: &[UrlPrefix]| urls.iter().map(|url| json!(url.as_str())).collect::<Value>();
    json!({
        "kid": initiator.kid,
        "verify": hex(initiator.verify.fingerprint()),
        "purposes": initiator.purposes,
        "comm_urls": urls(&initiator.comm_urls),
        "attr_urls": urls(&initiator.attr_urls),
    })
}

fn keys(keys: &Keys) -> Value {
    let private = |id: Option<&str>, public: [u8; 32]| json!({ "id": id, "fingerprint": hex(public) });
    json!({
        "state": keys.state.iter().map(|key| json!({ "id": key.id(), "secret": MASKED })).collect::<Value>(),
        "signing": keys.signing.iter()
            .map(|key| private(key.id(), key.verification_key().fingerprint())).collect::<Value>(),
        "decryption": keys.decryption.iter()
            .map(|key| private(key.id(), key.encryption_key().fingerprint())).collect::<Value>(),
    })
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plugin_start(start: &PluginStart, config: &Config) -> Value {
    match start {
        PluginStart::Url(url) => json!(url.as_str()),
        PluginStart::Upstream { upstream, path } => {
            let name = config.upstreams.get(upstream.0).map_or("", |upstream| upstream.name.as_str());
            json!(format!("upstream:{name}{path}"))
        }
    }
}

fn text(text: &LocalizedText) -> Value {
    match text {
        LocalizedText::Plain(text) => json!(text),
        LocalizedText::Translated(entries) => {
            Value::Object(entries.iter().map(|(language, text)| (language.clone(), json!(text))).collect())
        }
    }
}

/// In the largest unit that is exact.
pub(super) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let exact = units.into_iter().find(|(_, size)| millis.is_multiple_of(*size)).unwrap_or(("ms", 1));
    format!("{}{}", millis / exact.1, exact.0)
}
