import type { Page } from "@playwright/test";

/** Load all older bids on the page. Returns the amounts of all bids, newest first. */
export function wholeHistory(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const shown = (): string[] => Array.from(document.querySelectorAll(".history__amount"), (each) => each.textContent);
    const older = (): HTMLElement | undefined =>
      Array.from(document.querySelectorAll("button")).find((each) => each.textContent === "Show older bids");
    // Click again if a read failed. During a read the button is disabled.
    for (let button = older(); button; button = older()) {
      button.click();
      await new Promise((done) => setTimeout(done, 20));
    }
    return shown();
  });
}
