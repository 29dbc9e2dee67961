import "./e2e/direct";
import { defineConfig } from "@playwright/test";
import { chromium } from "./e2e/chromium";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.shots.ts",
  timeout: 180_000,
  workers: 1,
  reporter: "list",
  use: { launchOptions: chromium },
});
