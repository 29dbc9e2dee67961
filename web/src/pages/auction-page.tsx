import { Code, ConnectError } from "@connectrpc/connect";
import type { Item } from "@gavel/client";
import { Link } from "wouter";
import { canBuyNow, isLedBy, shownPrice } from "../auction/phase";
import { BidPanel } from "../bidding/bid-panel";
import { HistoryTable } from "../history/history-table";
import { Leaderboard } from "../history/leaderboard";
import { PriceChart } from "../history/price-chart";
import { Bidder } from "../items/bidder";
import { usePhase } from "../items/countdown";
import { useHistory, useIdentity, useItem, useWatched } from "../live/live-context";
import { useItemQuery } from "../live/use-items";
import { formatMoney } from "../money/money";
import { useMyBid } from "../shell/my-bids";
import { usePageTitle } from "../shell/page-title";
import { Amount } from "../ui/amount";
import { Failed, Loading } from "../ui/loading";
import { Gallery } from "./gallery";
import "./auction-page.css";

/** Longer titles are set smaller. */
const LONG_TITLE_MIN = 70;

/** One item and its auction, live. */
export function AuctionPage({ itemId }: { itemId: string }) {
  const query = useItemQuery(itemId);
  const item = useItem(itemId);
  if (item) {
    return <Auction item={item} />;
  }
  if (query.isError) {
    const { code } = ConnectError.from(query.error);
    return (
      <div className="page">
        <h1>Auction</h1>
        {code === Code.NotFound || code === Code.InvalidArgument ? (
          <div className="empty" role="alert">
            <strong>This auction does not exist.</strong>
            <Link href="/" className="button">
              See all auctions
            </Link>
          </div>
        ) : (
          <Failed error={query.error} retry={() => void query.refetch()} />
        )}
      </div>
    );
  }
  return <Loading what="the auction" />;
}

function Auction({ item }: { item: Item }) {
  const history = useHistory(item.id);
  const phase = usePhase(item);
  const { userId } = useIdentity();
  const mine = useMyBid(item.id, isLedBy(item, userId));
  usePageTitle(`${formatMoney(shownPrice(item), item.currency)} · ${item.title}`);
  useWatched([item.id]);

  return (
    <div className="page">
      <article className="auction">
        <div className="auction__head">
          <p className="auction__path small">
            <Link href="/">Auctions</Link>
            {item.category && (
              <>
                {" / "}
                <Link href={`/?category=${encodeURIComponent(item.category)}`}>{item.category}</Link>
              </>
            )}
          </p>
          <h1 data-long={item.title.length > LONG_TITLE_MIN || undefined}>{item.title}</h1>
        </div>
        <div className="auction__pictures">
          <Gallery item={item} />
        </div>
        <div className="auction__panel">
          <BidPanel item={item} mine={mine} />
        </div>
        <div className="auction__more">
          <section className="sheet auction__section">
            <h2>Price over time</h2>
            <PriceChart item={item} bids={history.bids} />
          </section>
          <section className="sheet auction__section">
            <h2>Bids</h2>
            <HistoryTable item={item} history={history} />
          </section>
        </div>
        <div className="auction__aside">
          <section className="sheet auction__section">
            <h2>Leaderboard</h2>
            <Leaderboard item={item} />
          </section>
          <section className="sheet auction__section">
            <h2>About this item</h2>
            {item.description && <p className="auction__description">{item.description}</p>}
            <dl className="auction__facts">
              <dt>Seller</dt>
              <dd>
                <Bidder userId={item.sellerId} />
              </dd>
              <dt>Starting price</dt>
              <dd className="numbers">
                <Amount minor={item.startPrice} currency={item.currency} />
              </dd>
              {item.buyNowPrice > 0n && phase === "open" && (
                <>
                  <dt>Buy now</dt>
                  <dd className="numbers">
                    {canBuyNow(item, phase) ? (
                      <Amount minor={item.buyNowPrice} currency={item.currency} />
                    ) : (
                      "ended when bidding began"
                    )}
                  </dd>
                </>
              )}
              <dt>Minimum increment</dt>
              <dd>{incrementText(item)}</dd>
              <dt>Late bids</dt>
              <dd>{softCloseText(item)}</dd>
            </dl>
          </section>
        </div>
      </article>
    </div>
  );
}

function incrementText({ bidIncrement, currency, currentHighestBid, minimumNextBid }: Item): string {
  const { fixed = 0n, basisPoints = 0 } = bidIncrement ?? {};
  const parts = [
    ...(fixed > 0n ? [formatMoney(fixed, currency)] : []),
    ...(basisPoints > 0 ? [`${basisPoints / 100} %`] : []),
  ];
  if (parts.length > 0) {
    return `${parts.join(" or ")}${parts.length > 1 ? ", whichever is more" : ""}`;
  }
  const step = currentHighestBid > 0n ? minimumNextBid - currentHighestBid : 0n;
  return step > 0n ? `${formatMoney(step, currency)} at this price` : "depends on the price";
}

function softCloseText({ softClose }: Item): string {
  if (!softClose || softClose.windowSeconds === 0) {
    return "do not extend the auction";
  }
  return `in the last ${softClose.windowSeconds} seconds extend the auction so that ${softClose.extensionSeconds} seconds are left`;
}
