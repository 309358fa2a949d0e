// What the gateway does between the plugins, in a real browser: cookies that bind a session, pages
// between two redirects, the back button, and deliveries that are made once.
//
//     node tests/browser/brokering.mjs target/debug/id-contact-gateway

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { CommPlugin } from "./comm_plugin.mjs";
import { Gateway } from "./gateway.mjs";
import { assertAccessible, binary, choose, inNewContext, run, visitor } from "./harness.mjs";

/** Long enough that the result does not fit into a redirect. */
const LONG = "x".repeat(3_000);

const comm = await CommPlugin.start();

/** Chooses on the gateway's page; the sign-in page is open then. */
async function start(page, gateway, purpose, commMethod) {
  await choose(page, `${gateway.chooseUrl}/${purpose}`, { comm_method: commMethod });
  await page.locator("button[name=action]").first().waitFor();
}

const confirm = (page) => page.locator("button[name=action][value=confirm]").click();
const inConversation = (page) => page.waitForURL(`http://${comm.host}/**`);

/** Signs in without following where that leads: the URL that brings the citizen back. */
async function continuation(page) {
  const signIn = { form: { action: "confirm" }, maxRedirects: 0 };
  const response = await page.context().request.post(page.url(), signIn);
  return response.headers().location;
}

async function checks(browser, gateway) {
  const visit = visitor(browser);

  await visit("bind: a session that began here ends here", async (page, troubles) => {
    await start(page, gateway, "bound", "in_band");
    await confirm(page);
    await inConversation(page);
    assert.equal(await page.locator("#parts").textContent(), "5");
    assert.deepEqual(troubles, []);
  });

  await visit("bind: two tabs do not disturb each other", async (page) => {
    const other = await page.context().newPage();
    await start(page, gateway, "bound", "chat");
    await start(other, gateway, "bound", "in_band");
    for (const tab of [page, other]) {
      await confirm(tab);
      await inConversation(tab);
      assert.equal(await tab.locator("#parts").textContent(), "5");
    }
  });

  await visit("bind: another browser cannot take over", async (page) => {
    await start(page, gateway, "bound", "chat");
    const session = comm.sessions.at(-1);
    const url = await continuation(page);
    await inNewContext(browser, "en-GB", async (stranger) => {
      const response = await stranger.goto(url);
      assert.equal(response.status(), 403);
      await assertAccessible(stranger, "another browser");
    });
    assert.equal(session.posts, 0, "nothing is delivered for the stranger");
    await page.goto(url);
    await inConversation(page);
    assert.equal(session.posts, 1);
  });

  await visit("what the citizen brings is delivered once, whatever the buttons do", async (page) => {
    await start(page, gateway, "delivered", "chat");
    const session = comm.sessions.at(-1);
    const url = await continuation(page);
    for (let visits = 0; visits < 3; visits += 1) {
      await page.goto(url);
      await inConversation(page);
      assert.equal(await page.locator("#parts").textContent(), "5");
    }
    await page.goBack();
    await page.goForward();
    assert.equal(session.posts, 1);
  });

  await visit("a delivery that fails ends on a page with a way on", async (page) => {
    await start(page, gateway, "delivered", "broken");
    const session = comm.sessions.at(-1);
    await confirm(page);
    await page.waitForURL("**/session/continue/**");
    await assertAccessible(page, "failed delivery");
    await page.reload();
    assert.equal(session.posts, 1, "what was sent is not sent again");
    await page.locator("main a.button").click();
    await page.waitForURL(`${gateway.chooseUrl}/delivered`);
  });

  await visit("a telephone number becomes a page", async (page, troubles) => {
    await start(page, gateway, "bound", "telephone");
    await confirm(page);
    await page.waitForURL("**/session/continue/**");
    await assertAccessible(page, "telephone");
    assert.equal(await page.locator("main a.button").getAttribute("href"), "TEL:+31201234567,,98765#");
    assert.match(await page.locator("main dl").textContent(), /\+31201234567.*98765#/s);
    assert.deepEqual(troubles, []);
  });

  await visit("a result that is too long for a redirect arrives by a page", async (page, troubles) => {
    await start(page, gateway, "long", "in_band");
    const between = page.waitForResponse((response) => response.url().includes("/session/continue/"));
    await confirm(page);
    assert.equal((await between).status(), 200);
    await inConversation(page);
    assert.equal(await page.locator("#parts").textContent(), "5");
    assert.deepEqual(troubles, []);
  });

  await visit("a citizen who stops is told so", async (page, troubles) => {
    await start(page, gateway, "long", "in_band");
    await page.locator("button[name=action][value=cancel]").click();
    await page.waitForURL("**/session/continue/**");
    await assertAccessible(page, "cancelled");
    await page.locator("main a.button").click();
    await page.waitForURL(`${gateway.chooseUrl}/long`);
    assert.deepEqual(troubles, []);
  });

  await visit("a channel can be chosen after signing in", async (page, troubles) => {
    await page.goto(`${gateway.chooseUrl}/bound`);
    // The page asks for both; an initiator may leave the channel open.
    await page.locator("input[name=comm_method]").evaluateAll((inputs) => inputs.forEach((input) => input.remove()));
    await page.locator("button[type=submit]").first().click();
    await page.locator("button[name=action]").first().waitFor();
    await confirm(page);
    await page.waitForURL("**/choose/bound?session=*");
    await assertAccessible(page, "choice of a channel");
    await inNewContext(browser, "en-GB", async (stranger) => {
      const response = await stranger.goto(page.url());
      assert.equal(response.status(), 403, "the choice is bound to the browser too");
    });
    await page.locator("input[name=comm_method][value=chat]").check();
    await page.locator("button[type=submit]").click();
    await inConversation(page);
    assert.deepEqual(troubles, []);
  });

  await visit("a link that is not ours leads on", async (page) => {
    const response = await page.goto(`${new URL(gateway.chooseUrl).origin}/session/continue/eyJ.x.y`);
    assert.equal(response.status(), 404);
    await assertAccessible(page, "no such session");
    await page.locator("main a.button").click();
    await page.waitForURL(gateway.chooseUrl);
  });
}

const configuration = fileURLToPath(new URL("brokering", import.meta.url));
const adapt = (text) => text.replaceAll("COMM", comm.host).replaceAll("LONG", LONG);
await run(await Gateway.start(binary("brokering.mjs"), configuration, adapt), checks);
process.exit();
