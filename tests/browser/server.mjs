// What the tests' own services have in common.

import { createServer } from "node:http";

/** Answers until this process ends; returns the host, with its port. */
export async function serve(answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  // Another host than the gateway's: what the browser does with cookies depends on it.
  return `127.0.0.1:${server.address().port}`;
}

export function json(response, value, status = 200) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

export function html(response, content) {
  response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><html lang="en">${content}`);
}
