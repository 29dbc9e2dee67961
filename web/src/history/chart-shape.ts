import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Bid } from "@gavel/client";

export type ChartSize = { readonly width: number; readonly height: number };
export type ChartSpan = { readonly startMs: number; readonly startPrice: bigint; readonly untilMs: number };

const MARGIN = { right: 8, top: 12, bottom: 26 };
/** The width of a character of an axis label, and the room beside the longest. */
const LABEL = { character: 7, room: 14 };
const LINES = 4;
/** With more dots the chart shows only the line. */
const DOTS_MAX = 120;
/** The most of the width that the time before the first bid takes. */
const LEAD_SHARE_MAX = 0.15;

/**
 * The SVG paths of a bid history in a box of this size, with the axis labels that `format` makes. Only here are amounts
 * converted to floats.
 */
export function chartOf(
  bids: readonly Bid[],
  span: ChartSpan,
  { width, height }: ChartSize,
  format: (amount: bigint) => string,
) {
  const oldestFirst = [...bids].reverse();
  const times = oldestFirst.map((bid) => (bid.createdAt ? timestampMs(bid.createdAt) : 0));
  const firstMs = times[0] ?? span.startMs;
  const untilMs = Math.max(span.untilMs, (times.at(-1) ?? firstMs) + 1_000);
  const leadMs = Math.max(
    0,
    Math.min(firstMs - span.startMs, ((untilMs - firstMs) * LEAD_SHARE_MAX) / (1 - LEAD_SHARE_MAX)),
  );
  const fromMs = firstMs - leadMs;
  const floor = min(span.startPrice, oldestFirst[0]?.amount);
  const { ticks, top } = scale(
    bids.length > DOTS_MAX ? (oldestFirst[0]?.amount ?? floor) : floor,
    bids[0]?.amount ?? span.startPrice * 2n,
  );
  const bottom = ticks[0] ?? 0n;

  const labels = ticks.map(format);
  const left = Math.max(...labels.map(({ length }) => length)) * LABEL.character + LABEL.room;
  const inner = { width: width - left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const x = (ms: number): number => round(left + ((ms - fromMs) / Math.max(1, untilMs - fromMs)) * inner.width);
  const y = (amount: bigint): number =>
    round(MARGIN.top + inner.height * (1 - Number(amount - bottom) / Number(top - bottom || 1n)));

  const dots = oldestFirst.map((bid, index) => ({ bid, x: x(times[index] ?? fromMs), y: y(bid.amount) }));
  const start = dots[0];
  const steps = dots.map((dot, index) => (index === 0 ? `M${dot.x} ${dot.y}` : `H${dot.x}V${dot.y}`)).join("");
  const line = start ? `${steps}H${x(untilMs)}` : "";
  const ground = MARGIN.top + inner.height;
  return {
    left,
    fromMs,
    untilMs,
    line,
    area: start ? `${line}V${ground}H${start.x}Z` : "",
    dots: dots.length > DOTS_MAX ? [] : dots,
    lines: ticks.map((amount, index) => ({ label: labels[index], y: y(amount) })),
  };
}

/** Axis ticks that include both amounts, in steps of 1, 2 or 5 times a power of ten. */
export function scale(least: bigint, greatest: bigint): { ticks: bigint[]; top: bigint } {
  const range = greatest > least ? greatest - least : 1n;
  const raw = range / BigInt(LINES - 1) || 1n;
  const power = 10n ** BigInt(String(raw).length - 1);
  const step = [1n, 2n, 5n, 10n].map((factor) => factor * power).find((each) => each >= raw) ?? power * 10n;
  const bottom = (least / step) * step;
  const ticks: bigint[] = [];
  for (let tick = bottom; ticks.length < 2 || (ticks.at(-1) ?? 0n) < greatest; tick += step) {
    ticks.push(tick);
  }
  return { ticks, top: ticks.at(-1) ?? greatest };
}

function min(amount: bigint, other: bigint | undefined): bigint {
  return other !== undefined && other < amount ? other : amount;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
