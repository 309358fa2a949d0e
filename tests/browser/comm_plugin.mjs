// A communication plugin of the tests' own: what it is asked to start, delivered, and shown.

import { createServer } from "node:http";

export class CommPlugin {
  /** Sessions by number: what was delivered by POST, and how often somebody tried. */
  sessions = [];

  static async start() {
    const plugin = new CommPlugin();
    plugin.server = createServer((request, response) => plugin.#answer(request, response));
    await new Promise((resolve) => plugin.server.listen(0, "127.0.0.1", resolve));
    // Another host than the gateway's: what the browser does with cookies depends on it.
    plugin.host = `127.0.0.1:${plugin.server.address().port}`;
    plugin.server.unref();
    return plugin;
  }

  async #answer(request, response) {
    const url = new URL(request.url, `http://${this.host}`);
    const [, kind, what, number] = url.pathname.split("/");
    const chunks = await request.toArray();
    if (what === "start_communication") return json(response, this.#started(kind));
    const session = this.sessions[number];
    if (session && what === "attributes" && request.method === "POST") {
      session.posts += 1;
      if (kind === "broken") return response.writeHead(500).end();
      if (session.delivered) return response.writeHead(404).end();
      session.delivered = Buffer.concat(chunks).toString();
      return response.writeHead(204).end();
    }
    if (session && what === "conversation") {
      const result = url.searchParams.get("result") ?? session.delivered ?? "";
      const page = `<!doctype html><html lang="en"><title>Chat</title><h1>Conversation</h1><p id="parts">${result.split(".").length}</p>`;
      return response.writeHead(200, { "content-type": "text/html" }).end(page);
    }
    response.writeHead(404).end();
  }

  #started(kind) {
    const number = this.sessions.push({ posts: 0, delivered: undefined }) - 1;
    const at = (what) => `http://${this.host}/${kind}/${what}/${number}`;
    if (kind === "in_band") return { client_url: at("conversation") };
    const client_url = kind === "telephone" ? "TEL:+31201234567,,98765#" : at("conversation");
    return { client_url, attr_url: at("attributes") };
  }
}

function json(response, value) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
