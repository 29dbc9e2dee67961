import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { useQuery } from "@connectrpc/connect-query";
import { type UserStats, UserStatsService } from "@gavel/client";
import { Link } from "wouter";
import { Paddle } from "../items/bidder";
import { useIdentity } from "../live/live-context";
import { useHouseCurrency } from "../live/use-items";
import { formatMoney } from "../money/money";
import { pseudonym } from "../session/pseudonym";
import { usePageTitle } from "../shell/page-title";
import { Figure } from "../ui/figure";
import { localTime } from "../ui/local-time";
import { Failed, Loading } from "../ui/waiting";
import "./bidder-page.css";

const REFETCH_MS = 3_000;

/** One bidder's totals, as the statistics side has counted them. */
export function BidderPage({ userId }: { userId: string }) {
  const me = useIdentity();
  const isMe = me.userId === userId;
  const name = pseudonym(userId);
  usePageTitle(isMe ? "My figures" : name);
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
            {isMe && me.name !== name && `Everyone else sees you as ${name}. `}
            <code>{userId}</code>
          </p>
        </div>
      </div>
      {isPending && <Loading what="The figures" />}
      {isUnknown && (
        <div className="empty">
          <strong>No bid has been counted yet.</strong>
          <Link href="/" className="button">
            See what is open
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
      <dl className="figures">
        <Figure label="Bids" value={String(stats.totalBids)} note="automatic ones included" />
        <Figure label="Auctions bid on" value={String(stats.itemsBidOn)} />
        <Figure label="Highest bid" value={money(stats.highestBid)} />
        <Figure label="All bids together" value={money(stats.totalAmount)} />
        <Figure label="Items won" value={String(stats.itemsWon)} note={`for ${money(stats.amountWon)}`} />
        <Figure label="Items sold" value={String(stats.itemsSold)} note={`for ${money(stats.amountSold)}`} />
      </dl>
      <p className="small muted">
        {stats.lastBidAt && `Last bid ${localTime(timestampMs(stats.lastBidAt))}. `}
        {stats.lastUpdatedAt &&
          `Counted up to ${localTime(timestampMs(stats.lastUpdatedAt))}, a moment behind the bids.`}
      </p>
    </>
  );
}
