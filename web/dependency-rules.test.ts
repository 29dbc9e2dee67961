import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const DEPCRUISE = resolve(import.meta.dirname, "node_modules/.bin/depcruise");
const CONFIG = resolve(import.meta.dirname, "dependency-cruiser.config.mjs");

/** What the rules say of a page made of these files: "rule: from -> to". */
function violations(files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "gavel-rules-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const options = ["--config", CONFIG, "--output-type", "json", "src"];
    const { stdout } = spawnSync(DEPCRUISE, options, { cwd: folder, encoding: "utf8" });
    const { summary } = JSON.parse(stdout) as {
      summary: { violations: { from: string; to: string; rule: { name: string } }[] };
    };
    return summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the dependency rules", () => {
  it("allow imports from lower layers, and tests to import anything", () => {
    expect(
      violations({
        "src/main.tsx": 'import { App } from "./app"; App();',
        "src/app.tsx": 'import { Page } from "./pages/page"; export const App = () => <Page />;',
        "src/pages/page.tsx":
          'import type { Money } from "../money/money"; import "./page.css"; export const Page = (): Money => 1n;',
        "src/pages/page.css": "",
        "src/money/money.ts": "export type Money = bigint;",
        "src/money/money.test.ts": 'import "../testing/helper";',
        "src/testing/helper.ts": 'import "../app";',
      }),
    ).toEqual([]);
  });

  describe("report", () => {
    let found: string[] = [];
    beforeAll(() => {
      found = violations({
        "src/live/upwards.ts": 'import "../pages/used";',
        "src/bidding/sideways.ts": 'import "../selling/used";',
        "src/shell/root.ts": 'import "../app";',
        "src/ui/type-only.ts": 'import type { Used } from "../items/used"; export type Only = Used;',
        "src/pages/helper.ts": 'import "../testing/used";',
        "src/app.tsx": 'import "./testing/used"; import "./unknown/used";',
        "src/lib/one.ts": 'import { two } from "./two"; export const one = () => two;',
        "src/lib/two.ts": 'import { one } from "./one"; export const two = () => one;',
        "src/history/out.ts": 'import "../shell/used";',
        "src/shell/back.ts": 'import "../history/used";',
        "src/lib/orphan.ts": "export const orphan = 1;",
        "src/lib/unresolved.ts": 'import "./missing";',
        ...Object.fromEntries(
          ["pages", "selling", "items", "testing", "unknown", "history", "shell"].map((folder) => [
            `src/${folder}/used.ts`,
            "export type Used = 1;",
          ]),
        ),
      });
    });

    it.each([
      ["an import from a higher layer", "no-import-upwards: src/live/upwards.ts -> src/pages/used.ts"],
      ["an import from the same layer", "no-import-upwards: src/bidding/sideways.ts -> src/selling/used.ts"],
      ["an import of the root component", "no-import-upwards: src/shell/root.ts -> src/app.tsx"],
      ["an import of a type alone", "no-import-upwards: src/ui/type-only.ts -> src/items/used.ts"],
      ["an import of a test helper", "no-import-upwards: src/pages/helper.ts -> src/testing/used.ts"],
      ["a test helper in the page", "no-test-code-in-the-page: src/app.tsx -> src/testing/used.ts"],
      ["a cycle of modules", "no-cycle: src/lib/one.ts -> src/lib/two.ts"],
      ["a cycle of folders where no module is in one", "no-folder-cycle: src/history -> src/shell"],
      ["a module that nothing uses", "no-orphan: src/lib/orphan.ts -> src/lib/orphan.ts"],
      ["a folder without a layer", "no-folder-without-a-layer: src/app.tsx -> src/unknown/used.ts"],
      ["an import that can't be resolved", "no-unresolvable: src/lib/unresolved.ts -> ./missing"],
    ])("%s", (_, violation) => {
      expect(found).toContain(violation);
    });
  });
});
