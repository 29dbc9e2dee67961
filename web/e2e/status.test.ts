import { STATUS_PATH } from "../src/pages/status-data";
import { expect, test } from "./fixtures";

/** What the promise of 3 s may take on a machine that is busy with all else. */
const NOTICED_MS_MAX = 10_000;

test("the status has its age, turns grey when the server freezes, and comes back", async ({ person }) => {
  const ada = await person();
  await expect(ada.page.getByRole("link", { name: "Status" })).toHaveCount(0);
  await ada.page.goto("/status");
  await expect(ada.page.getByText(/^as of \d\d:\d\d:\d\d$/)).toBeVisible();
  await expect(ada.page.getByText("All systems normal")).toBeVisible();
  await expect(ada.page.getByText(/^Gavel \d/)).toBeVisible();

  // A server that takes the request and never answers.
  await ada.page.route(`**${STATUS_PATH}`, () => undefined);
  const notCurrent = ada.page.getByText("Not current: the server does not answer");
  await expect(notCurrent).toBeVisible({ timeout: NOTICED_MS_MAX });
  await expect(ada.page.getByText("All systems normal")).toHaveCount(0);
  await expect(ada.page.getByText(/^as of .*, \d+ s ago$/)).toBeVisible();

  await ada.page.unroute(`**${STATUS_PATH}`);
  await expect(notCurrent).toBeHidden();
  await expect(ada.page.getByText("All systems normal")).toBeVisible();
});
