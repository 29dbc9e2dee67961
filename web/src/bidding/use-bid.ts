import type { Item } from "@gavel/client";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { randomUuid } from "../lib/uuid";
import { useLive } from "../live/live-context";
import { formatMoney } from "../money/money";
import type { Bid } from "./bid-draft";
import { explainRefusal, type Refusal } from "./refusal";

export type BidAnswer =
  | { readonly kind: "accepted"; readonly text: string; readonly leading: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** An attempt keeps its key until it is answered for certain, so that a retry can't bid twice. */
type Attempt = Bid & { readonly key: string };

/** Placing bids on one item, one at a time. */
export function useBid(item: Item) {
  const live = useLive();
  const queries = useQueryClient();
  const attempt = useRef<Attempt | null>(null);
  const [isPlacing, setIsPlacing] = useState(false);
  const [answer, setAnswer] = useState<BidAnswer | null>(null);

  const place = useCallback(
    async (bid: Bid): Promise<BidAnswer> => {
      const again = attempt.current;
      const isRetry = again?.amount === bid.amount && again.maxAmount === bid.maxAmount;
      const key = isRetry ? again.key : randomUuid();
      attempt.current = { ...bid, key };
      setIsPlacing(true);
      const answered = await send(live, item, { ...bid, key });
      if (answered.kind === "accepted" || answered.refusal.next !== "retry") {
        attempt.current = null;
      }
      setIsPlacing(false);
      setAnswer(answered);
      live.refresh(item.id).catch(() => undefined);
      void queries.invalidateQueries({ refetchType: "active" });
      return answered;
    },
    [live, queries, item],
  );
  /** What was not answered for certain, once more with its key: the same bid, whatever has become of the price. */
  const retry = useCallback(async () => (attempt.current ? place(attempt.current) : null), [place]);
  const forget = useCallback(() => setAnswer(null), []);
  return { place, retry, isPlacing, answer, forget };
}

async function send(
  live: ReturnType<typeof useLive>,
  item: Item,
  { amount, maxAmount, key }: Attempt,
): Promise<BidAnswer> {
  const { userId } = live.session.identity();
  try {
    const placed = await live.bids.placeBid({ itemId: item.id, userId, amount, maxAmount, idempotencyKey: key });
    const text = placed.leading
      ? `You lead${maxAmount > 0n ? `, and Gavel bids for you up to ${formatMoney(maxAmount, item.currency)}` : ""}.`
      : "Accepted, but another bidder's maximum answered at once and leads. Bid again to take the lead.";
    return { kind: "accepted", text, leading: placed.leading };
  } catch (error) {
    return { kind: "refused", refusal: explainRefusal(error) };
  }
}
