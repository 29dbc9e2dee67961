import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Bid, Item } from "@gavel/client";
import { useEffect, useRef, useState } from "react";
import { endMs, startMs } from "../auction/phase";
import { useIdentity } from "../live/live-context";
import { useServerTime } from "../live/use-clock";
import { formatMoney } from "../money/money";
import { localClock, localTime } from "../ui/local-time";
import { type ChartSize, chartOf } from "./chart-shape";
import "./price-chart.css";

const HEIGHT = 220;
/** The two times below the chart need this much. */
const TIMES_WIDTH = 240;
const DAY_MS = 86_400_000;

/** The price over time, as a step line. */
export function PriceChart({ item, bids }: { item: Item; bids: readonly Bid[] }) {
  const { userId } = useIdentity();
  const [box, width] = useWidth();
  const size: ChartSize = { width, height: HEIGHT };
  const untilMs = useServerTime((nowMs) => Math.min(nowMs === null ? 0 : Math.floor(nowMs / 1000) * 1000, endMs(item)));
  const isWhole = BigInt(bids.length) >= item.bidCount;
  const format = (minor: bigint): string => formatMoney(minor, item.currency);
  const span = { startMs: isWhole ? startMs(item) : 0, startPrice: item.startPrice, untilMs };
  const chart = chartOf(bids, span, size, (minor) => format(minor).replace(/\.0+$/, ""));
  const first = bids.at(-1);
  const newest = bids[0];
  const time = chart.untilMs - chart.fromMs > DAY_MS ? localTime : localClock;
  return (
    <figure className="chart" ref={box}>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        height={HEIGHT}
        role="img"
        aria-label={
          first && newest
            ? `The price rose from ${format(first.amount)} to ${format(newest.amount)} in ${bids.length} bids. The bids are listed below.`
            : `No bids yet; the price starts at ${format(item.startPrice)}.`
        }
      >
        {chart.lines.map((line) => (
          <g key={line.y}>
            <line className="chart__rule" x1={chart.left} x2={width} y1={line.y} y2={line.y} />
            <text className="chart__text" x={chart.left - 8} y={line.y + 4} textAnchor="end">
              {line.label}
            </text>
          </g>
        ))}
        {bids.length > 0 && (
          <>
            <path className="chart__area" d={chart.area} />
            <path className="chart__line" d={chart.line} />
          </>
        )}
        {chart.dots.map(({ bid, x, y }) => (
          <circle
            key={String(bid.seq)}
            className={`chart__dot${bid.userId === userId ? " chart__dot--mine" : ""}${bid.automatic ? " chart__dot--automatic" : ""}`}
            cx={x}
            cy={y}
            r={bid.userId === userId ? 5 : 3.5}
          >
            <title>{`${format(bid.amount)} at ${bid.createdAt ? localClock(timestampMs(bid.createdAt)) : ""}`}</title>
          </circle>
        ))}
        <text className="chart__text" x={Math.min(chart.left, width - TIMES_WIDTH)} y={HEIGHT - 4}>
          {time(chart.fromMs)}
        </text>
        <text className="chart__text" x={width} y={HEIGHT - 4} textAnchor="end">
          {time(chart.untilMs)}
        </text>
      </svg>
      <figcaption className="small muted">
        <span className="chart__key chart__key--bid" /> bid <span className="chart__key chart__key--automatic" />{" "}
        automatic bid <span className="chart__key chart__key--mine" /> yours
      </figcaption>
    </figure>
  );
}

function useWidth() {
  const box = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    if (!box.current || typeof ResizeObserver === "undefined") {
      return;
    }
    const observer = new ResizeObserver(
      ([entry]) => entry && setWidth(Math.max(260, Math.round(entry.contentRect.width))),
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
