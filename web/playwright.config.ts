import "./e2e/direct";
import { defineConfig } from "@playwright/test";
import { chromium } from "./e2e/chromium";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.test.ts",
  // Generous for slow machines. A test that passes takes no longer.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  // One server and one browser: CI has two cores.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: "list",
  use: { launchOptions: chromium, trace: "retain-on-failure" },
});
