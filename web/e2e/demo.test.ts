import { expect, test } from "@playwright/test";
import { GavelProcess } from "./gavel-process";

/** Within ten seconds a price moves; the rest is for a machine that is busy with all else. */
const MOVED_MS_MAX = 30_000;

test("a newcomer sees twelve pictures, and prices that move", async ({ browser }) => {
  const gavel = await GavelProcess.begin({}, "--sample-auctions", "--crowd");
  try {
    const page = await browser.newPage({ baseURL: gavel.url });
    await page.goto("/");
    const cards = page.locator("main ul > li").filter({ has: page.locator("img.item-photo") });
    await expect(cards).toHaveCount(12);
    for (const card of await cards.all()) {
      await card.scrollIntoViewIfNeeded();
      const picture = card.locator("img.item-photo");
      await expect(picture).toHaveAttribute("src", /^\/samples\/\w+\.svg$/);
      await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    }
    const prices = async (): Promise<string> =>
      (await page.locator("main").innerText()).match(/\$[\d,.]+/g)?.join() ?? "";
    const before = await prices();
    await expect.poll(prices, { timeout: MOVED_MS_MAX }).not.toBe(before);
  } finally {
    await gavel.end();
  }
});
