import react from "@vitejs/plugin-react";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// The API for `npm run dev` and `vite preview`. In production Gavel serves the page itself.
const gavel = { target: process.env.GAVEL_URL ?? "http://127.0.0.1:8080" };
const proxy = Object.fromEntries(
  // The services, and the small files that the API serves for the page.
  ["/bids.v1.BidService", "/userstats.v1.UserStatsService", "^/\\w+\\.json$"].map((path) => [path, gavel]),
);

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ["gavel-source", ...defaultClientConditions] },
  // Tests in the node environment resolve packages as a server does.
  ssr: { resolve: { conditions: ["gavel-source", ...defaultServerConditions] } },
  // Inline nothing: the page's policy is `default-src 'self'`.
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // One file: about 160 kB compressed.
    chunkSizeWarningLimit: 700,
  },
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
  test: {
    restoreMocks: true,
    // CI has two cores.
    maxWorkers: 2,
    // The first test of a file compiles the whole page.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["*.test.ts", "src/**/*.test.ts", "packages/*/src/**/*.test.ts"],
          environment: "node",
        },
      },
      {
        extends: true,
        test: {
          name: "components",
          include: ["src/**/*.test.tsx"],
          environment: "jsdom",
          setupFiles: ["src/testing/setup.ts"],
        },
      },
    ],
  },
});
