import type { Item } from "@gavel/client";
import { Link } from "wouter";
import { isLedBy, shownPrice } from "../auction/phase";
import { Bidder } from "../items/bidder";
import { Countdown } from "../items/countdown";
import { priceLabel } from "../items/item-card";
import { ItemPicture } from "../items/item-picture";
import { PositionTag } from "../items/position-tag";
import { Price } from "../items/price";
import { useIdentity, useItem } from "../live/live-context";
import { Amount } from "../ui/amount";
import "./hero.css";

/** An introduction: what the page is for, and the open item that ends next, live. */
export function Hero({ listed }: { listed: Item }) {
  const item = useItem(listed.id) ?? listed;
  const { userId } = useIdentity();
  const leads = isLedBy(item, userId);
  return (
    <section className="hero" aria-labelledby="hero-title">
      <div className="hero__words">
        <h1 id="hero-title">
          <span>Bid live.</span> <span>The highest bid when time runs out wins.</span>
        </h1>
        <p>
          Prices update the moment a bid is placed. Bid an amount, or set a maximum and let Gavel bid for you, no more
          than needed.
        </p>
      </div>
      {/* A new item is a new element: a click that began on the old one opens neither. */}
      <article key={item.id} className="hero__item">
        <div className="hero__art">
          <ItemPicture src={item.images[0]} title={item.title} category={item.category} />
        </div>
        <div className="hero__facts">
          <div className="hero__name">
            <p className="label">Ends next</p>
            <h2>
              <Link href={`/items/${item.id}`}>{item.title}</Link>
            </h2>
          </div>
          <dl className="hero__numbers">
            <div>
              <dt className="label">{priceLabel("open", Number(item.bidCount))}</dt>
              <dd>
                <Price amount={shownPrice(item)} currency={item.currency} />
              </dd>
            </div>
            <div>
              <dt className="label">Time left</dt>
              <dd>
                <Countdown item={item} />
              </dd>
            </div>
          </dl>
          <p className="hero__leader">
            {leads && <PositionTag item={item} userId={userId} />}
            {!leads && item.highestBidderId && (
              <>
                <Bidder userId={item.highestBidderId} /> leads
              </>
            )}
            {!item.highestBidderId && <span className="muted">No bids yet: be the first.</span>}
          </p>
          <Link href={`/items/${item.id}`} className="button button--primary button--big">
            {leads ? (
              "See the auction"
            ) : (
              <span>
                Bid <Amount minor={item.minimumNextBid} currency={item.currency} /> or more
              </span>
            )}
          </Link>
        </div>
      </article>
    </section>
  );
}
