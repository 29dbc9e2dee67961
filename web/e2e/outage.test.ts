import { randomUUID } from "node:crypto";
import { createGavelClient } from "@gavel/client";
import { expect, test } from "./fixtures";
import { wholeHistory } from "./history";
import { bid, list } from "./items";
import { panel, pressBid } from "./panel";

test("a page survives a restart of the server and shows the bids that it missed", async ({ client, gavel, person }) => {
  const item = await list(client, { title: "A restart" });
  const ada = await person();
  await bid(client, item, randomUUID(), 2_000n);
  await ada.page.goto(`/items/${item.id}`);
  await expect(panel(ada.page).getByText("1 bid", { exact: true })).toBeVisible();

  await gavel.stop();
  await expect(ada.page.getByText(/Connection lost|Reconnecting/)).toBeVisible();
  await gavel.start();
  await bid(createGavelClient(gavel.url), item, randomUUID(), 2_500n);

  await expect(panel(ada.page).getByText("2 bids", { exact: true })).toBeVisible({ timeout: 90_000 });
  await expect(ada.page.locator(".history__amount")).toHaveText(["$25.00", "$20.00"]);
  await expect(ada.page.getByText(/Connection lost|Reconnecting/)).toBeHidden({ timeout: 90_000 });
});

test("a page that was offline catches up, and a bid placed meanwhile counts once", async ({ client, person }) => {
  const item = await list(client, { title: "Offline" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await expect(panel(ada.page).getByLabel("Your bid")).toHaveValue("20.00");
  await ada.page.context().setOffline(true);
  await pressBid(ada.page, "Bid $20.00");
  await expect(panel(ada.page).getByText(/Trying again can't bid twice/)).toBeVisible();
  await ada.page.context().setOffline(false);
  await panel(ada.page).getByRole("button", { name: "Try again" }).click();
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ada.page).getByText("1 bid", { exact: true })).toBeVisible();
  expect((await client.bids.getItemBids({ itemId: item.id })).bids).toHaveLength(1);
});

test("after a bidding war both pages show what GetItem and GetItemBids return", async ({ client, person }) => {
  const item = await list(client, { title: "A war" });
  const [ada, ben] = [await person(), await person()];
  await ada.page.goto(`/items/${item.id}`);
  await ben.page.goto(`/items/${item.id}`);
  const bidders = Array.from({ length: 6 }, () => randomUUID());
  const war = bidders.map(async (bidder, index) => {
    for (let round = 0; round < 25; round += 1) {
      const { item: now } = await client.bids.getItem({ id: item.id });
      const least = now?.minimumNextBid ?? 0n;
      // A bid that comes too late is refused, as expected.
      await bid(client, item, bidder, least, index % 2 ? least + 700n : 0n).catch(() => undefined);
    }
  });
  await Promise.all(war);

  const { item: last } = await client.bids.getItem({ id: item.id });
  const { bids } = await client.bids.getItemBids({ itemId: item.id, pageSize: 100 });
  expect(last?.bidCount).toBeGreaterThan(20n);
  const expected = bids.map(
    (each) => `$${(Number(each.amount) / 100).toLocaleString("en", { minimumFractionDigits: 2 })}`,
  );
  for (const { page } of [ada, ben]) {
    await expect(panel(page).getByText(`${last?.bidCount} bids`, { exact: true })).toBeVisible();
    // The page may still be reading older bids.
    await expect.poll(async () => (await wholeHistory(page)).slice(0, expected.length)).toEqual(expected);
  }
});
