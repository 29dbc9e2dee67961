import { defineConfig } from "@playwright/test";
import { chromium } from "./e2e/chromium";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.test.ts",
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // One Gavel and one browser: two processors are shared with everything else that runs.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: "list",
  use: { launchOptions: chromium, trace: "retain-on-failure" },
});
