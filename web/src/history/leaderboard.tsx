import { useQuery } from "@connectrpc/connect-query";
import { BidService, type Item } from "@gavel/client";
import { useEffect, useRef } from "react";
import { Bidder } from "../items/bidder";
import { formatMoney } from "../money/money";
import "./leaderboard.css";

const ENTRIES = 8;
/** A bidding war must not become a storm of questions. */
const ASK_MS_MIN = 1_000;

/** Who is in it, by their highest bid. Asked for again after each bid, and never shown older than it was. */
export function Leaderboard({ item }: { item: Item }) {
  const { data, error, refetch } = useQuery(
    BidService.method.getLeaderboard,
    { itemId: item.id, limit: ENTRIES },
    { structuralSharing: (shown, told) => newerLeaderboard(shown, told) },
  );
  const askedAtMs = useRef(0);
  const isBehind = data !== undefined && data.seq < item.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new seq is a new reason to ask
  useEffect(() => {
    if (!isBehind) {
      return;
    }
    const waitMs = Math.max(0, askedAtMs.current + ASK_MS_MIN - Date.now());
    const timer = setTimeout(() => {
      askedAtMs.current = Date.now();
      void refetch();
    }, waitMs);
    return () => clearTimeout(timer);
  }, [isBehind, item.seq, refetch]);

  if (!data) {
    return <p className="muted">{error ? "The leaderboard is not available here." : "On the way…"}</p>;
  }
  if (data.entries.length === 0) {
    return <p className="muted">The first bidder takes the first place.</p>;
  }
  return (
    <ol className="leaderboard">
      {data.entries.map((entry, index) => (
        <li key={entry.userId}>
          <span className="leaderboard__place numbers">{index + 1}</span>
          <Bidder userId={entry.userId} />
          <span className="leaderboard__amount numbers">{formatMoney(entry.amount, item.currency)}</span>
          <span className="small muted numbers">{entry.bidCount === 1n ? "1 bid" : `${entry.bidCount} bids`}</span>
        </li>
      ))}
    </ol>
  );
}

function newerLeaderboard<Answer>(shown: unknown, told: Answer): Answer {
  const seqOf = (answer: unknown): bigint =>
    typeof answer === "object" && answer !== null && "seq" in answer && typeof answer.seq === "bigint"
      ? answer.seq
      : -1n;
  return seqOf(shown) > seqOf(told) ? (shown as Answer) : told;
}
