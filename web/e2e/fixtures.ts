import { createGavelClient, type GavelClient } from "@gavel/client";
import { test as base, expect, type Page } from "@playwright/test";
import { GavelProcess } from "./gavel-process";

export { expect };

type Worker = { gavel: GavelProcess; client: GavelClient };
type Each = { person: (options?: PersonOptions) => Promise<Person> };

export type PersonOptions = { dark?: boolean; width?: number; height?: number; motion?: boolean };

/** A user with a browser context, and so an identity, of their own. */
export type Person = { page: Page; userId: string };

export const test = base.extend<Each, Worker>({
  gavel: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright requires the pattern
    async ({}, use) => {
      const gavel = await GavelProcess.begin();
      await use(gavel);
      await gavel.end();
    },
    { scope: "worker", timeout: 240_000 },
  ],
  client: [
    async ({ gavel }, use) => {
      await use(createGavelClient(gavel.url));
    },
    { scope: "worker" },
  ],
  person: async ({ browser, gavel }, use) => {
    const contexts: { close(): Promise<void> }[] = [];
    const problems: string[] = [];
    await use(async ({ dark = false, width = 1280, height = 800, motion = false } = {}) => {
      const context = await browser.newContext({
        baseURL: gavel.url,
        colorScheme: dark ? "dark" : "light",
        viewport: { width, height },
        reducedMotion: motion ? "no-preference" : "reduce",
      });
      contexts.push(context);
      const page = await context.newPage();
      page.on("pageerror", (error) => problems.push(String(error)));
      await page.goto("/my-bids");
      await page.getByRole("heading", { name: "My bids" }).waitFor();
      const kept = await page.evaluate(() => localStorage.getItem("gavel.identity"));
      return { page, userId: JSON.parse(kept ?? "{}").userId };
    });
    await Promise.all(contexts.map((context) => context.close()));
    expect(problems, "no script error on any page").toEqual([]);
  },
});
