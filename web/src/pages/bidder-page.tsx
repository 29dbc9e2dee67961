import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { useQuery } from "@connectrpc/connect-query";
import { type UserStats, UserStatsService } from "@gavel/client";
import { Link } from "wouter";
import { Paddle } from "../items/bidder";
import { useBidderName, useIdentity } from "../live/live-context";
import { useHouseCurrency } from "../live/use-items";
import { formatMoney } from "../money/money";
import { usePageTitle } from "../shell/page-title";
import { Failed, Loading } from "../ui/loading";
import { localTime } from "../ui/local-time";
import { Stat } from "../ui/stat";
import "./bidder-page.css";

const REFETCH_MS = 3_000;

/** One bidder's totals, from the statistics service. */
export function BidderPage({ userId }: { userId: string }) {
  const me = useIdentity();
  const isMe = me.userId === userId;
  const name = useBidderName(userId);
  usePageTitle(isMe ? "My statistics" : name);
  const { data, isPending, error, refetch } = useQuery(
    UserStatsService.method.getUserStats,
    { userId },
    { refetchInterval: REFETCH_MS, retry: false },
  );
  const isUnknown = !data && error !== null && ConnectError.from(error).code === Code.NotFound;
  return (
    <div className="page">
      <div className="bidder-head">
        <Paddle userId={userId} />
        <div>
          <h1>{isMe ? `${me.name} (you)` : name}</h1>
          <p className="small muted">
            {isMe && me.name !== name && `Other bidders see you as ${name}. `}
            <code>{userId}</code>
          </p>
        </div>
      </div>
      {isPending && <Loading what="statistics" />}
      {isUnknown && (
        <div className="empty">
          <strong>No bids have been counted yet.</strong>
          <Link href="/" className="button">
            See open auctions
          </Link>
        </div>
      )}
      {error && !data && !isUnknown && <Failed error={error} retry={() => void refetch()} />}
      {data?.stats && <Stats stats={data.stats} />}
    </div>
  );
}

function Stats({ stats }: { stats: UserStats }) {
  const currency = useHouseCurrency() ?? "USD";
  const money = (minor: bigint): string => formatMoney(minor, currency);
  return (
    <>
      <dl className="stats">
        <Stat label="Bids" value={String(stats.totalBids)} note="including automatic bids" />
        <Stat label="Auctions bid on" value={String(stats.itemsBidOn)} />
        <Stat label="Highest bid" value={money(stats.highestBid)} />
        <Stat label="Sum of all bids" value={money(stats.totalAmount)} />
        <Stat label="Items won" value={String(stats.itemsWon)} note={`for ${money(stats.amountWon)}`} />
        <Stat label="Items sold" value={String(stats.itemsSold)} note={`for ${money(stats.amountSold)}`} />
      </dl>
      <p className="small muted">
        {stats.lastBidAt && `Last bid ${localTime(timestampMs(stats.lastBidAt))}. `}
        {stats.lastUpdatedAt && `Updated ${localTime(timestampMs(stats.lastUpdatedAt))}, a moment after the bids.`}
      </p>
    </>
  );
}
