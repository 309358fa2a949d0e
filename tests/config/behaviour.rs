//! What particular values mean.

use std::time::Duration;

use id_contact_gateway::{
    config::{
        AuthId, AuthKind, ClientAuth, CommKind, Config, InspectDelivery, PluginStart, Prompt, Rewrite,
        Sources, UpstreamId, load,
    },
    model::{Dialect, Language},
};
use serde_json::json;

use super::{directories, effective, environment, loaded, refused, root, sources};

const GATEWAY: &str = "gateway: { public_url: 'https://contact.example.nl' }\n";
const NO_PURPOSES: &str = "purposes: []";
const NO_PLUGINS: &str = "auth: []\ncomm: []";

fn with_routes(routes: &str) -> Config {
    loaded(&Sources::from_texts(&format!("{GATEWAY}{routes}"), NO_PURPOSES, NO_PLUGINS))
}

#[test]
fn every_value_of_the_design_arrives() {
    let config = loaded(&sources(&root("tests/config/valid/design")));
    assert_eq!(config.gateway.public_url.as_str(), "https://contact.example.nl");
    assert_eq!(config.gateway.internal_url.as_ref().unwrap().as_str(), "http://gateway.internal:8081");
    assert_eq!(config.gateway.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(config.listeners.public, "0.0.0.0:8080".parse().unwrap());

    let chat = &config.routes[1];
    assert_eq!((chat.path.as_str(), chat.host.as_deref(), chat.upstream), ("/chat", None, UpstreamId(2)));
    assert!(chat.strip_path);
    assert_eq!(chat.rewrite, Rewrite { redirects: true, cookies: true });
    assert_eq!(chat.request_headers.set[0].0, "x-tenant");
    assert_eq!(chat.request_headers.set[0].1, "utrecht");
    assert_eq!(chat.request_headers.remove, ["x-debug"]);
    assert_eq!(chat.response_headers.remove, ["server"]);
    assert_eq!(chat.body_limit, Some(10 * 1024 * 1024));

    let purpose = &config.purposes[0];
    assert_eq!(purpose.name.as_ref().unwrap().text(Language::En), "Report a move");
    assert_eq!(purpose.allowed_auth, [AuthId(1)]);

    let digid = &config.auth[1];
    let start = PluginStart::Upstream { upstream: UpstreamId(1), path: "/internal".to_owned() };
    assert_eq!(digid.kind, AuthKind::Remote { start });
    assert_eq!(digid.dialect, Dialect::VerderHelpen);
    assert_eq!(digid.hosts.as_deref().unwrap(), ["digid.example.nl"]);
    assert_eq!(digid.timeout, Duration::from_secs(5));
}

#[test]
fn an_openid_provider_is_configured_as_it_is_written() {
    let config = loaded(&sources(&root("tests/config/valid/openid")));
    let oidc = |index: usize| match &config.auth[index].kind {
        AuthKind::Oidc(oidc) => oidc,
        other => panic!("{other:?}"),
    };
    let (secret, key) = (oidc(0), oidc(1));
    assert_eq!(secret.issuer, "https://idp.example.nl/realms/town/");
    assert_eq!((secret.scopes.len(), &*secret.acr_values), (3, &["loa3", "urn:loa:4"].map(String::from)[..]));
    assert_eq!(secret.prompt, Some(Prompt::SelectAccount));
    assert_eq!((secret.max_age, key.max_age), (Some(Duration::from_secs(8 * 3600)), None));
    let claims: Vec<_> = secret.attributes.iter().map(|(_, claim)| claim.to_string()).collect();
    assert_eq!(claims, ["email", "/address/locality", "https://idp.example.nl/name"]);
    assert!(
        matches!(&secret.client_auth, ClientAuth::Secret(secret) if secret.expose() == "hunter2-hunter2")
    );
    assert_eq!((key.client_id.as_str(), &*key.scopes), ("12345", &["openid".to_owned()][..]));
    assert!(matches!(&key.client_auth, ClientAuth::PrivateKeyJwt(key) if key.kid() == Some("gateway-1")));
}

#[test]
fn what_is_not_written_has_its_default() {
    let config =
        with_routes("upstreams: { a: { servers: ['http://a'] } }\nroutes: [ { id: a, upstream: a } ]");
    assert_eq!(config.gateway.internal_url, None);
    assert_eq!(config.listeners.public, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(config.listeners.internal, "127.0.0.1:8081".parse().unwrap());
    assert_eq!(config.listeners.admin, "127.0.0.1:9090".parse().unwrap());
    assert_eq!(config.upstreams[0].timeouts.read, Duration::from_secs(30));
    assert_eq!((config.routes[0].path.as_str(), config.routes[0].strip_path), ("/", false));
    assert_eq!(config.routes[0].rewrite, Rewrite { redirects: true, cookies: true });
}

#[test]
fn listeners_on_port_zero_never_collide() {
    let address = "{ address: '127.0.0.1:0' }";
    with_routes(&format!("listeners: {{ public: {address}, internal: {address}, admin: {address} }}"));
    let apart = "listeners: { public: { address: '0.0.0.0:1' }, internal: { address: '[::1]:1' } }";
    with_routes(apart);
}

#[test]
fn a_route_with_a_host_of_its_own_may_use_any_path() {
    with_routes(
        "upstreams: { a: { servers: ['http://a'] } }\nroutes: [ { id: a, host: a.nl, path: /auth, upstream: a } ]",
    );
}

#[test]
fn variables_are_expanded_in_values_of_every_kind() {
    let routes = "upstreams: { a: { servers: ['http://${env:HOST}:${env:PORT:-8000}'], timeouts: { read: '${env:READ:-7s}' } } }\n\
                  routes: [ { id: a, host: '${env:HOST}', upstream: a, \
                  headers: { request: { set: { Authorization: 'Bearer ${env:CREDENTIAL}' } } } } ]";
    let config = with_routes(routes);
    assert_eq!(config.upstreams[0].servers[0].as_str(), "http://irma.internal:8000");
    assert_eq!(config.upstreams[0].timeouts.read, Duration::from_secs(7));
    assert_eq!(config.routes[0].host.as_deref(), Some("irma.internal"));
    assert_eq!(config.routes[0].request_headers.set[0].1, "Bearer hunter2");

    let shown = effective(&config);
    assert_eq!(shown["routes"]["routes"][0]["headers"]["request"]["set"], json!({ "authorization": "***" }));
    assert!(!shown.to_string().contains("hunter2"));
}

#[test]
fn the_development_pair_is_two_adapters() {
    let config = loaded(&Sources::read(&root(".")).unwrap());
    assert!(matches!(&config.auth[0].kind, AuthKind::Test { attributes } if attributes.len() == 3));
    let deliveries: Vec<_> = config.comm.iter().map(|method| method.kind.clone()).collect();
    let inspect = |delivery| CommKind::Inspect { delivery };
    assert_eq!(deliveries, [inspect(InspectDelivery::AttrUrl), inspect(InspectDelivery::Result)]);
}

#[test]
fn reports_are_readable_by_programs() {
    let report = refused(GATEWAY, "purposes: [ { tag: a } ]", NO_PLUGINS).to_json();
    assert_eq!(report["errors"], 2);
    let first = &report["diagnostics"][0];
    assert_eq!(first["code"], "missing-key");
    assert_eq!(first["severity"], "error");
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&json!("purposes.yaml"), &json!(1), &json!(15))
    );
    assert_eq!(first["message"], "the purpose `a` needs the key `allowed_auth`");
}

#[test]
fn far_places_are_shown_without_what_lies_between() {
    let mut routes = format!("{GATEWAY}upstreams: {{ a: {{ servers: ['http://a'] }} }}\nroutes:\n");
    for number in 0..100 {
        routes += &format!("  - {{ id: r{number}, path: /p{number}, upstream: a }}\n");
    }
    routes += "  - { id: again, path: /p0, upstream: a }\n";
    let rendered = refused(&routes, NO_PURPOSES, NO_PLUGINS).render(false);
    assert!(rendered.contains("id: r0,") && rendered.contains("id: again"), "{rendered}");
    assert!(!rendered.contains("id: r1,"), "{rendered}");
    assert!(rendered.contains("routes.yaml:104:") && rendered.contains("routes.yaml:4:"), "{rendered}");
}

#[test]
fn the_digest_tells_texts_apart() {
    let digest = |text: &str| Sources::from_texts(text, "", "").digest();
    assert_eq!(digest("a"), digest("a"));
    assert_ne!(digest("a"), digest("b"));
    assert_ne!(Sources::from_texts("a", "", "").digest(), Sources::from_texts("", "a", "").digest());
}

#[test]
fn loading_twice_gives_the_same() {
    for directory in directories("tests/config/invalid") {
        let once = || load(&sources(&directory), &environment()).unwrap_err().render(true);
        assert_eq!(once(), once());
    }
}
