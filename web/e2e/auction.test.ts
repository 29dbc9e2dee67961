import { randomUUID } from "node:crypto";
import type { Page, Route } from "@playwright/test";
import { expect, test } from "./fixtures";
import { bid, list } from "./items";
import { panel, pressBid } from "./panel";

/** The amounts of the bids that the page lists, newest first. */
function history(page: Page): Promise<string[]> {
  return page.locator(".history__amount").allTextContents();
}

test("two browsers bid against each other and see each other's bids", async ({ client, person }) => {
  const item = await list(client, { title: "Two browsers" });
  const [ada, ben] = [await person(), await person({ dark: true, width: 390, height: 844 })];
  await ada.page.goto(`/items/${item.id}`);
  await ben.page.goto(`/items/${item.id}`);

  await pressBid(ada.page, "Bid $20.00");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ben.page).getByText("$20.00").first()).toBeAttached();

  await pressBid(ben.page, "Bid $21.00");
  await expect(panel(ben.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(panel(ada.page).getByLabel("Your bid")).toHaveValue("22.00");

  await panel(ada.page).getByLabel("Your bid").fill("30");
  await pressBid(ada.page, "Bid $30.00");
  for (const { page } of [ada, ben]) {
    await expect(panel(page).getByText("3 bids", { exact: true })).toBeVisible();
    await expect.poll(() => history(page)).toEqual(["$30.00", "$21.00", "$20.00"]);
  }
});

test("a user who is outbid sees a notice on the page and in the title", async ({ client, person }) => {
  const item = await list(client, { title: "A notice" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await pressBid(ada.page, "Bid $20.00");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();

  await bid(client, item, randomUUID(), 2_500n);

  const notices = ada.page.getByRole("region", { name: "Notices" });
  await expect(notices.getByText("You've been outbid", { exact: true })).toBeVisible();
  await expect(ada.page).toHaveTitle(/^You've been outbid/);
  await pressBid(ada.page, "Bid $26.00");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
  await expect(notices.getByText("You've been outbid", { exact: true })).toBeHidden();
});

test("a user who is outbid sees the notice on every other page", async ({ client, person }) => {
  const item = await list(client, { title: "Seen elsewhere" });
  const ada = await person();
  await bid(client, item, ada.userId, 2_000n);
  await ada.page.goto("/my-bids");
  await expect(ada.page.getByRole("heading", { name: "You lead" })).toBeVisible();
  await ada.page.getByRole("link", { name: "Sell" }).click();

  await bid(client, item, randomUUID(), 2_500n);

  const notices = ada.page.getByRole("region", { name: "Notices" });
  await expect(notices.getByText("Seen elsewhere is now at $25.00.")).toBeVisible();
  await notices.getByRole("link", { name: "Bid $26.00 or more" }).click();
  await expect(ada.page.getByRole("heading", { name: "Seen elsewhere" })).toBeVisible();
});

test("a maximum outbids by itself, and its bids are marked as automatic", async ({ client, person }) => {
  const item = await list(client, { title: "A maximum" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await panel(ada.page)
    .getByRole("button", { name: /Set a maximum/ })
    .click();
  await panel(ada.page).getByLabel("Your maximum (optional)").fill("50");
  await pressBid(ada.page, "Bid $20.00");
  await expect(panel(ada.page).getByText("Gavel bids for you up to $50.00")).toBeVisible();

  await bid(client, item, randomUUID(), 3_000n);

  await expect.poll(() => history(ada.page)).toEqual(["$31.00", "$30.00", "$20.00"]);
  await expect(ada.page.getByText("automatic", { exact: true })).toHaveCount(1);
  await expect(ada.page.getByText("You've been outbid")).toHaveCount(0);
});

test("a bid that has become too low on the way is asked about with the least bid, which one click bids", async ({
  client,
  gavel,
  person,
}) => {
  const item = await list(client, { title: "Too late" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  const form = panel(ada.page);
  await form.getByLabel("Your bid").fill("21");
  // Send the bid before the page knows of the other one.
  const placing = (route: Route) => bid(client, item, randomUUID(), 4_000n).then(() => route.continue());
  await ada.page.route(`${gavel.url}/bids.v1.BidService/PlaceBid`, placing, { times: 1 });
  await pressBid(ada.page, "Bid $21.00");
  await expect(form.getByText("$21.00 is too low by now.")).toBeVisible();
  await pressBid(ada.page, "Bid up to $41.00");
  await expect(form.getByText("You lead", { exact: true })).toBeVisible();
});

test("on a phone the action after a refusal is scrolled above the navigation bar", async ({ client, person }) => {
  const item = await list(client, { title: "In the hand" });
  const { page } = await person({ width: 390, height: 700 });
  await page.goto(`/items/${item.id}`);
  // A font that loads later would change the layout.
  await page.evaluate(() => document.fonts.ready.then(() => true));
  await panel(page).getByLabel("Your bid").fill("1");
  await panel(page)
    .getByRole("button", { name: /^Bid \$/ })
    .click();
  const use = panel(page).getByRole("button", { name: /^Use \$/ });
  const bar = page.getByRole("navigation");
  await expect
    .poll(async () => {
      const [button, below] = [await use.boundingBox(), await bar.boundingBox()];
      return button !== null && below !== null && button.y + button.height <= below.y;
    })
    .toBe(true);
});

test("a late bid extends the auction, and the page shows it", async ({ client, person }) => {
  const ada = await person();
  const item = await list(client, { title: "Soft close", endsInSeconds: 50, softCloseSeconds: 120 });
  await ada.page.goto(`/items/${item.id}`);
  const clock = panel(ada.page).locator(".countdown [aria-hidden]");
  await expect(clock).toHaveText(/^0:[0-4]\d/);
  await bid(client, item, randomUUID(), 2_000n);
  await expect(clock).toHaveText(/^(2:0\d|1:\d\d)/);
  await expect(panel(ada.page).getByText("Extended by a late bid")).toBeVisible();
});

test("when an auction ends, every page shows the winner", async ({ client, person }) => {
  const [ada, ben] = [await person(), await person()];
  const item = await list(client, { title: "The end", endsInSeconds: 25 });
  await bid(client, item, ben.userId, 2_000n);
  await bid(client, item, ada.userId, 2_500n);
  await ada.page.goto(`/items/${item.id}`);
  await ben.page.goto(`/items/${item.id}`);
  // The notice disappears by itself.
  await Promise.all([
    expect(panel(ada.page).getByText("You won!")).toBeVisible({ timeout: 90_000 }),
    expect(ada.page.getByText("The end is yours for $25.00.")).toBeVisible({ timeout: 90_000 }),
  ]);
  await expect(panel(ben.page).getByText("Sold", { exact: true })).toBeVisible();
  await expect(panel(ben.page).getByLabel("Your bid")).toHaveCount(0);
});

test("buy-now ends the auction at once, after a confirmation", async ({ client, person }) => {
  const item = await list(client, { title: "Buy now", buyNowPrice: 9_000n });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await panel(ada.page).getByRole("button", { name: "Buy now for $90.00" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Buy for $90.00" }).click();
  await expect(panel(ada.page).getByText("You won!")).toBeVisible();
  expect((await client.bids.getItem({ id: item.id })).item?.outcome).toMatchObject({
    sold: true,
    winnerId: ada.userId,
  });
});

test("texts of users are shown literally", async ({ client, person }) => {
  const title = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>";
  const item = await list(client, { title, description: title, category: "<b>odd</b>" });
  const ada = await person();
  for (const path of ["/", `/items/${item.id}`]) {
    await ada.page.goto(path);
    await expect(ada.page.getByText(title).first()).toBeVisible();
    expect(await ada.page.evaluate(() => "ran" in window)).toBe(false);
  }
  await bid(client, item, ada.userId, 2_000n);
  await ada.page.goto("/my-bids");
  await expect(ada.page.getByRole("link", { name: title })).toBeVisible();
});

test("an item is listed and its auction cancelled", async ({ client, person }) => {
  const ada = await person();
  await ada.page.goto("/sell");
  await ada.page.getByRole("button", { name: "Start the auction" }).click();
  await expect(ada.page.getByLabel("Title")).toBeFocused();
  await expect(ada.page.getByText("Enter a title.")).toBeVisible();
  await ada.page.getByLabel("Title").fill("A chair");
  await ada.page.getByLabel("Category").fill("home");
  await ada.page.getByLabel("Starting price").fill("1,250.50");
  await ada.page.getByRole("button", { name: "Start the auction" }).click();
  await expect(ada.page.getByRole("heading", { name: "A chair" })).toBeVisible();
  await expect(panel(ada.page).getByText("This is your auction.")).toBeVisible();
  const id = ada.page.url().split("/").at(-1) ?? "";
  expect((await client.bids.getItem({ id })).item).toMatchObject({
    startPrice: 125_050n,
    sellerId: ada.userId,
    category: "home",
  });

  await panel(ada.page).getByRole("button", { name: "Cancel the auction" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Cancel the auction" }).click();
  await expect(panel(ada.page).getByText("The seller cancelled this auction.")).toBeVisible();
});

test("a bid can be placed by keyboard", async ({ client, person }) => {
  const item = await list(client, { title: "By keyboard" });
  const ada = await person();
  await ada.page.goto(`/items/${item.id}`);
  await expect(panel(ada.page)).toBeVisible();
  const focusedName = () =>
    ada.page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent || "");
  const amountId = await panel(ada.page).getByLabel("Your bid").getAttribute("id");
  for (let presses = 0; (await focusedName()) !== amountId; presses += 1) {
    expect(presses, "the amount is reached by the Tab key").toBeLessThan(30);
    await ada.page.keyboard.press("Tab");
  }
  await ada.page.keyboard.press("Enter");
  await expect(panel(ada.page).getByText("You lead", { exact: true })).toBeVisible();
});

test("a bidder's totals include a bid a moment later", async ({ client, person }) => {
  const item = await list(client, { title: "Counted" });
  const ada = await person();
  await bid(client, item, ada.userId, 2_000n);
  await ada.page.goto(`/bidders/${ada.userId}`);
  await expect(ada.page.locator(".stat", { hasText: "Bids" }).first()).toContainText("1");
  await expect(ada.page.locator(".stat", { hasText: "Highest bid" })).toContainText("$20.00");
});
