import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { aBid } from "../testing/items";
import { chartOf, scale } from "./chart-shape";

const SIZE = { width: 640, height: 220 };

describe("the scale", () => {
  it.each([
    [2_000n, 5_000n, [2_000n, 3_000n, 4_000n, 5_000n]],
    [1n, 1n, [1n, 2n]],
    [0n, 1n, [0n, 1n]],
    [12_000n, 25_400n, [10_000n, 15_000n, 20_000n, 25_000n, 30_000n]],
  ])("from %d to %d has round ticks", (least, greatest, ticks) => {
    expect(scale(least, greatest).ticks).toEqual(ticks);
  });

  it("has few ticks for the largest amounts", () => {
    const { ticks, top } = scale(1n, 10n ** 15n);
    expect(ticks.length).toBeLessThan(8);
    expect(top).toBeGreaterThanOrEqual(10n ** 15n);
  });
});

describe("the chart", () => {
  const bids = [4n, 3n, 2n].map((seq) =>
    aBid(seq, { amount: seq * 1_000n, createdAt: timestampFromMs(Number(seq) * 10_000) }),
  );

  it("rises in steps from left to right, within its box", () => {
    const { dots } = chartOf(bids, { startMs: 0, startPrice: 1_000n, untilMs: 60_000 }, SIZE, String);
    expect(dots.map((dot) => dot.bid.seq)).toEqual([2n, 3n, 4n]);
    for (const [before, after] of [[dots[0], dots[1]] as const, [dots[1], dots[2]] as const]) {
      expect(after?.x).toBeGreaterThan(before?.x ?? 0);
      expect(after?.y).toBeLessThan(before?.y ?? 0);
    }
    expect(dots.every(({ x, y }) => x >= 0 && x <= SIZE.width && y >= 0 && y <= SIZE.height)).toBe(true);
  });

  it("limits the width of the time before the first bid", () => {
    const { dots } = chartOf(bids, { startMs: -10_000_000, startPrice: 1_000n, untilMs: 60_000 }, SIZE, String);
    expect(dots[0]?.x).toBeLessThan(SIZE.width / 3);
  });

  it("has a scale and no line before the first bid", () => {
    const chart = chartOf([], { startMs: 0, startPrice: 2_000n, untilMs: 60_000 }, SIZE, String);
    expect(chart.line).toBe("");
    expect(chart.lines.length).toBeGreaterThan(1);
  });

  it("has no dots for many bids", () => {
    const many = Array.from({ length: 500 }, (_, index) => aBid(BigInt(501 - index)));
    const chart = chartOf(many, { startMs: 0, startPrice: 2_000n, untilMs: Date.now() }, SIZE, String);
    expect(chart.dots).toEqual([]);
    expect(chart.line).not.toBe("");
  });

  it("leaves its labels room, however long they are", () => {
    const format = (amount: bigint): string => `$${amount.toLocaleString("en")}`;
    for (const amount of [2_000n, 10n ** 15n]) {
      const { left, lines } = chartOf([], { startMs: 0, startPrice: amount, untilMs: 60_000 }, SIZE, format);
      const longest = Math.max(...lines.map(({ label }) => label?.length ?? 0));
      expect(left).toBeGreaterThan(longest * 6);
      expect(left).toBeLessThan(SIZE.width / 3);
    }
  });
});
