import { defineConfig } from "@playwright/test";
import { chromium } from "./e2e/chromium";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.test.ts",
  // Whatever passes takes no longer for it.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  // One Gavel and one browser: two processors are shared with everything else that runs.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: "list",
  use: { launchOptions: chromium, trace: "retain-on-failure" },
});
