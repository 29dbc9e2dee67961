import type { Item } from "@gavel/client";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { explainRefusal } from "../auction/refusal";
import { randomUuid } from "../lib/uuid";
import { useLive } from "../live/live-context";
import { formatMoney } from "../money/money";
import { Dialog } from "../ui/dialog";

/** End the auction at once at the seller's price, after a confirmation. */
export function BuyNow({ item }: { item: Item }) {
  const live = useLive();
  const queries = useQueryClient();
  const [isAsking, setIsAsking] = useState(false);
  const [isBuying, setIsBuying] = useState(false);
  const [problem, setProblem] = useState("");
  const key = useRef("");
  const price = formatMoney(item.buyNowPrice, item.currency);

  const buy = async (): Promise<void> => {
    key.current ||= randomUuid();
    setIsBuying(true);
    try {
      const { userId } = live.session.identity();
      await live.bids.buyNow({ itemId: item.id, userId, idempotencyKey: key.current });
      setProblem("");
    } catch (error) {
      const refusal = explainRefusal(error);
      setProblem(refusal.text);
      key.current = refusal.next === "retry" ? key.current : "";
      live.refresh(item.id).catch(() => undefined);
    }
    setIsBuying(false);
    setIsAsking(false);
    void queries.invalidateQueries({ refetchType: "active" });
  };

  return (
    <div className="buy-now">
      <button type="button" className="button button--wide" onClick={() => setIsAsking(true)}>
        {`Buy now for ${price}`}
      </button>
      {problem && (
        <p className="message message--alarm" role="alert">
          {problem}
        </p>
      )}
      {isAsking && (
        <Dialog title={`Buy it for ${price}?`} onClose={() => setIsAsking(false)}>
          <p>The auction ends at once and the item is yours. This can't be undone.</p>
          <div className="dialog__actions">
            <button type="button" className="button button--bare" onClick={() => setIsAsking(false)}>
              Cancel
            </button>
            <button type="button" className="button button--primary" disabled={isBuying} onClick={() => void buy()}>
              {`Buy for ${price}`}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
