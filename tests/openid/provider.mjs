// A real OpenID provider (npm oidc-provider) on a loopback port, for tests/support/openid_provider.rs
// and the browser tests. The first argument is a JSON object of options (options.mjs); each line on
// standard input is a command, answered by one line on standard output:
//
//     {"id": 1, "command": "configure", "plan": {"error": "access_denied"}}   ->  {"answer": 1, "value": null}
//
// `configure` takes any options; sessions and codes live on. `stop` leaves the port, `start` comes back
// to it and has forgotten every session, as after a restart. `hits` counts requests by endpoint.
// Other lines: {"ready": "http://127.0.0.1:PORT"} once, and {"event": NAME} for each of EVENTS. The
// process ends with its standard input.

import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { interact } from "./interaction.mjs";
import { configuration, withDefaults } from "./options.mjs";

const HOST = "127.0.0.1";

const EVENTS = ["grant.success", "grant.error", "grant.revoked", "end_session.success",
  "access_token.destroyed", "refresh_token.destroyed"];

const ENDPOINTS = {
  "/.well-known/openid-configuration": "discovery", "/jwks": "jwks", "/auth": "authorization",
  "/token": "token", "/me": "userinfo", "/token/revocation": "revocation", "/session/end": "end_session",
};

// Standard output belongs to the protocol above; the provider's notices would come in between.
console.info = console.error;

const realNow = Date.now;
const hits = Object.fromEntries(Object.values(ENDPOINTS).map((endpoint) => [endpoint, 0]));
let options = withDefaults(JSON.parse(process.argv[2] ?? "{}"));
let memory = createMemoryAdapter();
let provider;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://provider");
  const endpoint = ENDPOINTS[pathname];
  if (endpoint) hits[endpoint] += 1;
  if (!pathname.startsWith("/interaction/")) return provider.callback()(request, response);
  return interact(provider, options.plan, request, response).catch((error) => {
    console.error(error);
    response.writeHead(400, { "content-type": "text/plain" }).end("this sign-in has ended\n");
  });
});

const commands = {
  configure({ id, command, ...changes }) {
    options = { ...options, ...changes };
    build();
  },

  async stop() {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  },

  async start() {
    memory = createMemoryAdapter();
    build();
    await listen();
  },

  hits: () => hits,
};

/** The provider as the options want it: it reads them once, so that a change needs another one. */
function build() {
  Date.now = () => realNow() + options.clock * 1000;
  provider = new Provider(`http://${HOST}:${options.port}`, configuration(options, memory));
  for (const event of EVENTS) provider.on(event, () => say({ event }));
  provider.on("server_error", (_, error) => console.error(error));
  // Why a request was refused, for whoever reads the output of a failed test.
  for (const event of ["authorization.error", "grant.error"]) {
    provider.on(event, (_, error) => console.error(`${event}: ${error.message}: ${error.error_description}`));
  }
}

async function listen() {
  server.listen(options.port, HOST);
  await once(server, "listening");
  options.port = server.address().port;
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

await listen();
build();
say({ ready: `http://${HOST}:${options.port}` });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  say({ answer: request.id, value: (await commands[request.command](request)) ?? null });
}
process.exit();
