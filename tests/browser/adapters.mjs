// The gateway in the place of a plugin, in a real browser: a sign-in that is waited for, one that a front
// proxy vouches for, and conversations that are a link.
//
//     node tests/browser/adapters.mjs target/debug/id-contact-gateway

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Gateway } from "./gateway.mjs";
import { assertAccessible, binary, choose, rows, run, visitor } from "./harness.mjs";
import { IdentityService } from "./identity_service.mjs";

const SECRET = "a-secret-of-the-tests-0123456789";
/** A name beyond Latin-1, and an address that is wider than a small telephone. */
const PERSON = { mail: `anna.${"van-".repeat(12)}dijk@example.nl`, name: "Anna Šárka <van Dijk>", number: 4711 };
const SHARED = { email: PERSON.mail, fullname: PERSON.name };
/** What a front proxy says of her. */
const HEADERS = { "X-Remote-Mail": PERSON.mail, "X-Remote-Name": PERSON.name };
const LANGUAGES = [
  { locale: "en-GB", waiting: "Waiting for your sign-in", confirming: "Share your data", stopped: "You did not sign in", cancelled: /^Signing in was cancelled\./, failed: /^Signing in did not succeed\./, calling: "Call us" },
  { locale: "nl-NL", waiting: "Wachten op uw inlog", confirming: "Gegevens delen", stopped: "U bent niet ingelogd", cancelled: /^Het inloggen is afgebroken\./, failed: /^Het inloggen is niet gelukt\./, calling: "Bel ons" },
];

/** Without a script nothing else takes a citizen on who waits; a link turns it off, which the rule does not see. */
const UNATTENDED = ["meta-refresh"];

const service = await IdentityService.start(PERSON);

const heading = (page) => page.locator("h1").textContent();
const lead = (page) => page.locator("main .lead").textContent();
const press = (page, action) => page.locator(`[data-action=${action}], button[value=${action}]`).click();
const checkNow = (page) => page.locator("main a.button").click();
const inConversation = (page) => page.waitForURL("**/comm/inspect/**");
const inRoom = (page) => page.waitForURL(`http://${service.host}/rooms/**`);

/** Waits for a page of the gateway's, by the name that programs know it by. */
const arrived = (page, name) => page.locator(`body[data-page=${name}]`).waitFor();

/** Chooses; the first page of the sign-in is open then. Returns what the service knows of it. */
async function start(page, gateway, auth, comm, purpose = "report_move") {
  await choose(page, `${gateway.chooseUrl}/${purpose}`, { auth_method: auth, comm_method: comm });
  await page.waitForURL(`**/auth/${auth}/**`);
  return service.latest;
}

/** Signs in by a letter; the citizen is on their way to the conversation then. */
async function signIn(page, gateway, comm, purpose) {
  const signIn = await start(page, gateway, "letter", comm, purpose);
  signIn.state = "done";
  await checkNow(page);
}

/** Goes to an element with the tabulator, and presses Enter there. */
async function enterBy(page, selector) {
  const wanted = page.locator(selector).first();
  await wanted.waitFor();
  for (let steps = 0; steps < 20; steps += 1) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) return page.keyboard.press("Enter");
  }
  assert.fail(`the tabulator does not reach ${selector}`);
}

/** What a token of the room says, when the gateway signed it. */
function claims(token) {
  const [header, payload, signature] = token.split(".");
  const expected = createHmac("sha256", SECRET).update(`${header}.${payload}`).digest("base64url");
  assert.equal(signature, expected);
  return JSON.parse(Buffer.from(payload, "base64url"));
}

async function whoWaits(browser, gateway) {
  for (const { locale, waiting } of LANGUAGES) {
    for (const javaScriptEnabled of [true, false]) {
      const script = javaScriptEnabled ? "" : ", without JavaScript";
      const visit = visitor(browser, locale, { javaScriptEnabled });

      await visit(`${locale}: a page that waits goes on by itself${script}`, async (page, troubles) => {
        const signIn = await start(page, gateway, "app", "inspect");
        await arrived(page, "waiting");
        assert.equal(await heading(page), waiting);
        await page.waitForResponse((response) => response.url() === page.url());
        await arrived(page, "waiting");
        signIn.state = "done";
        await inConversation(page);
        assert.deepEqual(await rows(page), SHARED);
        assert.deepEqual(troubles, []);
      });
    }
  }

  const visit = visitor(browser);

  await visit("the app says that they stopped: so does the page", async (page, troubles) => {
    const signIn = await start(page, gateway, "app", "inspect");
    await arrived(page, "waiting");
    signIn.state = "cancelled";
    await arrived(page, "cancelled");
    assert.deepEqual(troubles, []);
  });

  await visit("by the keyboard alone: choose, look, and talk", async (page, troubles) => {
    await page.goto(`${gateway.chooseUrl}/report_move`);
    await page.locator("input[value=app]").focus();
    await page.keyboard.press("ArrowDown");
    await enterBy(page, "main button[type=submit]");
    await page.waitForURL("**/auth/letter/**");
    const looked = page.waitForEvent("load");
    await enterBy(page, "main a.button");
    await looked;
    await arrived(page, "waiting");
    service.latest.state = "done";
    await enterBy(page, "main a.button");
    await inConversation(page);
    assert.deepEqual(troubles, []);
  });

  await visit("by the keyboard alone: stop waiting", async (page, troubles) => {
    await start(page, gateway, "letter", "inspect");
    await enterBy(page, "[data-action=cancel]");
    await arrived(page, "cancelled");
    await enterBy(page, "main a.button");
    await page.waitForURL(`${gateway.chooseUrl}/report_move`);
    assert.deepEqual(troubles, []);
  });
}

async function whoDoesNotSignIn(browser, gateway) {
  for (const { locale, waiting, stopped, cancelled, failed } of LANGUAGES) {
    const visit = visitor(browser, locale);

    await visit(`${locale}: who stops waiting is told so`, async (page, troubles) => {
      await start(page, gateway, "letter", "video");
      assert.equal(await heading(page), waiting);
      await assertAccessible(page, "waiting", UNATTENDED);
      await press(page, "otherwise");
      await page.waitForURL("**?refresh=off");
      await assertAccessible(page, "waiting by hand");
      await press(page, "cancel");
      await arrived(page, "cancelled");
      assert.equal(await heading(page), stopped);
      assert.match(await lead(page), cancelled);
      await assertAccessible(page, "stopped waiting");
      assert.deepEqual(troubles, []);
    });

    await visit(`${locale}: who could not sign in is told so, and can start again`, async (page, troubles) => {
      const signIn = await start(page, gateway, "letter", "video");
      signIn.state = "expired";
      await checkNow(page);
      await arrived(page, "not_signed_in");
      assert.equal(await heading(page), stopped);
      assert.match(await lead(page), failed);
      await assertAccessible(page, "not signed in");
      await page.locator("main a.button").click();
      await page.waitForURL(`${gateway.chooseUrl}/report_move`);
      assert.deepEqual(troubles, []);
    });
  }
}

async function whomAProxyKnows(browser, gateway) {
  for (const { locale, confirming, stopped, cancelled } of LANGUAGES) {
    const visit = visitor(browser, locale, { extraHTTPHeaders: HEADERS });

    await visit(`${locale}: who confirms talks with what the proxy says`, async (page, troubles) => {
      await start(page, gateway, "intranet", "inspect");
      assert.equal(await heading(page), confirming);
      await assertAccessible(page, "confirmation");
      assert.deepEqual(await rows(page), SHARED);
      await press(page, "confirm");
      await inConversation(page);
      assert.deepEqual(await rows(page), SHARED);
      assert.deepEqual(troubles, []);
    });

    await visit(`${locale}: who does not confirm shares nothing`, async (page, troubles) => {
      await start(page, gateway, "intranet", "inspect");
      await press(page, "cancel");
      await arrived(page, "cancelled");
      assert.equal(await heading(page), stopped);
      assert.match(await lead(page), cancelled);
      assert.deepEqual(troubles, []);
    });
  }

  const visit = visitor(browser, "en-GB", { extraHTTPHeaders: HEADERS });

  await visit("by the keyboard alone: confirm", async (page) => {
    await start(page, gateway, "intranet", "inspect");
    await enterBy(page, "button[value=confirm]");
    await inConversation(page);
    assert.deepEqual(await rows(page), SHARED);
  });

  await visit("who comes past the proxy can try again", async (page) => {
    await page.context().setExtraHTTPHeaders({});
    await start(page, gateway, "intranet", "inspect");
    assert.equal(await heading(page), "We do not know who you are");
    await assertAccessible(page, "not known");
    await page.context().setExtraHTTPHeaders(HEADERS);
    await page.getByRole("link", { name: "Try again" }).click();
    await arrived(page, "confirm");
  });

  await visit("headers from elsewhere count for nothing", async (page) => {
    await start(page, gateway, "elsewhere", "inspect");
    assert.equal(await heading(page), "You are not signed in here");
    await assertAccessible(page, "from elsewhere");
    await page.getByRole("link", { name: "Start again" }).click();
    await page.waitForURL(`${gateway.chooseUrl}/report_move`);
  });

  await visit("a page that the browser was not shown confirms nothing", async (page) => {
    await start(page, gateway, "intranet", "inspect");
    await page.context().clearCookies();
    await press(page, "confirm");
    await arrived(page, "error");
    await assertAccessible(page, "not understood");
    await page.getByRole("link", { name: "Try again" }).click();
    await press(page, "confirm");
    await inConversation(page);
  });
}

async function whoFollowsALink(browser, gateway) {
  await visitor(browser)("a room has their name and a token, and a reload leads there again", async (page, troubles) => {
    const passed = page.waitForRequest("**/comm/video/**");
    await signIn(page, gateway, "video");
    await inRoom(page);
    const { pathname, searchParams } = new URL(page.url());
    assert.match(pathname, /^\/rooms\/report_move-[0-9a-f]{32}$/);
    assert.deepEqual([...searchParams.keys()], ["name", "jwt"]);
    assert.equal(searchParams.get("name"), PERSON.name);
    assert.equal(`/rooms/${claims(searchParams.get("jwt")).room}`, pathname);
    await page.goto((await passed).url());
    await inRoom(page);
    assert.equal(new URL(page.url()).pathname, pathname);
    assert.deepEqual(troubles, []);
  });

  for (const { locale, calling } of LANGUAGES) {
    await visitor(browser, locale)(`${locale}: a number becomes a page`, async (page, troubles) => {
      await signIn(page, gateway, "call", "ask");
      await arrived(page, "call");
      assert.equal(await heading(page), calling);
      await assertAccessible(page, "number");
      assert.equal(await page.locator("main a.button").getAttribute("href"), "tel:+31201234567,,4711%23");
      assert.match(await page.locator("main dl").textContent(), /\+31201234567.*4711#/s);
      const [term, value] = await Promise.all(["dt", "dd"].map((part) => page.locator(`main ${part}`).last().boundingBox()));
      assert.ok(value.x - (term.x + term.width) > 10, "the code does not stick to its name");
      assert.deepEqual(troubles, []);
    });
  }
}

process.env.ROOM_SECRET = SECRET;
const configuration = fileURLToPath(new URL("adapters", import.meta.url));
const adapt = (text) => text.replaceAll("SERVICE", service.host);
await run(await Gateway.start(binary("adapters.mjs"), configuration, adapt), async (browser, gateway) => {
  for (const checks of [whoWaits, whoDoesNotSignIn, whomAProxyKnows, whoFollowsALink]) await checks(browser, gateway);
});
process.exit();
