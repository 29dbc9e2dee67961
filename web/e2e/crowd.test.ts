import type { Bid, GavelClient } from "@gavel/client";
import { runBidders } from "./bidders";
import { expect, test } from "./fixtures";
import { wholeHistory } from "./history";
import { list } from "./items";
import { panel } from "./panel";

/** How long the simulated bidders bid. CROWD_FLAGS are their other flags. */
const SECONDS = Number(process.env.CROWD_SECONDS ?? 10);
/** The timeout of one check. All checks are repeated until they agree. */
const SOON = { timeout: 2_000 };
const FLAGS = (process.env.CROWD_FLAGS ?? "--bidders 20 --pause 0.2 --budget 0").split(" ");

async function allBids(client: GavelClient, itemId: string): Promise<Bid[]> {
  const bids: Bid[] = [];
  let pageToken = "";
  do {
    const page = await client.bids.getItemBids({ itemId, pageSize: 100, pageToken });
    bids.push(...page.bids);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return bids;
}

function inWords(amount: bigint): string {
  return (Number(amount) / 100).toLocaleString("en-US", { style: "currency", currency: "USD" });
}

// A trace would store a screenshot for every click. A setting of its own also gives this file a server of its own, where
// no item of another test ends earlier: the bidders choose the item that ends first.
test.use({ trace: "off" });

test("two browsers among many bidders end with the price, count and history of the server", async ({
  client,
  gavel,
  person,
}) => {
  test.setTimeout((SECONDS + 240) * 1_000);
  // The bidders choose the item that ends first.
  const item = await list(client, { title: "A crowd", endsInSeconds: SECONDS + 120, startPrice: 100n });
  const [ada, ben] = [await person(), await person({ dark: true, width: 390, height: 844 })];
  for (const { page } of [ada, ben]) {
    await page.goto(`/items/${item.id}`);
    await expect(panel(page).getByLabel("Your bid")).toHaveValue("1.00");
  }
  const crowd = runBidders(gavel.url, "--items", "1", "--seconds", String(SECONDS), ...FLAGS);
  // The two browsers bid as well. Most of their bids come too late.
  const bidding = new AbortController();
  const persons = [ada, ben].map(async ({ page }) => {
    while (!bidding.signal.aborted) {
      const button = panel(page).getByRole("button", { name: /^(Bid|Use) (up to )?\$/ });
      await button
        .first()
        .click({ timeout: 1_000 })
        .catch(() => undefined);
    }
  });
  await crowd.finally(() => bidding.abort());
  await Promise.all(persons);

  // The last click may still be in progress.
  for (const { page } of [ada, ben]) {
    await expect(panel(page).getByRole("button", { name: "Placing…" })).toHaveCount(0);
  }
  // Repeat until all agree: a page may still be reading, and a click that timed out may still place a bid.
  await expect(async () => {
    const { item: last } = await client.bids.getItem({ id: item.id });
    const bids = await allBids(client, item.id);
    expect(BigInt(bids.length)).toBe(last?.bidCount);
    expect(bids.length).toBeGreaterThan(SECONDS);
    for (const { page } of [ada, ben]) {
      await expect(panel(page).getByText(`${bids.length.toLocaleString("en")} bids`, { exact: true })).toBeVisible(
        SOON,
      );
      await expect(panel(page).locator(".price").first()).toContainText(inWords(last?.currentHighestBid ?? 0n), SOON);
      expect(await wholeHistory(page)).toEqual(bids.map((bid) => inWords(bid.amount)));
    }
  }).toPass({ timeout: 90_000 });
});
