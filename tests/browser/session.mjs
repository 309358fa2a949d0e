// Whole sessions in a real browser, on the shipped configuration: a citizen chooses, signs in, and the
// attributes appear on the other side. Every kind of page is also checked for accessibility (WCAG 2 A, AA).
//
//     node tests/browser/session.mjs target/debug/id-contact-gateway

import assert from "node:assert/strict";
import { Gateway } from "./gateway.mjs";
import { assertAccessible, binary, check, choose, inNewContext, rows, run } from "./harness.mjs";

/** What can be chosen, as the pages show it: a purpose's URL with its methods' tags. */
async function readChoices(page, chooseUrl) {
  await page.goto(chooseUrl);
  await assertAccessible(page, "choice of a purpose");
  const urls = await page.locator("main ul a").evaluateAll((links) => links.map((link) => link.href));
  const choices = [];
  for (const url of urls) {
    await page.goto(url);
    await assertAccessible(page, "choice of the methods");
    choices.push({
      url,
      purpose: await page.locator("input[name=purpose]").first().inputValue(),
      signedIn: await tags(page, SIGNED_IN, "auth_method"),
      methods: await tags(page, SIGNED_IN, "comm_method"),
      withoutSigningIn: await tags(page, UNAUTHENTICATED, "comm_method"),
    });
  }
  return choices;
}

const SIGNED_IN = "form:has(input[name=auth_method])";
const UNAUTHENTICATED = "form:has(input[name=comm_method]):not(:has(input[name=auth_method]))";

function tags(page, form, field) {
  return page.locator(`${form} input[name=${field}]`).evaluateAll((inputs) => inputs.map((input) => input.value));
}

/** Signs in in one of three ways; returns what the sign-in page said would be shared. */
async function signIn(page, action) {
  const button = page.locator(`button[name=action][value=${action}]`);
  await button.waitFor();
  await assertAccessible(page, "sign-in");
  const promised = await rows(page);
  await button.click();
  await button.waitFor({ state: "detached" });
  return promised;
}

/** Waits until the conversation's page no longer waits for a delivery. */
async function settled(page) {
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => !document.querySelector("meta[http-equiv=refresh i]") && document.querySelector("main h1"));
}

/** The value beside a term of the page's list, whatever the language. */
function described(page, term) {
  return page.locator(`main dt:text-matches("^(${term})$") + dd`).first().textContent();
}

async function checkSession(browser, routes, { url, purpose }, auth, comm) {
  await check(`${purpose}: ${auth} to ${comm}: the attributes arrive`, () =>
    inNewContext(browser, "en-GB", async (page, troubles) => {
      await choose(page, url, { auth_method: auth, comm_method: comm }, SIGNED_IN);
      const promised = await signIn(page, "confirm");
      assert.notDeepEqual(promised, {}, "the sign-in page shows no attributes");
      await settled(page);
      await assertAccessible(page, "conversation");
      assert.deepEqual(await rows(page), promised);
      routes.add(await described(page, "Received"));
      assert.deepEqual(troubles, []);
    }));
  for (const action of ["cancel", "fail"]) {
    await check(`${purpose}: ${auth} to ${comm}: ${action} ends on a page that makes sense`, () =>
      inNewContext(browser, "en-GB", async (page, troubles) => {
        await choose(page, url, { auth_method: auth, comm_method: comm }, SIGNED_IN);
        await signIn(page, action);
        await settled(page);
        await assertAccessible(page, `after ${action}`);
        assert.deepEqual(await rows(page), {}, "attributes are shown");
        await page.locator("main a[href*='/choose']").waitFor();
        assert.deepEqual(troubles, []);
      }));
  }
}

async function checkWithoutSigningIn(browser, { url, purpose }, comm) {
  await check(`${purpose}: ${comm} without signing in`, () =>
    inNewContext(browser, "en-GB", async (page, troubles) => {
      await choose(page, url, { comm_method: comm }, UNAUTHENTICATED);
      await settled(page);
      await assertAccessible(page, "conversation without attributes");
      assert.deepEqual(await rows(page), {}, "attributes are shown");
      assert.deepEqual(troubles, []);
    }));
}

async function checkPages(browser, gateway) {
  const choices = [];
  await check("the choices are shown, and are accessible", () =>
    inNewContext(browser, "en-GB", async (page, troubles) => {
      choices.push(...(await readChoices(page, gateway.chooseUrl)));
      assert.ok(choices.some(({ signedIn }) => signedIn.length > 0), "no purpose offers to sign in");
      assert.deepEqual(troubles, []);
    }));
  await check("the choices are shown in Dutch, and are accessible", () =>
    inNewContext(browser, "nl-NL", async (page) => {
      await readChoices(page, gateway.chooseUrl);
      assert.equal(await page.locator("html").getAttribute("lang"), "nl");
    }));
  await check("a page that is not there shows a way back", () =>
    inNewContext(browser, "en-GB", async (page) => {
      const response = await page.goto(new URL("no-such-page", gateway.chooseUrl).href);
      assert.equal(response.status(), 404);
      await assertAccessible(page, "error");
      await page.locator("main a").click();
      await page.waitForURL(gateway.chooseUrl);
    }));
  return choices;
}

async function checkEverything(browser, gateway) {
  const routes = new Set();
  for (const choice of await checkPages(browser, gateway)) {
    for (const auth of choice.signedIn) {
      for (const comm of choice.methods) await checkSession(browser, routes, choice, auth, comm);
    }
    for (const comm of choice.withoutSigningIn) await checkWithoutSigningIn(browser, choice, comm);
  }
  await check("results arrive both by attr_url and by result", () => {
    for (const way of [/\battr_url\b/, /\bresult\b/]) {
      assert.ok([...routes].some((route) => way.test(route)), `${way} is not among: ${[...routes].join("; ")}`);
    }
  });
}

await run(await Gateway.start(binary("session.mjs")), checkEverything);
