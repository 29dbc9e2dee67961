import { randomUUID } from "node:crypto";
import type { GavelClient } from "@gavel/client";
import type { Page } from "@playwright/test";
import { STATUS_PATH } from "../src/pages/status-data";
import { expect, type Person, test } from "./fixtures";
import { bid, list } from "./items";
import { bidButton, panel, pressBid } from "./panel";

const TABS = 10;
/** A browser takes over a stream within this time, and an outbid notice comes within it. */
const SOON = { timeout: 5_000 };

/** Tabs of one browser, and which of them has opened the stream last. */
class Tabs {
  readonly pages: Page[] = [];
  #leader: Page | null = null;

  static async open({ page }: Person, ...paths: string[]): Promise<Tabs> {
    const tabs = new Tabs();
    for (const path of paths) {
      const tab = tabs.pages.length === 0 ? page : await page.context().newPage();
      tab.on("request", (request) => {
        if (request.url().endsWith("/WatchItems")) {
          tabs.#leader = tab;
        }
      });
      tabs.pages.push(tab);
      await tab.goto(path);
      await expect(panel(tab).getByLabel("Your bid")).toBeVisible();
    }
    return tabs;
  }

  /** Remove the tab that holds the stream from `pages`. */
  takeLeader(): Page {
    const leader = this.#leader;
    if (!leader) {
      throw new Error("no tab has opened a stream");
    }
    this.pages.splice(this.pages.indexOf(leader), 1);
    return leader;
  }

  async expectNewestBid(amount: string, within = {}): Promise<void> {
    for (const page of this.pages) {
      await expect(page.locator(".history__amount").first()).toHaveText(amount, within);
    }
  }
}

async function watchers(url: string): Promise<number> {
  const status = (await (await fetch(url + STATUS_PATH)).json()) as { watchers: number };
  return status.watchers;
}

test("ten tabs share one stream over HTTP/1.1, and each of them bids", async ({ client, gavel, person }) => {
  const items = await Promise.all(Array.from({ length: TABS }, (_, index) => list(client, { title: `Tab ${index}` })));
  const tabs = await Tabs.open(await person(), ...items.map(({ id }) => `/items/${id}`));
  await expect.poll(() => watchers(gavel.url)).toBe(1);
  for (const page of tabs.pages) {
    await expect(bidButton(page)).toHaveAttribute("data-settled", "true");
    await panel(page).getByLabel("Your bid").press("Enter");
    await expect(panel(page).getByText("You lead", { exact: true })).toBeVisible();
  }
  await Promise.all(items.map((item) => bid(client, item, randomUUID(), 2_500n)));
  await tabs.expectNewestBid("$25.00");
  expect(await watchers(gavel.url)).toBe(1);
});

test("another tab takes over at once when the tab with the stream closes", async ({ client, gavel, person }) => {
  const item = await list(client, { title: "Closing tabs" });
  const tabs = await Tabs.open(await person(), ...Array.from({ length: 3 }, () => `/items/${item.id}`));
  for (const amount of [2_000n, 2_100n]) {
    await tabs.takeLeader().close();
    await bid(client, item, randomUUID(), amount);
    await tabs.expectNewestBid(`$${amount / 100n}.00`, SOON);
  }
  await expect.poll(() => watchers(gavel.url)).toBe(1);
});

test("another tab takes over when the tab with the stream freezes, and no event is lost", async ({
  client,
  gavel,
  person,
}) => {
  const item = await list(client, { title: "Frozen tabs" });
  const tabs = await Tabs.open(await person(), ...Array.from({ length: 3 }, () => `/items/${item.id}`));
  await bid(client, item, randomUUID(), 2_000n);
  await tabs.expectNewestBid("$20.00");
  const frozen = tabs.takeLeader();
  const devTools = await frozen.context().newCDPSession(frozen);
  await devTools.send("Page.setWebLifecycleState", { state: "frozen" });

  await bid(client, item, randomUUID(), 2_100n);
  await tabs.expectNewestBid("$21.00", SOON);
  await bid(client, item, randomUUID(), 2_200n);
  await devTools.send("Page.setWebLifecycleState", { state: "active" });
  for (const page of [...tabs.pages, frozen]) {
    await expect(page.locator(".history__amount")).toHaveText(["$22.00", "$21.00", "$20.00"]);
  }
  await expect.poll(() => watchers(gavel.url)).toBe(1);
});

test("another tab takes over when the tab with the stream no longer answers", async ({ client, person }) => {
  const item = await list(client, { title: "A stuck tab" });
  const tabs = await Tabs.open(await person(), ...Array.from({ length: 2 }, () => `/items/${item.id}`));
  const stuck = tabs.takeLeader();
  // Its script does not return for ten seconds.
  const returned = stuck.evaluate(() => {
    const untilMs = Date.now() + 10_000;
    while (Date.now() < untilMs);
  });
  await bid(client, item, randomUUID(), 2_000n);
  await tabs.expectNewestBid("$20.00", SOON);
  await returned;
  await bid(client, item, randomUUID(), 2_100n);
  tabs.pages.push(stuck);
  await tabs.expectNewestBid("$21.00");
});

test("tabs of a browser that has no locks, or denies them, are live all the same", async ({ client, person }) => {
  const item = await list(client, { title: "No locks" });
  const ada = await person();
  for (const [amount, isDenied] of [
    [2_000n, true],
    [2_100n, false],
  ] as const) {
    await ada.page.addInitScript((isDenied) => {
      const denying = { request: () => Promise.reject(new DOMException("denied", "SecurityError")) };
      Object.defineProperty(navigator, "locks", { value: isDenied ? denying : undefined, configurable: true });
    }, isDenied);
    await ada.page.goto(`/items/${item.id}`);
    await expect(panel(ada.page).getByLabel("Your bid")).toBeVisible();
    await bid(client, item, randomUUID(), amount);
    await expect(ada.page.locator(".history__amount").first()).toHaveText(`$${amount / 100n}.00`, SOON);
  }
});

/** List enough items for three pages of the list. */
async function listMany(client: GavelClient): Promise<void> {
  for (let index = 0; index < 140; index += 1) {
    await list(client, { title: `Of many ${index}`, endsInSeconds: 7_200 });
  }
}

test("an outbid notice comes at once however many items are loaded", async ({ client, person }) => {
  const ada = await person();
  const last = await list(client, { title: "Far down", endsInSeconds: 8_000 });
  await listMany(client);
  await bid(client, last, ada.userId, 2_000n);
  await ada.page.goto("/");
  for (let presses = 0; presses < 2; presses += 1) {
    const cards = await ada.page.locator(".item-card").count();
    await ada.page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => ada.page.locator(".item-card").count()).toBeGreaterThan(cards);
  }
  await ada.page.evaluate(() => window.scrollTo(0, 0));
  await expect(ada.page.getByRole("link", { name: /My bids/ })).toBeVisible();

  await bid(client, last, randomUUID(), 2_500n);
  const notices = ada.page.getByRole("region", { name: "Notices" });
  await expect(notices.getByText("Far down is now at $25.00.")).toBeVisible({ timeout: 20_000 });
});

test("a bid without an answer says so within five seconds, and that it may count", async ({
  client,
  gavel,
  person,
}) => {
  const item = await list(client, { title: "No answer" });
  const { page } = await person();
  await page.goto(`/items/${item.id}`);
  await expect(panel(page).getByLabel("Your bid")).toHaveValue("20.00");
  // The server takes the first bid, and its answer never comes.
  await page.route(
    `${gavel.url}/bids.v1.BidService/PlaceBid`,
    async (route) => {
      await route.fetch();
    },
    { times: 1 },
  );
  await pressBid(page, "Bid $20.00");
  const note = panel(page).getByText(/may or may not have been placed. Trying again can't bid twice/);
  await expect(note).toBeVisible(SOON);
  await panel(page).getByRole("button", { name: "Try again" }).click();
  await expect(panel(page).getByText("You lead", { exact: true })).toBeVisible();
  expect((await client.bids.getItemBids({ itemId: item.id })).bids).toHaveLength(1);
});
