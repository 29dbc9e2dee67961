import type { Page } from "@playwright/test";

/** The amounts of every bid that the page lists, newest first, the older ones asked for until there are none. */
export function wholeHistory(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const shown = (): string[] => Array.from(document.querySelectorAll(".history__amount"), (each) => each.textContent);
    const older = (): HTMLElement | undefined =>
      Array.from(document.querySelectorAll("button")).find((each) => each.textContent === "Show older bids");
    // Pressed again where an answer did not come; while one is on its way the button takes no press.
    for (let button = older(); button; button = older()) {
      button.click();
      await new Promise((done) => setTimeout(done, 20));
    }
    return shown();
  });
}
