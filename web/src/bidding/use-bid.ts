import type { Item } from "@gavel/client";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { explainRefusal, type Refusal } from "../auction/refusal";
import { randomUuid } from "../lib/uuid";
import { useLive } from "../live/live-context";
import { formatMoney } from "../money/money";
import type { Bid } from "./bid-draft";

export type BidResult =
  | { readonly kind: "accepted"; readonly text: string; readonly leading: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** An attempt keeps its idempotency key until its outcome is known, so that a retry can't bid twice. */
type Attempt = Bid & { readonly key: string };

/** How often a bid up to a maximum is raised within it. The last raise is to the maximum itself. */
const RAISES_MAX = 3;

/** Place bids on one item, one at a time. */
export function useBid(item: Item) {
  const live = useLive();
  const queries = useQueryClient();
  const attempt = useRef<Attempt | null>(null);
  const [isPlacing, setIsPlacing] = useState(false);
  const [result, setResult] = useState<BidResult | null>(null);

  /** Send a bid. One that is too low by now is raised within its maximum, as often as `raises`. */
  const place = useCallback(
    async (bid: Bid, raises = 0): Promise<BidResult> => {
      const again = attempt.current;
      const isRetry = again?.amount === bid.amount && again.maxAmount === bid.maxAmount;
      attempt.current = isRetry ? again : { ...bid, key: randomUuid() };
      setIsPlacing(true);
      let sent = await send(live, item, attempt.current);
      for (let left = raises; left > 0; left -= 1) {
        const least = sent.kind === "refused" ? sent.refusal.leastAmount : undefined;
        if (least === undefined || least > bid.maxAmount) {
          break;
        }
        attempt.current = { ...bid, amount: left === 1 ? bid.maxAmount : least, key: randomUuid() };
        sent = await send(live, item, attempt.current);
      }
      if (sent.kind === "accepted" || sent.refusal.next !== "retry") {
        attempt.current = null;
      }
      const refreshing = live.refresh(item.id).catch(() => undefined);
      if (sent.kind === "refused" && sent.refusal.leastAmount !== undefined) {
        // The answer to a bid that is too low depends on how fast the price moves.
        await refreshing;
      }
      setIsPlacing(false);
      setResult(sent);
      void queries.invalidateQueries({ refetchType: "active" });
      return sent;
    },
    [live, queries, item],
  );
  /** Bid as little as possible, up to a maximum, however the price moves meanwhile. */
  const placeUpTo = useCallback(
    (maxAmount: bigint) => {
      const { minimumNextBid } = live.items.get(item.id) ?? item;
      const amount = minimumNextBid < maxAmount ? minimumNextBid : maxAmount;
      return place({ amount, maxAmount }, RAISES_MAX);
    },
    [live, place, item],
  );
  /** Send the attempt whose outcome is unknown again: the same bid with the same key, whatever the price is now. */
  const retry = useCallback(() => {
    const bid = attempt.current;
    return bid ? { bid, sending: place(bid) } : null;
  }, [place]);
  const clearResult = useCallback(() => setResult(null), []);
  return { place, placeUpTo, retry, isPlacing, result, clearResult };
}

async function send(
  live: ReturnType<typeof useLive>,
  item: Item,
  { amount, maxAmount, key }: Attempt,
): Promise<BidResult> {
  const { userId } = live.session.identity();
  try {
    const placed = await live.bids.placeBid({ itemId: item.id, userId, amount, maxAmount, idempotencyKey: key });
    const text = placed.leading
      ? `You lead${maxAmount > 0n ? `, and Gavel bids for you up to ${formatMoney(maxAmount, item.currency)}` : ""}.`
      : "Your bid was accepted, but another bidder's maximum is higher. Bid again to take the lead.";
    return { kind: "accepted", text, leading: placed.leading };
  } catch (error) {
    return { kind: "refused", refusal: explainRefusal(error) };
  }
}
