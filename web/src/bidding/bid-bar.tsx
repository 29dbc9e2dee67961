import type { Item } from "@gavel/client";
import type { ReactNode } from "react";
import { shownPrice } from "../auction/phase";
import { useCountdown } from "../items/countdown";
import { Price } from "../items/price";
import "./bid-bar.css";

type BidBarProps = { item: Item; position: ReactNode; feedback: ReactNode; children: ReactNode };

/**
 * The button that bids, with the answer to it. On a phone it is a bar at the bottom of the screen, with the price and the
 * time beside the button and the answer above; these repeat what the panel says, so screen readers skip them.
 */
export function BidBar({ item, position, feedback, children }: BidBarProps) {
  const { text, call, isUrgent } = useCountdown(item);
  return (
    <div className="bid-bar">
      {feedback}
      <div className="bid-bar__now" aria-hidden="true">
        <p className="bid-bar__price">
          <Price amount={shownPrice(item)} currency={item.currency} />
        </p>
        <p className={isUrgent ? "bid-bar__time bid-bar__time--urgent" : "bid-bar__time"}>
          {text}
          {(call || position) && <> · {call ?? position}</>}
        </p>
      </div>
      {children}
    </div>
  );
}
