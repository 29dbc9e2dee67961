import type { Item } from "@gavel/client";
import { Link } from "wouter";
import { isLedBy, shownPrice } from "../auction/phase";
import { useIdentity, useItem } from "../live/live-context";
import { Countdown, usePhase } from "./countdown";
import { ItemPicture } from "./item-picture";
import { PositionTag } from "./position-tag";
import { Price } from "./price";
import "./item-card.css";

/** One item in a list, with its live price. */
export function ItemCard({ listed, hasBid }: { listed: Item; hasBid: boolean }) {
  const item = useItem(listed.id) ?? listed;
  const phase = usePhase(item);
  const { userId } = useIdentity();
  const bids = Number(item.bidCount);
  return (
    <article className="item-card">
      <div className="item-card__art">
        <ItemPicture src={item.images[0]} title={item.title} category={item.category} />
        <span className="item-card__clock">
          <Countdown item={item} />
        </span>
      </div>
      <div className="item-card__body">
        <h3 className="item-card__title">
          <Link href={`/items/${item.id}`}>{item.title}</Link>
        </h3>
        <div className="item-card__foot">
          <div>
            <p className="label">{priceLabel(phase, bids)}</p>
            <p className="item-card__price">
              <Price amount={shownPrice(item)} currency={item.currency} />
            </p>
          </div>
          <div className="item-card__side">
            {(hasBid || isLedBy(item, userId)) && <PositionTag item={item} userId={userId} />}
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
