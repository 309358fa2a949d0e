// What a test may choose about the provider, and the configuration of oidc-provider that follows.

import { generateKeyPairSync } from "node:crypto";

const DEFAULTS = {
  /** 0: the system chooses one. */
  port: 0,
  /** Who signs in and how: interaction.mjs. */
  plan: { login: { account: "anna", acr: null } },
  /** How many seconds the provider's clock is ahead. */
  clock: 0,
  /** Signing keys by name, made when first named; all are published, the first one signs. */
  keys: ["first"],
  /** RS256, PS256, ES256 or EdDSA: what id tokens are signed with. */
  algorithm: "RS256",
  redirect_uris: ["http://127.0.0.1/auth/sso/callback"],
  post_logout_redirect_uris: [],
  /** The secret of the client `gateway`, and how it is to be sent. */
  client_secret: "a-secret-of-the-tests-0123456789",
  client_secret_method: "client_secret_basic",
  /** How clients may show who they are, when not in every way: client_secret_post, … */
  auth_methods: null,
  /** The public keys (ES256) of the client `gateway-key`, which exists when they are given. */
  client_jwks: null,
  /** Whether claims of scopes stand in the id token too, not only in the answer of userinfo. */
  claims_in_id_token: false,
  /** The claims of every account, besides `sub`, which is its name. */
  claims: {
    email: "anna@example.nl", email_verified: true, name: "Anna de Wit-Özdemir", birth_year: 1980,
    address: { street_address: "Markt 1", locality: "Nijmegen", country: "NL" },
    groups: ["staff", "council"],
  },
};

const KEY_TYPES = {
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};

export function withDefaults(options) {
  return { ...DEFAULTS, ...options };
}

export function configuration(options, adapter) {
  return {
    adapter,
    clients: clients(options),
    jwks: { keys: options.keys.map((name) => signingKey(name, options.algorithm)) },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...options.claims }) }),
    claims: {
      openid: ["sub"], email: ["email", "email_verified"], address: ["address"],
      profile: ["name", "birth_year", "groups"],
    },
    scopes: ["openid", "offline_access"],
    acrValues: ["loa3", "loa2"],
    conformIdTokenClaims: !options.claims_in_id_token,
    ...(options.auth_methods && { clientAuthMethods: options.auth_methods }),
    pkce: { required: () => true },
    cookies: { keys: ["a-key-of-the-tests"] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    // To revoke any token of a sign-in is to end it; by default an access token dies alone.
    revokeGrantPolicy: () => true,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource },
    },
  };
}

function clients(options) {
  const common = {
    redirect_uris: options.redirect_uris,
    post_logout_redirect_uris: options.post_logout_redirect_uris,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    id_token_signed_response_alg: options.algorithm,
  };
  const withSecret = {
    ...common, client_id: "gateway", client_secret: options.client_secret,
    token_endpoint_auth_method: options.client_secret_method,
  };
  if (!options.client_jwks) return [withSecret];
  const withKey = {
    ...common, client_id: "gateway-key", jwks: options.client_jwks,
    token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256",
  };
  return [withSecret, withKey];
}

const keys = new Map();

/** The same name is the same key for as long as the process runs. */
function signingKey(name, algorithm) {
  const id = `${algorithm} ${name}`;
  if (!keys.has(id)) {
    const { privateKey } = generateKeyPairSync(...KEY_TYPES[algorithm]);
    keys.set(id, { ...privateKey.export({ format: "jwk" }), kid: name, alg: algorithm, use: "sig" });
  }
  return keys.get(id);
}

/** The page that asks before a session ends; `form` is oidc-provider's, with the id op.logoutForm. */
function logoutSource(ctx, form) {
  ctx.type = "html";
  ctx.body = `<!DOCTYPE html><html lang="en"><title>Sign out</title>${form}
    <button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button></html>`;
}
