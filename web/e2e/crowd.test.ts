import type { Bid, GavelClient, Item } from "@gavel/client";
import type { Page } from "@playwright/test";
import { runBidders } from "./bidders";
import { expect, test } from "./fixtures";
import { list } from "./items";

/** How long the crowd bids; CROWD_SECONDS and CROWD_FLAGS make it longer or wilder. */
const SECONDS = Number(process.env.CROWD_SECONDS ?? 10);
const FLAGS = (process.env.CROWD_FLAGS ?? "--bidders 20 --pause 0.2").split(" ");

function panel(page: Page) {
  return page.getByRole("region", { name: "Bidding" });
}

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

/** The amounts of every bid that the page lists, the older ones asked for until there are none. */
function history(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const shown = (): string[] => Array.from(document.querySelectorAll(".history__amount"), (each) => each.textContent);
    const older = (): HTMLElement | undefined =>
      Array.from(document.querySelectorAll("button")).find((each) => each.textContent === "Show older bids");
    // Pressed again where an answer did not come; while one is on its way the button takes no press.
    for (let button = older(); button; button = older()) {
      button.click();
      await new Promise((done) => setTimeout(done, 20));
    }
    return shown();
  });
}

// A trace would keep a picture of the page for every press.
test.use({ trace: "off" });

test("two browsers amid a crowd end with the price, count and history that the server has", async ({
  client,
  gavel,
  person,
}) => {
  test.setTimeout((SECONDS + 240) * 1_000);
  // The first to end of all that are open: the one that the crowd takes.
  const item = await list(client, { title: "A crowd", endsInSeconds: SECONDS + 120, startPrice: 100n });
  const [ada, ben] = [await person(), await person({ dark: true, width: 390, height: 844 })];
  for (const { page } of [ada, ben]) {
    await page.goto(`/items/${item.id}`);
    await expect(panel(page).getByLabel("Your bid")).toHaveValue("1.00");
  }
  const crowd = runBidders(gavel.url, "--items", "1", "--seconds", String(SECONDS), ...FLAGS);
  // The two bid as well, whenever the price lets them: amid a crowd most come too late.
  const bidding = new AbortController();
  const persons = [ada, ben].map(async ({ page }) => {
    while (!bidding.signal.aborted) {
      const button = panel(page).getByRole("button", { name: /^(Bid|Use) \$/ });
      await button
        .first()
        .click({ timeout: 1_000 })
        .catch(() => undefined);
    }
  });
  await crowd.finally(() => bidding.abort());
  await Promise.all(persons);

  // A press that was the last one may still be on its way.
  for (const { page } of [ada, ben]) {
    await expect(panel(page).getByRole("button", { name: "Placing…" })).toHaveCount(0);
  }
  let bids: Bid[] = [];
  let last: Item | undefined;
  await expect
    .poll(async () => {
      last = (await client.bids.getItem({ id: item.id })).item;
      bids = await allBids(client, item.id);
      return BigInt(bids.length) - (last?.bidCount ?? 0n);
    })
    .toBe(0n);
  expect(bids.length).toBeGreaterThan(SECONDS);
  for (const { page } of [ada, ben]) {
    await expect(panel(page).getByText(`${bids.length.toLocaleString("en")} bids`, { exact: true })).toBeVisible();
    await expect(panel(page).locator(".price").first()).toContainText(inWords(last?.currentHighestBid ?? 0n));
    expect(await history(page)).toEqual(bids.map((bid) => inWords(bid.amount)));
  }
});
