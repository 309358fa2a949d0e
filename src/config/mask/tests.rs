use super::*;

#[test]
fn values_of_sensitive_keys_are_hidden_in_every_shape() {
    for text in [
        "client_secret: hunter2",
        "client_secret: 'hunter2'",
        "client_secret: \"a \\\" hunter2\"",
        "{ id: s1, secret: hunter2, tag: x }",
        "\"secret\":\"hunter2\"",
        "secret:hunter2",
        "secret=hunter2",
        "X-Api-Key: hunter2",
        "Authorization: Bearer hunter2",
        "secret: |\n  one\n\n  hunter2\nnext: x",
        "secret:\n  hunter2\n",
        "- secret:\n    - hunter2",
        "keys:\n- hunter2",
        "keys: [ { id: a, value: hunter2 } ]",
        "keys: [ { id: a,\nvalue: hunter2",
        "password: {\nhunter2 }",
        "private_key: { file: x, value: hunter2 }",
        "? secret\n: hunter2",
        "start: http://user:hunter2@host/x",
        "start: \"http://user:hunter2 @host/x\"",
        "start: [ http://hunter2@host/x",
        "secret: { id: [ hunter2",
        "secret: \"open\nhunter2",
        "token: é hunter2",
        "\ttoken: hunter2",
        "keys: { state: [ { id: s1, secret: hunter2 } ] }",
        "keys: { state: hunter2 }",
        "keys:\n  state:\n    - { id: s1, secret: { file: s1 }, hunter2 }",
        "keys:\n  state:\n    - id: s1\n      secret: |\n        id: hunter2\n",
        "keys:\n  state:\n    - id: { hunter2 }",
        "keys: [ { id: a # hunter2",
        "verify: hunter2",
        "x:\n  -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "x: -----BEGIN EC PRIVATE KEY----- hunter2",
        "secret: { file: -----BEGIN hunter2 }",
        "secret:\n  file: a\n  hunter2",
        "secret: { env: hunter2 of mine }",
        "secret: { file: hunter2hunter2hunter2hunter2hunter2 }",
        "secret: { file: hunter2-Hunter2_hunter2-hunter2-hunter2 }",
        "secrets: hunter2",
        "secrets: { token: hunter2 }",
        "secrets: { token: { env: X }, hunter2 }",
        "secrets:\n  token: hunter2",
        "secrets:\n  token:\n    hunter2",
        "private_key_jwt: hunter2",
        "private_key_jwt: { key: hunter2, kid: a }",
        "private_key_jwt: { kid: hunter2hunter2hunter2hunter2hunter2 }",
        "authorization: \"Bearer hunter2 {{ secrets.token }}\"",
        "authorization: \"Bearer {{ hunter2 }}\"",
        "authorization: \"Bearer {{ secrets.hunter2 }}\"",
        "authorization: \"Bearer {{ secrets.token | default('hunter2') }}\"",
        "client_secrt: hunter2",
        "- clientsecret: hunter2",
        "secrts: { pin: hunter2 }",
        "secrts:\n  pin: hunter2",
        "{ alg: HS256, secrt: hunter2, ttl: 1h }",
        "pasword: hunter2",
        "credentials:\n  pin: hunter2",
        "signature: hunter2",
        "jwt: hunter2",
        "jwt: { alg: HS256, secrt: hunter2, ttl: 1h }",
        "jwt: { alg: HS256, hs256: hunter2, ttl: 1h }",
        "jwt: { alg: hunter2, ttl: 1h }",
        "jwt: { alg: HS256, ttl: hunter2 }",
        "jwt: { claims: { a: b }, pem: hunter2 }",
        "jwt:\n  claims:\n    a: b\n  pem: hunter2",
        "jwt: { claims: { a: hunter2hunter2hunter2hunter2hunter2 } }",
        "jwt:\n  claims:\n    a: b\n    b: 'x hunter2hunter2hunter2hunter2hunter2'",
        "jwt: { alg: HS256, kid: { secret: hunter2 } }",
        "hmac: hunter2",
        "hmac: [ X-Signature, hunter2 ]",
        "hmac: { X-Signature: hunter2 }",
        "hmac: { header: \"X-Signature: hunter2\" }",
        "hmac: { header: X-hunter2 }",
        "hmac: { header: X-Signature, sha256: hunter2 }",
        "x-auth: Bearer hunter2",
        "x-auth: \"bearer hunter2\"",
        "[ 'Basic hunter2\" x' ]",
        "x-auth: \"Basic hunter2 {{ secrets.token }}\"",
        "x-auth: \"Bearer {{ 'hunter2' }}\"",
    ] {
        let masked = mask(text);
        assert!(!masked.contains("hunter2"), "{text:?} became {masked:?}");
        assert_eq!(masked.len(), text.len(), "{text:?}");
    }
}

#[test]
fn the_rest_stays_readable() {
    for text in [
        "tag: digid\nstart: http://host/x",
        "private_key: { file: sign.pem }",
        "secret: { env: STATE_1 }",
        "name: Report a move",
        "secret:\n  file: /run/secrets/state-1.key\ntag: x",
        "private_key: { file: \"my keys/sign.pem\" }",
        "verify: { env: A_LONG_NAME_OF_A_VARIABLE_FOR_THE_CHAT_PLUGIN_2 }",
        "keys:\n  state:\n    - { id: s2, secret: { file: state-2 }, expires: 2027-01-31 }\n    - id: s1\n      secret: { env: STATE_1 }\n",
        "keys: { signing: [ { id: g1, private_key: { file: sign.pem } } ] }",
        "secrets: { token: { env: PIN_TOKEN }, pin: { file: pin-2 } }",
        "secrets:\n  token: { env: PIN_TOKEN }\n  pin:\n    file: pin-2\n",
        "private_key_jwt: { key: { file: sign.pem }, kid: town-1 }",
        "jwt: { alg: HS256, secret: { file: jitsi }, ttl: 1h, claims: { aud: jitsi, room: \"{{ room }}\" } }",
        "jwt:\n  alg: ES256\n  key: { env: JITSI }\n  kid: town-1\n  claims:\n    aud: jitsi\n    name: \"{{ attributes.fullname }}\"\n  ttl: 30m\ntag: x",
        "hmac: { header: X-Hub-Signature-256, secret: { env: HOOK } }",
        "x-auth: \"Bearer {{ secrets.token }}\"",
        "url: \"https://meet.example.nl/{{ room }}?jwt={{ jwt }}&token={{ start.login }}#x\"",
        "sectors: x",
    ] {
        assert_eq!(mask(text), text);
    }
    assert_eq!(mask("a: { token: ab, b: c }\nd: e"), "a: { token: *** ** * }\nd: e");
    assert_eq!(mask("secret: ab\ntag: c"), "secret: **\ntag: c");
    assert_eq!(mask("token: \"Bearer {{ secrets.token }}\""), "token: ******* {{ secrets.token }}*");
    assert_eq!(mask("http://u:p@h/x"), "http://***@h/x");
}

/// The keys that there are, by the schemas.
fn known_keys() -> Vec<String> {
    fn collect(schema: &serde_json::Value, keys: &mut Vec<String>) {
        let properties = schema.get("properties").and_then(|properties| properties.as_object());
        keys.extend(properties.into_iter().flatten().map(|(key, _)| key.clone()));
        let inner = schema.as_object().into_iter().flatten().map(|(_, inner)| inner);
        inner.chain(schema.as_array().into_iter().flatten()).for_each(|inner| collect(inner, keys));
    }
    let mut keys = Vec::new();
    for file in crate::config::ConfigFile::ALL {
        collect(&serde_json::to_value(crate::config::schema(file)).unwrap(), &mut keys);
    }
    keys
}

#[test]
fn no_key_that_there_is_is_taken_for_a_misspelt_one() {
    let keys = known_keys();
    assert!(keys.len() > 100, "{keys:?}");
    for key in keys {
        assert!(is_sensitive(&key) || !is_nearly_sensitive(&key), "{key}");
    }
}
