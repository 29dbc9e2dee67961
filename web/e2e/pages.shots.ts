import { randomUUID } from "node:crypto";
import type { Item } from "@gavel/client";
import { STATUS_PATH } from "../src/pages/status-data";
import { expect, type Person, test } from "./fixtures";
import { bid, list } from "./items";

/** Screenshots of every page for review: light and dark, wide and narrow. */
const LOOKS = [
  { name: "light-wide", dark: false, width: 1280, height: 800 },
  { name: "dark-wide", dark: true, width: 1280, height: 800 },
  { name: "light-narrow", dark: false, width: 390, height: 844 },
  { name: "dark-narrow", dark: true, width: 390, height: 844 },
];

test("screenshots of every page", async ({ client, person }) => {
  const rivals = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const listings = [
    {
      title: "Charity: dinner for two",
      images: ["/samples/dinner.svg"],
      category: "charity",
      endsInSeconds: 1_500,
      startPrice: 2_500n,
    },
    {
      title: "Espresso machine",
      images: ["/samples/espresso.svg"],
      category: "kitchen",
      endsInSeconds: 3_400,
      startPrice: 8_000n,
    },
    {
      title: "Road bike, 56 cm",
      images: ["/samples/bike.svg"],
      category: "sports",
      endsInSeconds: 10_000,
      startPrice: 20_000n,
      buyNowPrice: 90_000n,
    },
    {
      title: "First printing, with map",
      images: ["/samples/book.svg"],
      category: "books",
      endsInSeconds: 43_000,
      startPrice: 3_500n,
    },
    {
      title: "Seven-string guitar",
      images: ["/samples/guitar.svg"],
      category: "music",
      endsInSeconds: 86_000,
      startPrice: 45_000n,
      buyNowPrice: 120_000n,
    },
    {
      title: "Mid-century lounge chair in walnut and black leather",
      images: ["/samples/chair.svg"],
      category: "home",
      endsInSeconds: 200_000,
      startPrice: 60_000n,
    },
    {
      title: "Field camera, 4x5",
      images: ["/samples/camera.svg"],
      category: "electronics",
      endsInSeconds: 300_000,
      startPrice: 32_000n,
    },
    {
      title: "Brass sextant, 1890s",
      images: ["/samples/sextant.svg"],
      description: "Signed on the arc, in its fitted box.\nThe mirrors were resilvered in 1962; all filters are there.",
      category: "antiques",
      endsInSeconds: 600_000,
      startPrice: 12_000n,
      reservePrice: 30_000n,
      softCloseSeconds: 60,
    },
  ];
  const items: Item[] = [];
  for (const listing of listings) {
    items.push(await list(client, listing));
  }
  const sextant = items.at(-1) as Item;
  for (const [index, item] of items.slice(0, 5).entries()) {
    for (let raise = 0n; raise < BigInt(6 - index); raise += 1n) {
      await bid(client, item, rivals[Number(raise) % 4] as string, item.startPrice + raise * (item.startPrice / 10n));
    }
  }
  await list(client, { title: "Opens later", startsInSeconds: 3_000, endsInSeconds: 9_000, category: "wine" });

  for (const look of LOOKS) {
    const me: Person = await person(look);
    const shot = async (name: string, full = true): Promise<void> => {
      const { width, height } = look;
      if (full) {
        // Make the window as high as the page, so that fixed bars do not cover content.
        const whole = await me.page.evaluate(() => document.documentElement.scrollHeight);
        await me.page.setViewportSize({ width, height: whole });
      }
      await me.page.waitForTimeout(700);
      await me.page.screenshot({ path: `screenshots/${name}-${look.name}.png` });
      await me.page.setViewportSize({ width, height });
    };
    // Each look adds a few bids on the sextant.
    let { item } = await client.bids.getItem({ id: sextant.id });
    for (const [round, rival] of rivals.entries()) {
      item = (await client.bids.getItem({ id: sextant.id })).item;
      const least = item?.minimumNextBid ?? 0n;
      await bid(client, sextant, rival, least, round % 2 ? least + 2_500n : 0n).catch(() => undefined);
    }
    item = (await client.bids.getItem({ id: sextant.id })).item;
    const bike = (await client.bids.getItem({ id: (items[2] as Item).id })).item as Item;
    await bid(client, bike, me.userId, bike.minimumNextBid);
    const espresso = (await client.bids.getItem({ id: (items[1] as Item).id })).item as Item;
    await bid(client, espresso, me.userId, espresso.minimumNextBid);
    await bid(client, espresso, rivals[0] as string, espresso.minimumNextBid + 1_000n);

    await me.page.goto("/");
    await expect(me.page.getByRole("heading", { name: "Bid live" })).toBeVisible();
    await shot("auctions-fold", false);
    await shot("auctions");
    await me.page.goto(`/items/${sextant.id}`);
    await expect(me.page.getByRole("heading", { name: "Bids", exact: true })).toBeVisible();
    await shot("auction-fold", false);
    await shot("auction");
    await me.page.getByLabel("Your bid").fill("1");
    await me.page.getByRole("button", { name: /^Bid / }).click();
    await shot("auction-refused", false);
    await me.page.getByRole("button", { name: /^Use / }).click();
    await me.page.getByRole("button", { name: /^Bid \$/ }).click();
    await shot("auction-leading", false);
    item = (await client.bids.getItem({ id: sextant.id })).item;
    await bid(client, sextant, rivals[0] as string, item?.minimumNextBid ?? 0n, 10n ** 6n).catch(() => undefined);
    await shot("auction-outbid", false);
    await me.page.getByLabel("Your bid").fill("2,000,000");
    await me.page.keyboard.press("Enter");
    await shot("auction-question", false);
    await me.page.goto("/my-bids");
    await shot("my-bids");
    await me.page.goto("/sell");
    await me.page.getByText("Reserve, buy-now and other rules").click();
    await shot("sell");
    await me.page.goto("/bidders");
    await shot("bidders");
    await me.page.goto(`/bidders/${rivals[0]}`);
    await shot("bidder");
    let at = 0;
    await me.page.route(`**${STATUS_PATH}`, (route) => {
      at += 1;
      return route.fulfill({
        json: {
          bids_per_second: 900 + 700 * Math.sin(at / 5) ** 2 + 60 * Math.sin(at * 3),
          outbox_events: 12 + (at % 9),
          outbox_oldest_seconds: 0.021 + 0.01 * Math.sin(at),
          closer_overdue_seconds: 0,
          dead_letters: 2,
          bid_p99_seconds: 0.011 + 0.004 * Math.sin(at) ** 2,
          failed_calls_share: 0,
          version: "0.2.0",
          watchers: 812 + at,
          items_active: 9,
          at: String(at),
        },
      });
    });
    await me.page.clock.install();
    await me.page.goto("/status");
    await expect(me.page.getByText("Bids per second")).toBeVisible();
    for (let second = 0; second < 60; second += 1) {
      await me.page.clock.runFor(1_000);
    }
    await shot("status");
    await me.page.getByRole("button", { name: /You bid as/ }).click();
    await shot("identity", false);
  }
});
