import { randomUUID } from "node:crypto";
import type { GavelClient, Item } from "@gavel/client";
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { bid, list } from "./items";
import { bidButton, panel, positions, pressBid } from "./panel";
import { beginStorm } from "./storm";

/** The amounts of a user's bids, oldest first. */
async function bidsOf(client: GavelClient, item: Item, userId: string): Promise<bigint[]> {
  const { bids } = await client.bids.getItemBids({ itemId: item.id, pageSize: 100 });
  return bids.flatMap((each) => (each.userId === userId ? [each.amount] : [])).reverse();
}

/** Move the pointer to the middle of an element. */
async function pointAt(page: Page, element: Locator): Promise<void> {
  const box = await element.boundingBox();
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
}

test("a bid is never for more than the button showed when the press began", async ({ client, person }) => {
  const item = await list(client, { title: "Under the finger", startPrice: 10_000n });
  const ada = await person();
  await bid(client, item, randomUUID(), 10_000n);
  await ada.page.goto(`/items/${item.id}`);
  const button = bidButton(ada.page);
  await expect(button).toHaveText("Bid $101.00");
  await pointAt(ada.page, button);
  await ada.page.mouse.down();
  await bid(client, item, randomUUID(), 500_000n);
  await expect(panel(ada.page).getByText("$5,000.00", { exact: true }).first()).toBeVisible();
  await ada.page.mouse.up();

  await expect(panel(ada.page).getByText(/\$101.00 is too low by now/)).toBeVisible();
  expect(await bidsOf(client, item, ada.userId)).toEqual([]);
  // The big button says what it does, and does it.
  await expect(button).toHaveText("Bid up to $5,050.00");
  await button.click();
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  expect(await bidsOf(client, item, ada.userId)).toEqual([505_000n]);
});

test("an amount that appears under the finger is asked about, as a maximum that stays as it is", async ({
  client,
  person,
}) => {
  const item = await list(client, { title: "Just appeared" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await expect(bidButton(ada.page)).toHaveText("Bid $20.00");
  // Press in the moment in which the amount changes.
  await bidButton(ada.page).evaluate((button) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      (button as HTMLElement).click();
    });
    observer.observe(button, { subtree: true, childList: true, characterData: true });
  });
  await bid(client, item, randomUUID(), 2_500n);
  await expect(bidButton(ada.page)).toHaveText("Bid up to $26.00");
  expect(await bidsOf(client, item, ada.userId)).toEqual([]);
  await bidButton(ada.page).click();
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ada.page).getByText("You lead, and Gavel bids for you up to $26.00.")).toBeVisible();
});

test("in a storm of 20 bids a second a newcomer bids by pressing what is offered", async ({ client, person }) => {
  const item = await list(client, { title: "Newcomer" });
  const ada = await person({ width: 390, height: 844 });
  const storm = beginStorm(client, item);
  await expect.poll(storm.bids).toBeGreaterThan(5);
  await ada.page.goto(`/items/${item.id}`);
  await bidButton(ada.page).click();
  await expect(bidButton(ada.page)).toHaveText(/^Bid up to \$[\d,.]+$/);
  const offered = await bidButton(ada.page).textContent();
  const before = storm.bids();
  // The offer stays as it was while the storm goes on.
  await expect.poll(storm.bids).toBeGreaterThan(before + 5);
  await expect(bidButton(ada.page)).toHaveText(offered ?? "");
  const placed = async (): Promise<bigint> =>
    (await client.bids.listMyBids({ userId: ada.userId })).bids[0]?.amount ?? 0n;
  // Two presses on a quiet machine. On a busy one seconds pass between them, and the storm goes beyond the offer.
  await expect(async () => {
    await bidButton(ada.page).click({ timeout: 1_000 });
    await expect.poll(placed, { timeout: 1_000 }).toBeGreaterThan(0n);
  }).toPass({ timeout: 60_000 });
  await storm.stop();
});

test("the answer to a bid pushes nothing, and stands beside the button", async ({ client, person }) => {
  const item = await list(client, { title: "In place" });
  for (const [width, height] of [
    [1280, 800],
    [390, 844],
    [320, 640],
  ] as const) {
    const { page, userId } = await person({ width, height });
    await page.goto(`/items/${item.id}`);
    await page.evaluate(() => document.fonts.ready.then(() => true));
    const field = panel(page).getByLabel("Your bid");
    await field.scrollIntoViewIfNeeded();
    const atFirst = await positions(page);
    const expectInPlace = async (text: string | RegExp): Promise<void> => {
      const [answer, button] = [await panel(page).getByText(text).boundingBox(), await bidButton(page).boundingBox()];
      expect(await positions(page)).toEqual(atFirst);
      expect(Math.abs((button?.y ?? 0) - (answer?.y ?? 0) - (answer?.height ?? 0)), String(text)).toBeLessThan(60);
    };
    await field.fill("much");
    await field.press("Enter");
    await expectInPlace(/Enter an amount/);
    await field.fill("1");
    await field.press("Enter");
    await expectInPlace(/The least bid is now/);
    await field.fill("9,000,000,000,000.00");
    await field.press("Enter");
    await expectInPlace(/is far above the price/);
    await panel(page).getByRole("button", { name: "Not now" }).click();
    const { item: now } = await client.bids.getItem({ id: item.id });
    await field.fill(String(Number(now?.minimumNextBid) / 100 + 5));
    await field.press("Enter");
    await expectInPlace("You lead.");
    // The leader's form has the same height.
    await expect(panel(page).getByLabel("Your maximum")).toBeFocused();
    await bid(client, item, randomUUID(), (now?.minimumNextBid ?? 0n) + 2_000n);
    await expect(panel(page).getByText("You've been outbid")).toBeVisible();
    expect(await positions(page)).toEqual(atFirst);
    expect(await bidsOf(client, item, userId)).toHaveLength(1);
  }
});

test("one's own maximum stands on the item's page, after a reload too, and can't be lowered", async ({
  client,
  person,
}) => {
  const item = await list(client, { title: "My maximum" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await panel(ada.page)
    .getByRole("button", { name: /Set a maximum/ })
    .click();
  await panel(ada.page).getByLabel("Your maximum (optional)").fill("80");
  await pressBid(ada.page, "Bid $20.00, up to $80.00");
  await expect(panel(ada.page).getByText("now $80.00")).toBeVisible();
  await ada.page.reload();
  await expect(panel(ada.page).getByText("now $80.00")).toBeVisible();
  await panel(ada.page).getByLabel("Your maximum").fill("50");
  await pressBid(ada.page, "Set my maximum to $50.00");
  await expect(panel(ada.page).getByText("Your maximum is $80.00 already.")).toBeVisible();
  // A rival's page knows nothing of it.
  const ben = await person();
  await ben.page.goto(`/items/${item.id}`);
  await expect(panel(ben.page).getByLabel("Your bid")).toHaveValue("21.00");
  expect(await ben.page.locator("body").innerText()).not.toContain("80.00");
});

test("the outbid notice shows the price of now, and goes when it is true no more", async ({ client, person }) => {
  const item = await list(client, { title: "Price of now" });
  const ada = await person();
  await bid(client, item, ada.userId, 2_000n);
  await ada.page.goto("/my-bids");
  await expect(ada.page.getByRole("heading", { name: "You lead" })).toBeVisible();
  await bid(client, item, randomUUID(), 2_500n);
  const notices = ada.page.getByRole("region", { name: "Notices" });
  await expect(notices.getByText("Price of now is now at $25.00.")).toBeVisible();
  await bid(client, item, randomUUID(), 4_000n);
  await expect(notices.getByText("Price of now is now at $40.00.")).toBeVisible();
  await expect(notices.getByRole("link", { name: "Bid $41.00 or more" })).toBeVisible();
  // The user leads again by another way.
  await bid(client, item, ada.userId, 4_500n);
  await expect(notices.locator(".notice")).toHaveCount(0);
});

test("the outbid notice goes when the auction ends", async ({ client, person }) => {
  const item = await list(client, { title: "Over soon", endsInSeconds: 12 });
  const ada = await person();
  await bid(client, item, ada.userId, 2_000n);
  await ada.page.goto("/my-bids");
  await expect(ada.page.getByRole("heading", { name: "You lead" })).toBeVisible();
  await bid(client, item, randomUUID(), 2_500n);
  const notice = ada.page.getByRole("region", { name: "Notices" }).getByText("You've been outbid", { exact: true });
  await expect(notice).toBeVisible();
  await expect(notice).toHaveCount(0);
});

for (const [width, height] of [
  [1280, 800],
  [390, 844],
] as const) {
  test(`at ${width} pixels the panel says that one was outbid, and no notice covers the amount`, async ({
    client,
    person,
  }) => {
    const item = await list(client, { title: "Not covered" });
    const ada = await person({ width, height });
    await ada.page.goto(`/items/${item.id}`);
    await bidButton(ada.page).click();
    await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
    await bid(client, item, randomUUID(), 2_500n);
    await expect(panel(ada.page).getByText("You've been outbid")).toBeVisible();
    await expect(ada.page).toHaveTitle(/^You've been outbid/);
    // At every scroll position.
    const covered = await ada.page.evaluate(() => {
      const field = document.querySelector(".bid-panel .money-input");
      const hits: number[] = [];
      for (let y = 0; y < document.documentElement.scrollHeight; y += 40) {
        window.scrollTo(0, y);
        const box = field?.getBoundingClientRect();
        for (const notice of document.querySelectorAll(".notice")) {
          const over = notice.getBoundingClientRect();
          const isClear =
            !box ||
            over.bottom <= box.top ||
            over.top >= box.bottom ||
            over.right <= box.left ||
            over.left >= box.right;
          if (!isClear && over.width > 1) {
            hits.push(y);
          }
        }
      }
      return hits;
    });
    expect(covered).toEqual([]);
  });
}

test("an auction is bid on, led, lost and bid on again by keyboard alone", async ({ client, person }) => {
  const item = await list(client, { title: "By Enter" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  const { keyboard } = ada.page;
  await panel(ada.page).getByLabel("Your bid").focus();
  await keyboard.press("Enter");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ada.page).getByLabel("Your maximum")).toBeFocused();
  await keyboard.type("30");
  await keyboard.press("Enter");
  await expect(panel(ada.page).getByText("now $30.00")).toBeVisible();
  await expect(panel(ada.page).getByLabel("Your maximum")).toBeFocused();
  await bid(client, item, randomUUID(), 9_000n);
  await expect(panel(ada.page).getByText("You've been outbid")).toBeVisible();
  await expect(panel(ada.page).getByLabel("Your bid")).toBeFocused();
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("100");
  await keyboard.press("Enter");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ada.page).getByLabel("Your maximum")).toBeFocused();
  // A bid of ten times the price is confirmed by Enter as well.
  await keyboard.type("5000");
  await keyboard.press("Enter");
  await expect(bidButton(ada.page)).toHaveText("Bid up to $5,000.00 anyway");
  await expect(bidButton(ada.page)).toHaveAttribute("data-settled", "true");
  await keyboard.press("Enter");
  await expect(panel(ada.page).getByText("now $5,000.00")).toBeVisible();
  expect(await bidsOf(client, item, ada.userId)).toEqual([2_000n, 10_000n]);
});
