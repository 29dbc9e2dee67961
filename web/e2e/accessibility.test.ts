import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { STATUS_PATH } from "../src/pages/status-data";
import { problemsOf } from "./axe";
import { expect, type Person, test } from "./fixtures";
import { bid, bidderNamed, list } from "./items";

/** Every page, and its states that look different. */
const VIEWS: Record<string, (person: Person, itemId: string, userId: string) => Promise<void>> = {
  auctions: async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Axe" }).first()).toBeVisible();
  },
  "an auction": async ({ page }, itemId) => {
    await page.goto(`/items/${itemId}`);
    await expect(page.getByText("automatic", { exact: true }).first()).toBeVisible();
  },
  "a refused bid": async ({ page }, itemId) => {
    await page.goto(`/items/${itemId}`);
    await page.getByLabel("Your bid").fill("1");
    await page.getByRole("button", { name: "Bid $1.00" }).click();
    await expect(page.getByText(/The least bid is now/)).toBeVisible();
  },
  "a question": async ({ page }, itemId) => {
    await page.goto(`/items/${itemId}`);
    await page.getByLabel("Your bid").fill("9999");
    await page.keyboard.press("Enter");
    await expect(page.getByText(/is far above the price/)).toBeVisible();
  },
  "an invalid amount": async ({ page }, itemId) => {
    await page.goto(`/items/${itemId}`);
    await page.getByLabel("Your bid").fill("much");
    await page.keyboard.press("Enter");
    await expect(page.getByText(/Enter an amount/)).toBeVisible();
  },
  selling: async ({ page }) => {
    await page.goto("/sell");
    await page.getByText("Reserve, buy-now and other rules").click();
    await page.getByRole("button", { name: "Start the auction" }).click();
    await expect(page.getByText("Enter a title.")).toBeVisible();
  },
  "my bids": async ({ page }) => {
    await page.goto("/my-bids");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  },
  bidders: async ({ page }) => {
    await page.goto("/bidders");
    await expect(page.getByRole("table")).toBeVisible();
  },
  "a bidder": async ({ page }, _, userId) => {
    await page.goto(`/bidders/${userId}`);
    await expect(page.getByText("Sum of all bids")).toBeVisible();
  },
  status: async ({ page }) => {
    await page.route(`**${STATUS_PATH}`, (route) =>
      route.fulfill({
        json: {
          bids_per_second: 12.5,
          outbox_events: 3,
          outbox_oldest_seconds: 7,
          closer_overdue_seconds: 40,
          dead_letters: 0,
          bid_p99_seconds: 0.02,
          failed_calls_share: null,
          version: "1.2.3",
          watchers: 7,
          items_active: 4,
          at: "now",
        },
      }),
    );
    await page.goto("/status");
    await expect(page.getByText("Bids per second")).toBeVisible();
  },
  "the identity dialog": async ({ page }) => {
    await page.goto("/status");
    await page.getByRole("button", { name: /You bid as/ }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  },
  "an identity from another device": async ({ page }, _, userId) => {
    await page.goto("/status");
    await page.goto(`/identity#id=${userId}&name=Ada`);
    await expect(page.getByText("This browser will bid as Ada")).toBeVisible();
  },
  "page not found": async ({ page }) => {
    await page.goto("/nowhere");
    await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  },
};

for (const dark of [false, true]) {
  test(`axe reports no violation on any page, ${dark ? "dark and narrow" : "light and wide"}`, async ({
    client,
    person,
  }) => {
    const item = await list(client, {
      title: "Axe",
      buyNowPrice: 90_000n,
      softCloseSeconds: 60,
      reservePrice: 50_000n,
    });
    const [first, second] = [randomUUID(), randomUUID()];
    await bid(client, item, first, 2_000n, 5_000n);
    await bid(client, item, second, 3_000n);
    // The dark pages on a phone, where the bid button is in a bar of its own.
    const ada = await person(dark ? { dark, width: 390, height: 844 } : {});
    for (const [name, visit] of Object.entries(VIEWS)) {
      await visit(ada, item.id, first);
      expect(await problemsOf(ada.page), name).toEqual([]);
    }
  });
}

/** Check the width of the layout in the page's font and in a wide one, as a fallback font may be. */
async function expectNoWiderThan(width: number, page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  for (const font of ["", "monospace"]) {
    await page.evaluate((font) => document.documentElement.style.setProperty("--text", font), font);
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth), `${name}, font: ${font || "own"}`)
      .toBeLessThanOrEqual(width);
  }
}

for (const width of [320, 390]) {
  test(`no page overflows a screen of ${width} pixels`, async ({ client, person }) => {
    const [leader, rival] = [bidderNamed("Crimson Gazelle"), bidderNamed("Scarlet Sparrow")];
    const item = await list(client, {
      title: `Axe ${"Donaudampfschifffahrtsgesellschaft".repeat(3)}`,
      startPrice: 10n ** 13n,
    });
    await bid(client, item, leader, 10n ** 13n, 10n ** 14n);
    await bid(client, item, rival, 10n ** 13n + 10_000n);
    const other = await list(client, { title: "Axe" });
    await bid(client, other, leader, 2_000n, 5_000n);
    await bid(client, other, rival, 3_000n);
    const ada = await person({ width, height: 844 });
    for (const [name, visit] of Object.entries(VIEWS)) {
      await visit(ada, other.id, leader);
      await expectNoWiderThan(width, ada.page, name);
    }
    await ada.page.goto(`/items/${item.id}`);
    await expect(ada.page.getByRole("region", { name: "Bidding" })).toBeVisible();
    await expect(ada.page.locator(".leaderboard").getByText("Scarlet Sparrow")).toBeVisible();
    await expect(ada.page.locator(".history").getByText("Scarlet Sparrow").first()).toBeVisible();
    await expectNoWiderThan(width, ada.page, "an item with a long title and large amounts");
  });
}

test("the page does not violate its Content Security Policy", async ({ client, person }) => {
  const item = await list(client, { title: "Policy" });
  const ada = await person();
  const violations: string[] = [];
  ada.page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) {
      violations.push(message.text());
    }
  });
  for (const path of ["/", `/items/${item.id}`, "/sell", "/my-bids", "/bidders", "/status"]) {
    const response = await ada.page.goto(path);
    expect(response?.headers()["content-security-policy"]).toContain("default-src 'self'");
    await expect(ada.page.getByRole("heading", { level: 1 })).toBeVisible();
  }
  expect(violations).toEqual([]);
});
