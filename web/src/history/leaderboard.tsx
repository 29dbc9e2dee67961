import { useQuery } from "@connectrpc/connect-query";
import { BidService, type Item } from "@gavel/client";
import { useEffect, useRef } from "react";
import { Bidder } from "../items/bidder";
import { Amount } from "../ui/amount";
import "./leaderboard.css";

const ENTRIES = 8;
/** The least time between two reads, however many bids are placed. */
const READ_MS_MIN = 400;

/** The bidders by their highest bid. Read again after each bid; an older response never replaces a newer one. */
export function Leaderboard({ item }: { item: Item }) {
  const { data, error, refetch } = useQuery(
    BidService.method.getLeaderboard,
    { itemId: item.id, limit: ENTRIES },
    { structuralSharing: (known, received) => newerLeaderboard(known, received) },
  );
  const readAtMs = useRef(0);
  const isBehind = data !== undefined && data.seq < item.seq;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new seq is a new reason to read
  useEffect(() => {
    if (!isBehind) {
      return;
    }
    const waitMs = Math.max(0, readAtMs.current + READ_MS_MIN - Date.now());
    const timer = setTimeout(() => {
      readAtMs.current = Date.now();
      void refetch();
    }, waitMs);
    return () => clearTimeout(timer);
  }, [isBehind, item.seq, refetch]);

  if (!data) {
    return <p className="muted">{error ? "The leaderboard could not be loaded." : "Loading…"}</p>;
  }
  if (data.entries.length === 0) {
    return <p className="muted">No bidders yet.</p>;
  }
  return (
    <ol className="leaderboard">
      {data.entries.map((entry, index) => (
        <li key={entry.userId}>
          <span className="leaderboard__place numbers">{index + 1}</span>
          <Bidder userId={entry.userId} />
          <span className="leaderboard__amount numbers">
            <Amount minor={entry.amount} currency={item.currency} />
          </span>
          <span className="small muted numbers">{entry.bidCount === 1n ? "1 bid" : `${entry.bidCount} bids`}</span>
        </li>
      ))}
    </ol>
  );
}

function newerLeaderboard<Response>(known: unknown, received: Response): Response {
  const seqOf = (response: unknown): bigint =>
    typeof response === "object" && response !== null && "seq" in response && typeof response.seq === "bigint"
      ? response.seq
      : -1n;
  return seqOf(known) > seqOf(received) ? (known as Response) : received;
}
