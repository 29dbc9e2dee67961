import type { Item } from "@gavel/client";
import { useEffect, useRef } from "react";

const RECENT_MS = 3_000;
/** A shorter time says too little of the pace. */
const OBSERVED_MS_MIN = 500;
/** So few bids make no pace. */
const CALM_BIDS_MAX = 2;

/** A function that returns how many bids the item gets in three seconds, at the pace of the last ones; 0 if it is calm. */
export function useRecentBids(item: Item): (newest: Item) => bigint {
  const seen = useRef<readonly { readonly atMs: number; readonly bidCount: bigint }[]>([]);
  useEffect(() => {
    const nowMs = performance.now();
    const recent = seen.current.filter(({ atMs }) => nowMs - atMs < RECENT_MS);
    seen.current = [...recent, { atMs: nowMs, bidCount: item.bidCount }];
  }, [item.bidCount]);
  return (newest) => {
    const nowMs = performance.now();
    const oldest = seen.current.find(({ atMs }) => nowMs - atMs < RECENT_MS);
    const bids = oldest ? Number(newest.bidCount - oldest.bidCount) : 0;
    if (!oldest || bids <= CALM_BIDS_MAX) {
      return 0n;
    }
    return BigInt(Math.round((bids * RECENT_MS) / Math.max(OBSERVED_MS_MIN, nowMs - oldest.atMs)));
  };
}
