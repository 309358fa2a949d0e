// What the browser tests share: checks that are counted, a browser of their own for each, and axe.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const DEADLINE = 20_000;

export const counts = { passed: 0, failed: 0 };

/** Runs one named check; a failure is shown and counted, and the next one runs. */
export async function check(name, body) {
  try {
    await body();
    counts.passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    counts.failed += 1;
    console.log(`FAILED  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
  }
}

/**
 * A browser profile of its own: no cookies of earlier checks. Notes whatever a page could not load.
 * `options` are Playwright's for a context.
 */
export async function inNewContext(browser, locale, body, options = {}) {
  const context = await browser.newContext({ locale, ...options });
  context.setDefaultTimeout(DEADLINE);
  const page = await context.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(`script: ${error}`));
  page.on("requestfailed", (request) => {
    // A page that asks again leaves requests behind.
    const failure = request.failure()?.errorText;
    if (failure !== "net::ERR_ABORTED") troubles.push(`${request.url()}: ${failure}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.url()}: ${response.status()}`);
  });
  try {
    await body(page, troubles);
  } finally {
    await context.close();
  }
}

/** Makes named checks, each with a browser profile of its own. */
export const visitor = (browser, locale = "en-GB", options = {}) =>
  (name, body) => check(name, () => inNewContext(browser, locale, body, options));

/**
 * Chooses on the gateway's page, by the names of its fields, and goes on. What is not named stays as the
 * page proposes it.
 */
export async function choose(page, url, methods = {}, form = "main form") {
  await page.goto(url);
  const chosen = page.locator(form).first();
  for (const [field, tag] of Object.entries(methods)) await chosen.locator(`input[name=${field}][value="${tag}"]`).check();
  await chosen.locator("button[type=submit]").click();
}

/** The rows of the page's table, as an object. */
export function rows(page) {
  return page.locator("main tbody tr").evaluateAll((found) =>
    Object.fromEntries(found.map((row) => [row.querySelector("th").textContent, row.querySelector("td").textContent])));
}

/** What WCAG 2.2 wants at the levels A and AA, as far as axe can tell. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const NARROW = 320;
const accessible = new Set();

/** Checks the page for accessibility once for each kind and language; `except` names rules of axe's. */
export async function assertAccessible(page, kind, except = []) {
  const language = await page.locator("html").getAttribute("lang");
  const key = `${kind} (${language})`;
  if (accessible.has(key)) return;
  // Not a script tag: the pages' content security policy would rightly refuse it.
  await page.evaluate(axe.source);
  const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
  const result = await page.evaluate((options) => window.axe.run(options), { runOnly: RULES, rules });
  const violations = result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html)}`);
  assert.deepEqual(violations, [], `${key} is not accessible`);
  assert.ok(result.passes.length > 0, `axe looked at nothing on ${key}`);
  await assertFits(page, key);
  accessible.add(key);
}

/** Nobody has to scroll sideways on a small telephone, or at a zoom of 400 % (WCAG 1.4.10). */
async function assertFits(page, kind) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: NARROW, height: before.height });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= NARROW, `${kind} is ${width} pixels wide where there are ${NARROW}`);
  await page.setViewportSize(before);
}

/** Runs the checks in one Chromium, and says how they went. */
export async function run(gateway, checks) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    await checks(browser, gateway);
  } finally {
    await browser.close();
  }
  await check("SIGTERM ends the gateway with 0", async () => assert.equal(await gateway.stop(), 0));
  if (counts.failed > 0) console.log(`the gateway wrote:\n${gateway.output}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

/** The binary that the command line names. */
export function binary(script) {
  if (process.argv.length !== 3) {
    console.error(`usage: node ${script} PATH_TO_THE_BINARY`);
    process.exit(64);
  }
  return resolve(process.argv[2]);
}
