// A session in which the citizen signs in at a real OpenID provider (tests/openid/provider.mjs), on its
// pages, in a real browser.
//
//     node tests/browser/openid.mjs target/debug/id-contact-gateway

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Gateway } from "./gateway.mjs";
import { assertAccessible, binary, choose, run, visitor } from "./harness.mjs";

const SECRET = "a-secret-of-the-tests-0123456789";

/** The provider in a process of its own; `tell` sends it a command and waits for the answer. */
async function startProvider() {
  const program = fileURLToPath(new URL("../openid/provider.mjs", import.meta.url));
  const options = JSON.stringify({ plan: "page", client_secret: SECRET });
  const child = spawn(process.execPath, [program, options], { stdio: ["pipe", "pipe", "ignore"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const until = async (name) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("the provider has ended (is `npm ci` done in tests/openid?)");
      const line = JSON.parse(value);
      if (name in line) return line[name];
    }
  };
  const issuer = await until("ready");
  const tell = (command) => {
    child.stdin.write(`${JSON.stringify({ id: 1, ...command })}\n`);
    return until("answer");
  };
  return { issuer, tell };
}

/** Chooses on the gateway's page; the provider's page is open then. */
async function start(page, gateway, provider) {
  await choose(page, `${gateway.chooseUrl}/report_move`);
  await page.waitForURL(`${provider.issuer}/**`);
}

async function signIn(page) {
  await page.getByLabel("Account").fill("anna");
  await page.getByRole("button", { name: "Sign in" }).click();
}

const allow = (page) => page.getByRole("button", { name: "Allow" }).click();
const inConversation = (page) => page.waitForURL("**/comm/inspect/**");

async function checks(browser, gateway, provider) {
  const visit = visitor(browser);

  await visit("who signs in and consents talks with the claims", async (page, troubles) => {
    await start(page, gateway, provider);
    await signIn(page);
    await allow(page);
    await inConversation(page);
    const shown = await page.locator("main").textContent();
    assert.match(shown, /anna@example\.nl/);
    assert.match(shown, /Nijmegen/);
    assert.deepEqual(await page.context().cookies(`${new URL(gateway.chooseUrl).origin}/auth/sso`), []);
    assert.deepEqual(troubles, []);
  });

  for (const before of [[], [signIn]]) {
    await visit(`who stops ${before.length ? "at the consent" : "at the sign-in"} is told so`, async (page, troubles) => {
      await start(page, gateway, provider);
      for (const step of before) await step(page);
      if (before.length) await page.getByRole("button", { name: "Allow" }).waitFor();
      await page.getByRole("link", { name: "Cancel" }).click();
      await page.waitForURL("**/session/continue/**");
      await assertAccessible(page, "cancelled");
      await page.locator("main a.button").click();
      await page.waitForURL(`${gateway.chooseUrl}/report_move`);
      assert.deepEqual(troubles, []);
    });
  }

  await visit("an answer serves once, and there is a way on", async (page) => {
    await start(page, gateway, provider);
    await signIn(page);
    const answered = page.waitForRequest((request) => request.url().includes("/auth/sso/callback"));
    await allow(page);
    const callback = (await answered).url();
    await inConversation(page);
    const response = await page.goto(callback);
    assert.equal(response.status(), 403);
    await assertAccessible(page, "answered before");
    await page.getByRole("link", { name: "Try again" }).click();
    await page.waitForURL((url) => !url.href.startsWith(provider.issuer));
    assert.doesNotMatch(await page.locator("main").textContent(), /cannot go on/);
  });

  await visit("two tabs do not disturb each other", async (page) => {
    const other = await page.context().newPage();
    await start(page, gateway, provider);
    await start(other, gateway, provider);
    for (const tab of [page, other]) {
      await signIn(tab);
      // The provider asks for consent once.
      if (tab === page) await allow(tab);
      await inConversation(tab);
    }
  });
}

const provider = await startProvider();
process.env.CLIENT_SECRET = SECRET;
const configuration = fileURLToPath(new URL("openid", import.meta.url));
const adapt = (text) => text.replaceAll("ISSUER", provider.issuer);
const gateway = await Gateway.start(binary("openid.mjs"), configuration, adapt);
const callback = `${new URL(gateway.chooseUrl).origin}/auth/sso/callback`;
await provider.tell({ command: "configure", redirect_uris: [callback] });
await run(gateway, (browser) => checks(browser, gateway, provider));
process.exit();
