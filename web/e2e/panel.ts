import type { Locator, Page } from "@playwright/test";

/** The panel that bids. */
export function panel(page: Page): Locator {
  return page.getByRole("region", { name: "Bidding" });
}

/** The button that bids, whatever it says. */
export function bidButton(page: Page): Locator {
  return panel(page).locator("button[type=submit]");
}

/** Press the bid button with this text, once it has stood there long enough to be sent without a question. */
export async function pressBid(page: Page, text: string): Promise<void> {
  await panel(page).locator("button[type=submit][data-settled=true]", { hasText: text }).click();
}

/** Where the bid button, the amount field and what follows the panel are: on the screen if fixed there, else on the page. */
export function positions(page: Page): Promise<Record<string, number[]>> {
  return page.evaluate(() => {
    const places = { button: ".bid-panel [type=submit]", field: ".bid-panel .money-input", below: ".auction__more" };
    return Object.fromEntries(
      Object.entries(places).map(([name, selector]) => {
        const element = document.querySelector(selector);
        const box = element?.getBoundingClientRect() ?? new DOMRect();
        const bar = element?.parentElement;
        const scrolled = bar && getComputedStyle(bar).position === "fixed" ? 0 : window.scrollY;
        return [name, [box.left, box.top + scrolled, box.width, name === "below" ? 0 : box.height].map(Math.round)];
      }),
    );
  });
}
