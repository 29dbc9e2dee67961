import { createGavelClient, type GavelClient } from "@gavel/client";
import { type Browser, test as base, type Page } from "@playwright/test";
import { problemsOf } from "./axe";
import { chromium } from "./chromium";
import { expect } from "./fixtures";
import { GavelProcess } from "./gavel-process";
import { list } from "./items";
import { pressBid } from "./panel";
import { Provider } from "./provider";

type Worker = { provider: Provider; gavel: GavelProcess };

const test = base.extend<object, Worker>({
  provider: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright requires the pattern
    async ({}, use) => {
      const provider = await Provider.begin("ada");
      await use(provider);
      await provider.end();
    },
    { scope: "worker" },
  ],
  gavel: [
    async ({ provider }, use) => {
      const gavel = await GavelProcess.begin(provider.settings());
      await use(gavel);
      await gavel.end();
    },
    { scope: "worker", timeout: 240_000 },
  ],
});

type Fixtures = { gavel: GavelProcess; provider: Provider };

test.beforeEach(({ provider }) => provider.behave());

/** A client of the API in the name of a user who sells. */
function sellerOf({ gavel, provider }: Fixtures): GavelClient {
  return createGavelClient(gavel.url, {
    interceptors: [
      (next) => (request) => {
        request.header.set("Authorization", `Bearer ${provider.token("the seller")}`);
        return next(request);
      },
    ],
  });
}

async function openPage(browser: Browser, { gavel }: Pick<Fixtures, "gavel">): Promise<Page> {
  const context = await browser.newContext({ baseURL: gavel.url, reducedMotion: "reduce" });
  return context.newPage();
}

function signInButton(page: Page) {
  return page.getByRole("banner").getByRole("button", { name: "Sign in" });
}

async function signIn(page: Page): Promise<void> {
  await signInButton(page).click();
  await page.getByRole("link", { name: "Sign me in" }).click();
  await expect(page.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();
}

test("a user signs in at the provider, bids, stays signed in after a reload, and signs out", async ({
  browser,
  gavel,
  provider,
}) => {
  const client = sellerOf({ gavel, provider });
  const item = await list(client, { title: "With a token", sellerId: "" });
  const page = await openPage(browser, { gavel });
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  const bidding = page.getByRole("region", { name: "Bidding" });

  await page.goto(`/items/${item.id}`);
  await expect(bidding.getByText("$20.00").first()).toBeVisible();
  await expect(bidding.getByLabel("Your bid")).toHaveCount(0);
  await bidding.getByRole("button", { name: "Sign in to bid" }).click();
  await page.getByRole("link", { name: "Sign me in" }).click();

  // Back on the same page, with nothing of the sign-in left in the address.
  await expect(page).toHaveURL(`${gavel.url}/items/${item.id}`);
  await expect(page.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();
  await pressBid(page, "Bid $20.00");
  await expect(bidding.getByText("You lead", { exact: true })).toBeVisible();
  await page.reload();
  await expect(bidding.getByText("You lead", { exact: true })).toBeVisible();
  await page.goto("/my-bids");
  await expect(page.getByRole("link", { name: "With a token" })).toBeVisible();
  const { bids } = await client.bids.getItemBids({ itemId: item.id });
  expect(bids.map(({ amount }) => amount)).toEqual([2_000n]);

  await page.goto(`/items/${item.id}`);
  await page.getByRole("button", { name: /Ada Lovelace/ }).click();
  await expect(bidding.getByRole("button", { name: "Sign in to bid" })).toBeVisible();
  await expect(bidding.getByText("You lead", { exact: true })).toHaveCount(0);
  expect(problems).toEqual([]);
  await page.context().close();
});

test("the answer to another browser's sign-in signs no one in and sends no code to the provider", async ({
  browser,
  gavel,
  provider,
}) => {
  const [other, victim] = [await openPage(browser, { gavel }), await openPage(browser, { gavel })];
  await other.goto("/");
  await signInButton(other).click();
  const answer = (await other.getByRole("link", { name: "Sign me in" }).getAttribute("href")) ?? "";
  expect(new URL(answer).pathname).toBe("/signed-in");
  const requested: string[] = [];
  victim.on("request", (request) => requested.push(request.url()));

  await victim.goto(answer);

  await expect(signInButton(victim)).toBeVisible();
  await expect(victim.getByText("The sign-in failed: no sign-in was begun in this tab. Try again.")).toBeVisible();
  await expect(victim).toHaveURL(`${gavel.url}/`);
  expect(requested.filter((url) => url.startsWith(provider.url))).toEqual([]);
  await Promise.all([other.context().close(), victim.context().close()]);
});

test("every tab is signed in and out with the others", async ({ browser, gavel }) => {
  const first = await openPage(browser, { gavel });
  const second = await first.context().newPage();
  await second.goto("/bidders");
  await first.goto("/");
  await signIn(first);
  await expect(second.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();
  const third = await first.context().newPage();
  await third.goto("/sell");
  await expect(third.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();

  await third.getByRole("button", { name: /Ada Lovelace/ }).click();
  for (const page of [first, second, third]) {
    await expect(signInButton(page)).toBeVisible();
  }
  await first.context().close();
});

test("a token that ends soon is renewed, and the user bids with the new one", async ({ browser, gavel, provider }) => {
  const item = await list(sellerOf({ gavel, provider }), { title: "Renewed", sellerId: "" });
  provider.behave({ tokenSeconds: 8, renews: true });
  const page = await openPage(browser, { gavel });
  await page.goto(`/items/${item.id}`);
  await signIn(page);
  const before = provider.renewals;
  // By then the first token has ended.
  await expect.poll(() => provider.renewals - before).toBeGreaterThan(2);
  await pressBid(page, "Bid $20.00");
  await expect(page.getByText("You lead", { exact: true }).first()).toBeVisible();
  await page.context().close();
});

test("a user who opens the page after their token has ended is still signed in", async ({
  browser,
  gavel,
  provider,
}) => {
  provider.behave({ renews: true });
  const page = await openPage(browser, { gavel });
  await page.goto("/my-bids");
  await signIn(page);
  await page.evaluate(() => {
    const token = JSON.parse(localStorage.getItem("gavel.token") ?? "{}") as object;
    localStorage.setItem("gavel.token", JSON.stringify({ ...token, endsAtMs: 1 }));
  });
  const before = provider.renewals;
  await page.reload();
  await expect(page.getByRole("banner").getByText("Ada Lovelace")).toBeVisible();
  expect(provider.renewals).toBe(before + 1);
  await expect(signInButton(page)).toBeHidden();
  await page.context().close();
});

test("without renewal the page warns two minutes before, keeps what was typed, and comes back to it", async ({
  browser,
  gavel,
  provider,
}) => {
  provider.behave({ tokenSeconds: 123 });
  const page = await openPage(browser, { gavel });
  await page.goto("/sell");
  await signIn(page);
  await page.getByLabel("Title").fill("A chair");
  await page.getByLabel("Starting price").fill("12");
  await expect(page.getByText(/Your sign-in ends at/)).toBeVisible();

  provider.behave();
  await page.getByRole("button", { name: "Stay signed in" }).click();
  await page.getByRole("link", { name: "Sign me in" }).click();
  await expect(page.getByLabel("Title")).toHaveValue("A chair");
  await expect(page.getByText(/Your sign-in ends at/)).toBeHidden();
  await page.getByRole("button", { name: "Start the auction" }).click();
  await expect(page.getByRole("heading", { name: "A chair" })).toBeVisible();
  await page.goto("/sell");
  await expect(page.getByLabel("Title")).toHaveValue("");
  await page.context().close();
});

test("signed out, every page says so with a button, and Sell keeps what was typed", async ({ browser, gavel }) => {
  const page = await openPage(browser, { gavel });
  for (const path of ["/", "/my-bids", "/bidders", "/status", "/nowhere", "/sell"]) {
    await page.goto(path);
    await expect(page.getByText("You are not signed in.")).toBeVisible();
    await expect(signInButton(page)).toBeVisible();
    expect(await problemsOf(page), path).toEqual([]);
  }
  await page.getByLabel("Title").fill("A table");
  await page.getByLabel("Starting price").fill("30");
  await page.getByLabel("Starting price").press("Enter");
  await page.getByRole("link", { name: "Sign me in" }).click();
  await expect(page.getByLabel("Title")).toHaveValue("A table");
  await page.getByLabel("Starting price").press("Enter");
  await expect(page.getByRole("heading", { name: "A table" })).toBeVisible();
  await page.context().close();
});

test("a refusal of the provider is shown on the page that the user came from", async ({ browser, gavel, provider }) => {
  provider.behave({ refusal: { error: "access_denied", error_description: "Ada may not use this" } });
  const page = await openPage(browser, { gavel });
  await page.goto("/bidders");
  await signInButton(page).click();
  await page.getByRole("link", { name: "Sign me in" }).click();
  await expect(page.getByText("The sign-in service refused: Ada may not use this")).toBeVisible();
  await expect(page).toHaveURL(`${gavel.url}/bidders`);
  await page.context().close();
});

test("a token endpoint that the page's policy blocks is named", async ({ browser, gavel, provider }) => {
  const page = await openPage(browser, { gavel });
  await page.goto("/bidders");
  await signInButton(page).click();
  // Gavel has read the discovery document before, and will not read it again within this test.
  provider.behave({ hasMoved: true });
  await page.getByRole("link", { name: "Sign me in" }).click();
  await expect(page.getByText(`This page's security policy blocks ${provider.movedUrl}`)).toBeVisible();
  await page.context().close();
});

test("a browser that blocks storage opens the page, and says why it can't sign in", async ({ browser, gavel }) => {
  const page = await openPage(browser, { gavel });
  await page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException("denied", "SecurityError");
        },
      });
    }
  });
  await page.goto("/");
  await signInButton(page).click();
  await expect(page.getByText("This browser blocks the storage of this site")).toBeVisible();
  await page.context().close();
});

test("a page that came over plain HTTP from another machine says that signing in needs HTTPS", async ({
  gavel,
  playwright,
}) => {
  const rules = "--host-resolver-rules=MAP gavel.test 127.0.0.1";
  const browser = await playwright.chromium.launch({ ...chromium, args: [...chromium.args, rules] });
  const page = await browser.newPage({ baseURL: gavel.url.replace("127.0.0.1", "gavel.test") });
  await page.goto("/");
  await signInButton(page).click();
  await expect(page.getByText("Signing in needs HTTPS")).toBeVisible();
  await browser.close();
});
