import type { Item } from "@gavel/client";
import { Link } from "wouter";
import { shownPrice } from "../auction/phase";
import { Bidder } from "../items/bidder";
import { Countdown, usePhase } from "../items/countdown";
import { priceLabel } from "../items/item-card";
import { ItemPicture } from "../items/item-picture";
import { Price } from "../items/price";
import { useItem } from "../live/live-context";
import { formatMoney } from "../money/money";
import "./hero.css";

/** An introduction: what the page is for, and the item that ends next, live. */
export function Hero({ listed }: { listed: Item }) {
  const item = useItem(listed.id) ?? listed;
  const phase = usePhase(item);
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
      <article className="hero__item">
        <div className="hero__art">
          <ItemPicture src={item.images[0]} title={item.title} category={item.category} />
        </div>
        <div className="hero__facts">
          <div className="hero__name">
            <p className="label">{phase === "open" ? "Ends next" : "Just ended"}</p>
            <h2>
              <Link href={`/items/${item.id}`}>{item.title}</Link>
            </h2>
          </div>
          <dl className="hero__numbers">
            <div>
              <dt className="label">{priceLabel(phase, Number(item.bidCount))}</dt>
              <dd>
                <Price amount={shownPrice(item)} currency={item.currency} />
              </dd>
            </div>
            <div>
              <dt className="label">{phase === "open" ? "Time left" : "Outcome"}</dt>
              <dd>
                <Countdown item={item} />
              </dd>
            </div>
          </dl>
          <p className="hero__leader">
            {item.highestBidderId ? (
              <>
                <Bidder userId={item.highestBidderId} /> {phase === "sold" ? "won" : "leads"}
              </>
            ) : (
              <span className="muted">No bids yet: be the first.</span>
            )}
          </p>
          <Link href={`/items/${item.id}`} className="button button--primary button--big">
            {phase === "open" ? `Bid ${formatMoney(item.minimumNextBid, item.currency)} or more` : "See the outcome"}
          </Link>
        </div>
      </article>
    </section>
  );
}
