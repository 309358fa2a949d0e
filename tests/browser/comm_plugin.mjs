// A communication plugin of the tests' own: what it is asked to start, delivered, and shown.

import { html, json, serve } from "./server.mjs";

export class CommPlugin {
  /** Sessions by number: what was delivered by POST, and how often somebody tried. */
  sessions = [];

  static async start() {
    const plugin = new CommPlugin();
    plugin.host = await serve((request, response) => plugin.#answer(request, response));
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
      return html(response, `<title>Chat</title><h1>Conversation</h1><p id="parts">${result.split(".").length}</p>`);
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
