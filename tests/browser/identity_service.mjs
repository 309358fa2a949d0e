// What stands outside the gateway where it plays the plugins itself: a service that knows who signs in
// somewhere else, and rooms to talk in.

import { html, json, serve } from "./server.mjs";

export class IdentityService {
  /** What it says of each sign-in: tests change it, as a citizen does on their telephone. */
  signIns = [];

  static async start(person) {
    const service = new IdentityService();
    service.host = await serve((request, response) => service.#answer(request, response, person));
    return service;
  }

  get latest() {
    return this.signIns.at(-1);
  }

  #answer({ method, url }, response, person) {
    const [, what, number] = url.split("/");
    if (method === "POST") return json(response, { id: this.signIns.push({ state: "waiting" }) - 1 }, 201);
    if (what === "sign-ins") return json(response, { ...this.signIns[number], person });
    if (what === "rooms") return html(response, "<title>Room</title><h1>Room</h1>");
    response.writeHead(404).end();
  }
}
