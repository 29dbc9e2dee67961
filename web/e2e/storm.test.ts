import { randomUUID } from "node:crypto";
import { ItemStatus } from "@gavel/client";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { bid, bidderNamed, list } from "./items";
import { bidButton, panel } from "./panel";
import { beginStorm } from "./storm";

// A server of its own: here the item of each test is the one that ends next.
test.use({ trace: "off" });

test("in a storm of 20 bids a second every digit of the price is readable in every frame", async ({
  client,
  person,
}) => {
  const item = await list(client, { title: "Readable" });
  const { page } = await person({ motion: true });
  await page.goto(`/items/${item.id}`);
  const storm = beginStorm(client, item);
  await expect(panel(page).getByText(/^\d+ bids$/)).toBeVisible();
  const frames = await page.evaluate(async () => {
    const seen: { text: string; faded: number; moved: number }[] = [];
    for (let frame = 0; frame < 120; frame += 1) {
      await new Promise(requestAnimationFrame);
      const price = document.querySelector(".bid-panel .price") as HTMLElement;
      const box = price.getBoundingClientRect();
      const parts = [price, ...price.querySelectorAll("*")].filter((each) => !each.matches(".visually-hidden, wbr"));
      seen.push({
        text: price.innerText.replace(/\s/g, ""),
        faded: parts.filter((each) => Number(getComputedStyle(each).opacity) < 1).length,
        moved: parts.filter((each) => {
          const { top, bottom } = each.getBoundingClientRect();
          return getComputedStyle(each).transform !== "none" || top < box.top - 1 || bottom > box.bottom + 1;
        }).length,
      });
    }
    return seen;
  });
  await storm.stop();
  expect(new Set(frames.map(({ text }) => text)).size, "the price changed").toBeGreaterThan(5);
  expect(frames.filter(({ text }) => !/^\$[\d,]+\.\d\d$/.test(text))).toEqual([]);
  expect(frames.filter(({ faded, moved }) => faded + moved > 0)).toEqual([]);
});

test("with reduced motion nothing moves in a storm", async ({ client, person }) => {
  const item = await list(client, { title: "Still" });
  const { page } = await person({ width: 390, height: 844 });
  await page.goto(`/items/${item.id}`);
  await expect(bidButton(page)).toBeVisible();
  const storm = beginStorm(client, item);
  await expect(panel(page).getByText(/^\d+ bids$/)).toBeVisible();
  const animations = await page.evaluate(async () => {
    const names = new Set<string>();
    for (let frame = 0; frame < 60; frame += 1) {
      await new Promise(requestAnimationFrame);
      for (const each of document.getAnimations()) {
        names.add(each instanceof CSSAnimation ? each.animationName : "transition");
      }
    }
    return [...names];
  });
  await storm.stop();
  expect(animations).toEqual([]);
});

/** Record every change of the positions, frame by frame, until the form is gone. */
function recordPositions(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const places: string[] = [];
    for (;;) {
      const parts = [
        ".bid-panel [type=submit]",
        ".bid-panel .money-input",
        ".bid-bar__now",
        ".bid-form__more, .bid-form__idle",
      ];
      const elements = parts.map((selector) => document.querySelector(selector));
      if (!elements[0]) {
        return places;
      }
      const boxes = elements.map((each) => {
        const { x, y, width, height } = each?.getBoundingClientRect() ?? new DOMRect();
        const isInSight = each?.matches("[type=submit], .bid-bar__now") ? y >= 0 && y + height <= innerHeight : true;
        return [x, y, width, height].map(Math.round).join(" ") + (isInSight ? "" : " out of sight");
      });
      const place = boxes.join(" | ");
      if (places.at(-1) !== place) {
        places.push(place);
      }
      await new Promise(requestAnimationFrame);
    }
  });
}

test("in the last minute nothing on a phone moves, and price, time and button stay in sight", async ({
  client,
  person,
}) => {
  const persons = await Promise.all([320, 360, 390].map((width) => person({ width, height: 700 })));
  const item = await list(client, {
    title: "Going, going",
    endsInSeconds: 66,
    reservePrice: 20_000n,
    startPrice: 9_000n,
  });
  const recorded = persons.map(async ({ page, userId }) => {
    await page.goto(`/items/${item.id}`);
    await page.evaluate(() => document.fonts.ready.then(() => true));
    await bidButton(page).waitFor();
    // Not at the top of the page: the field is in sight.
    await panel(page).getByLabel("Your bid").scrollIntoViewIfNeeded();
    await expect(panel(page).locator(".bid-panel__time .countdown")).toHaveText(/0:\d\d/);
    return { userId, places: await recordPositions(page) };
  });
  // Meanwhile others bid, with names and amounts of every length, and the reserve is met.
  for (const [name, amount] of [
    ["Crimson Gazelle", 9_500n],
    ["Iron Elk", 99_900n],
    ["Scarlet Sparrow", 1_234_500n],
    ["Copper Jaguar", 120_000_000n],
  ] as const) {
    await bid(client, item, bidderNamed(name), amount);
    await expect(panel(persons[0]?.page as Page).getByText(`${name} leads`)).toBeVisible();
  }
  for (const call of ["Going once", "Going twice"]) {
    await expect(panel(persons[0]?.page as Page).locator(".bid-panel__call")).toHaveText(call);
  }
  for (const each of await Promise.all(recorded)) {
    expect(each.places).toHaveLength(1);
    expect(each.places[0]).not.toContain("out of sight");
  }
});

/** The texts of elements that are broken inside a group of digits, or wider than their column. */
function brokenAmounts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const broken: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.textContent ?? "";
      for (const group of text.matchAll(/[\d.]{2,}/g)) {
        const range = document.createRange();
        range.setStart(node, group.index);
        range.setEnd(node, group.index + group[0].length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (lines.size > 1 && !node.parentElement?.closest("h1, h2, h3, .visually-hidden")) {
          broken.push(text);
        }
      }
    }
    return broken;
  });
}

const LARGE = 10n ** 14n;

for (const [width, rootFont] of [
  [320, "100%"],
  [390, "100%"],
  [1280, "100%"],
  [390, "200%"],
  [1280, "200%"],
] as const) {
  test(`at ${width} pixels and a root font of ${rootFont} long prices, titles and categories fit`, async ({
    client,
    person,
  }) => {
    const [leader, rival] = [bidderNamed("Crimson Gazelle"), bidderNamed("Scarlet Sparrow")];
    const title = "Donaudampfschifffahrtsgesellschaft".repeat(6).slice(0, 200);
    const category = "antiquariatsgegenstaende".repeat(3).slice(0, 64);
    const item = await list(client, { title, category, startPrice: LARGE, endsInSeconds: 600 });
    await bid(client, item, leader, LARGE, LARGE * 9n);
    await bid(client, item, rival, LARGE + 10_000n);
    const { page } = await person({ width, height: 844 });
    for (const path of [`/items/${item.id}`, "/", `/?category=${category}`, "/bidders"]) {
      await page.goto(path);
      await page.evaluate((size) => {
        document.documentElement.style.fontSize = size;
        return document.fonts.ready.then(() => true);
      }, rootFont);
      await expect(page.getByText("$1,000,000,000,", { exact: false }).first()).toBeAttached();
      await expect
        .poll(() => page.evaluate(() => document.documentElement.scrollWidth), path)
        .toBeLessThanOrEqual(width);
      await expect.poll(() => brokenAmounts(page), path).toEqual([]);
    }
    await page.goto(`/items/${item.id}`);
    await page.evaluate((size) => {
      document.documentElement.style.fontSize = size;
    }, rootFont);
    await expect(page.locator(".history__who").getByText("Scarlet Sparrow").first()).toBeVisible();
    // Names stay whole, and the labels of the chart lie inside it.
    const cut = await page.evaluate(() => {
      const names = [...document.querySelectorAll(".history__who .bidder, .leaderboard .bidder")];
      const squeezed = names.filter(
        (each) => each.getBoundingClientRect().height > 3.2 * parseFloat(getComputedStyle(each).fontSize),
      );
      const chart = document.querySelector(".chart svg")?.getBoundingClientRect() ?? new DOMRect();
      const labels = [...document.querySelectorAll(".chart__text")].filter(
        (each) => each.getBoundingClientRect().left < chart.left - 1,
      );
      return [...squeezed, ...labels].map(({ textContent }) => textContent);
    });
    expect(cut).toEqual([]);
  });
}

/** A second on a quiet machine. A page that polls instead takes ten times as long. */
const SOON = { timeout: 4_000 };

test("hero, list and leaderboard agree, an ended item leaves the hero at once, and a new one appears", async ({
  client,
  person,
}) => {
  const first = await list(client, { title: "First to end", endsInSeconds: 14 });
  const second = await list(client, { title: "Second to end", endsInSeconds: 100 });
  const { page } = await person();
  await page.goto("/");
  const hero = page.locator(".hero__item");
  const firstCard = page.locator(".item-card").first();
  await expect(hero.getByRole("heading")).toHaveText("First to end");
  await bid(client, first, randomUUID(), 2_500n);
  for (const place of [hero, firstCard]) {
    await expect(place.getByText("$25.00").first()).toBeVisible(SOON);
  }
  // By the server's clock, which is this machine's.
  const endMs = Number(first.endAt?.seconds ?? 0n) * 1_000 + (first.endAt?.nanos ?? 0) / 1e6;
  await expect(hero.getByRole("heading")).not.toHaveText("First to end");
  expect(Date.now() - endMs).toBeLessThan(SOON.timeout);
  // What another test has listed may end before it.
  await expect(hero.getByRole("heading")).toHaveText("Second to end", { timeout: 60_000 });
  await expect(firstCard.getByRole("heading")).toHaveText("Second to end", SOON);

  const third = await list(client, { title: "New and next", endsInSeconds: 60 });
  await expect(hero.getByRole("heading")).toHaveText("New and next", SOON);
  await expect(firstCard.getByRole("heading")).toHaveText("New and next", SOON);
  // A late bid moves its end past the second's: the list and the hero follow.
  await page.goto(`/items/${second.id}`);
  await expect(page.getByRole("heading", { name: "Leaderboard" })).toBeVisible();
  const storm = beginStorm(client, second);
  await expect.poll(storm.bids).toBeGreaterThan(20);
  await storm.stop();
  const { item: last } = await client.bids.getItem({ id: second.id });
  const price = `$${(Number(last?.currentHighestBid) / 100).toFixed(2)}`;
  await expect(page.locator(".leaderboard__amount").first()).toHaveText(price, SOON);
  expect((await client.bids.getItem({ id: third.id })).item?.status).toBe(ItemStatus.ACTIVE);
});
