import { createGavelClient } from "@gavel/client";
import { test as base } from "@playwright/test";
import { expect } from "./fixtures";
import { GavelProcess } from "./gavel-process";
import { list } from "./items";
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

test("a user signs in at the provider, bids, stays signed in after a reload, and signs out", async ({
  browser,
  gavel,
  provider,
}) => {
  const client = createGavelClient(gavel.url, {
    interceptors: [
      (next) => (request) => {
        request.header.set("Authorization", `Bearer ${provider.token("the seller")}`);
        return next(request);
      },
    ],
  });
  const item = await list(client, { title: "With a token", sellerId: "" });
  const context = await browser.newContext({ baseURL: gavel.url, reducedMotion: "reduce" });
  const page = await context.newPage();
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
  await bidding.getByRole("button", { name: "Bid $20.00" }).click();
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
  await context.close();
});

test("the answer to another browser's sign-in signs no one in and sends no code to the provider", async ({
  browser,
  gavel,
  provider,
}) => {
  const [other, victim] = [
    await (await browser.newContext({ baseURL: gavel.url })).newPage(),
    await (await browser.newContext({ baseURL: gavel.url })).newPage(),
  ];
  await other.goto("/");
  await other.getByRole("banner").getByRole("button", { name: "Sign in" }).click();
  const answer = (await other.getByRole("link", { name: "Sign me in" }).getAttribute("href")) ?? "";
  expect(new URL(answer).pathname).toBe("/signed-in");
  const requested: string[] = [];
  victim.on("request", (request) => requested.push(request.url()));

  await victim.goto(answer);

  await expect(victim.getByRole("banner").getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(victim.getByText("The sign-in failed. Try again.")).toBeVisible();
  await expect(victim).toHaveURL(`${gavel.url}/`);
  expect(requested.filter((url) => url.startsWith(provider.url))).toEqual([]);
  await Promise.all([other.context().close(), victim.context().close()]);
});
