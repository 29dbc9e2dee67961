import type { Item } from "@gavel/client";
import { Link } from "wouter";
import { isLedBy, shownPrice } from "../bidding/phase";
import { useIdentity, useItem } from "../live/live-context";
import { Countdown, usePhase } from "./countdown";
import { LotPicture } from "./lot-picture";
import { Price } from "./price";
import { StandingTag } from "./standing";
import "./lot-card.css";

/** One auction in a list, live. */
export function LotCard({ listed, hasBid }: { listed: Item; hasBid: boolean }) {
  const item = useItem(listed.id) ?? listed;
  const phase = usePhase(item);
  const { userId } = useIdentity();
  const bids = Number(item.bidCount);
  return (
    <article className="lot-card">
      <div className="lot-card__art">
        <LotPicture src={item.images[0]} title={item.title} category={item.category} />
        <span className="lot-card__clock">
          <Countdown item={item} />
        </span>
      </div>
      <div className="lot-card__body">
        <h3 className="lot-card__title">
          <Link href={`/items/${item.id}`}>{item.title}</Link>
        </h3>
        <div className="lot-card__foot">
          <div>
            <p className="label">{priceLabel(phase, bids)}</p>
            <p className="lot-card__price">
              <Price amount={shownPrice(item)} currency={item.currency} />
            </p>
          </div>
          <div className="lot-card__side">
            {(hasBid || isLedBy(item, userId)) && <StandingTag item={item} userId={userId} />}
            <span className="label numbers">{bids === 1 ? "1 bid" : `${bids} bids`}</span>
          </div>
        </div>
      </div>
    </article>
  );
}

export function priceLabel(phase: ReturnType<typeof usePhase>, bids: number): string {
  if (phase === "sold") {
    return "Sold for";
  }
  if (bids === 0) {
    return "Starts at";
  }
  return phase === "open" || phase === "closing" ? "Current bid" : "Last bid";
}
