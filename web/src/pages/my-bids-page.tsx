import { useInfiniteQuery } from "@connectrpc/connect-query";
import { BidService, type MyBid } from "@gavel/client";
import { Link, useSearchParams } from "wouter";
import { isLedBy, phaseAt, shownPrice } from "../auction/phase";
import { positionIn } from "../auction/position";
import { Countdown } from "../items/countdown";
import { ItemCard } from "../items/item-card";
import { ItemPicture } from "../items/item-picture";
import { PositionTag } from "../items/position-tag";
import { Price } from "../items/price";
import { useIdentity, useItem, useLive, useWatched, useWatchedList } from "../live/live-context";
import { useServerTime } from "../live/use-clock";
import { usePollInterval } from "../live/use-items";
import { formatMoney } from "../money/money";
import { isUndecided, useMyBids } from "../shell/my-bids";
import { usePageTitle } from "../shell/page-title";
import { Failed, Loading } from "../ui/loading";
import "./my-bids-page.css";

/** The items that the user has bid on, by position, and the items that they sell. */
export function MyBidsPage() {
  const [search, setSearch] = useSearchParams();
  const { userId } = useIdentity();
  const isSelling = search.get("show") === "selling";
  usePageTitle(isSelling ? "My items" : "My bids");
  return (
    <div className="page">
      <h1>{isSelling ? "My items" : "My bids"}</h1>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={!isSelling} onClick={() => setSearch({})}>
          Bidding
        </button>
        <button type="button" className="chip" aria-pressed={isSelling} onClick={() => setSearch({ show: "selling" })}>
          Selling
        </button>
      </div>
      {userId === "" ? (
        <div className="empty">
          <strong>Sign in to see your bids and items.</strong>
        </div>
      ) : isSelling ? (
        <Selling />
      ) : (
        <Bidding />
      )}
    </div>
  );
}

const GROUPS = [
  ["outbid", "Outbid: bid again to win"],
  ["leading", "You lead"],
  ["won", "Won"],
  ["lost", "Lost"],
] as const;

function Bidding() {
  const { bids, isPending, isError, error, refetch, hasNextPage, fetchNextPage } = useMyBids();
  const { userId } = useIdentity();
  const live = useLive();
  useWatched(
    bids.filter(isUndecided).flatMap(({ item }) => (item ? [item.id] : [])),
    "bids",
  );
  const grouping = useServerTime((nowMs) =>
    bids
      .map(({ item }) => {
        const newest = item && (live.items.get(item.id) ?? item);
        return newest ? positionIn(newest, userId, phaseAt(newest, nowMs)) : "unknown";
      })
      .join(" "),
  );
  const positions = grouping.split(" ");
  if (isPending) {
    return <Loading what="your bids" />;
  }
  if (isError && bids.length === 0) {
    return <Failed error={error} retry={() => void refetch()} />;
  }
  if (bids.length === 0) {
    return (
      <div className="empty">
        <strong>You have not bid on anything yet.</strong>
        <Link href="/" className="button button--primary">
          See open auctions
        </Link>
      </div>
    );
  }
  return (
    <>
      {GROUPS.map(([position, title]) => {
        const group = bids.filter((_, index) => positions[index] === position);
        return (
          group.length > 0 && (
            <section key={position} className="my-bids">
              <h2>{title}</h2>
              <ul>
                {group.map((bid) => (
                  <MyBidRow key={bid.item?.id} bid={bid} />
                ))}
              </ul>
            </section>
          )
        );
      })}
      {hasNextPage && (
        <button type="button" className="button" onClick={() => void fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}

function MyBidRow({ bid }: { bid: MyBid }) {
  const { userId } = useIdentity();
  const newest = useItem(bid.item?.id ?? "");
  const item = newest ?? bid.item;
  if (!item) {
    return null;
  }
  const money = (minor: bigint): string => formatMoney(minor, item.currency);
  return (
    <li className="my-bid sheet">
      <div className="my-bid__art">
        <ItemPicture src={item.images[0]} title={item.title} category={item.category} />
      </div>
      <div className="my-bid__what">
        <h3>
          <Link href={`/items/${item.id}`} dir="auto">
            {item.title}
          </Link>
        </h3>
        <p className="small muted numbers">
          Your bid {money(isLedBy(item, userId) ? item.currentHighestBid : bid.amount)}
          {bid.maxAmount > bid.amount && `, your maximum ${money(bid.maxAmount)}`}
        </p>
      </div>
      <div className="my-bid__now">
        <Price amount={shownPrice(item)} currency={item.currency} />
        <Countdown item={item} />
      </div>
      <PositionTag item={item} userId={userId} />
    </li>
  );
}

function Selling() {
  const { userId } = useIdentity();
  const refetchInterval = usePollInterval(30_000);
  const query = useInfiniteQuery(
    BidService.method.listSellerItems,
    { sellerId: userId, pageSize: 48, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined, refetchInterval },
  );
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const watchedList = useWatchedList(items.map((item) => item.id));
  if (query.isPending) {
    return <Loading what="your items" />;
  }
  if (query.isError && items.length === 0) {
    return <Failed error={query.error} retry={() => void query.refetch()} />;
  }
  if (items.length === 0) {
    return (
      <div className="empty">
        <strong>You have not listed an item yet.</strong>
        <Link href="/sell" className="button button--primary">
          Sell an item
        </Link>
      </div>
    );
  }
  return (
    <>
      <h2 className="visually-hidden">Your auctions</h2>
      <ul className="items" ref={watchedList}>
        {items.map((item) => (
          <li key={item.id} className="items__item">
            <ItemCard listed={item} hasBid={false} />
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => void query.fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}
