import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Bid, Item } from "@gavel/client";
import { Bot } from "lucide-react";
import { type CSSProperties, memo, useState } from "react";
import { Bidder } from "../items/bidder";
import type { History } from "../live/bid-history";
import { formatMoney } from "../money/money";
import { Amount } from "../ui/amount";
import { localClock, localTime } from "../ui/local-time";
import "./history-table.css";

const ROWS_FIRST = 12;
const ROWS_MORE = 100;

type HistoryTableProps = { item: Item; history: History & { readOlder: () => Promise<void> } };

/** Every bid, newest first. Automatic bids are marked. */
export function HistoryTable({ item, history }: HistoryTableProps) {
  const [rows, setRows] = useState(ROWS_FIRST);
  const [isReading, setIsReading] = useState(false);
  const [hasFailed, setHasFailed] = useState(false);
  const { bids, hasOlder, readOlder, state } = history;
  if (state === "failed") {
    return <p className="muted">The bids could not be loaded.</p>;
  }
  if (state === "ready" && bids.length === 0) {
    return <p className="muted">No bids yet.</p>;
  }
  const showMore = async (): Promise<void> => {
    setIsReading(true);
    setHasFailed(false);
    try {
      if (rows + ROWS_MORE > bids.length) {
        await readOlder();
      }
      setRows((before) => before + ROWS_MORE);
    } catch {
      setHasFailed(true);
    } finally {
      setIsReading(false);
    }
  };
  return (
    <>
      <table className="history">
        <thead>
          <tr>
            <th scope="col">Bidder</th>
            <th scope="col">Bid</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {bids.slice(0, rows).map((bid) => (
            <BidRow key={String(bid.seq)} bid={bid} currency={item.currency} />
          ))}
        </tbody>
      </table>
      {(rows < bids.length || hasOlder) && (
        <button type="button" className="button button--small" disabled={isReading} onClick={() => void showMore()}>
          Show older bids
        </button>
      )}
      {hasFailed && (
        <p className="small muted" role="status">
          The older bids could not be loaded. Try again.
        </p>
      )}
    </>
  );
}

/** Memoised, because a bid never changes and a history may have thousands of rows. */
const BidRow = memo(function BidRow({ bid, currency }: { bid: Bid; currency: string }) {
  const { length } = formatMoney(bid.amount, currency);
  const atMs = bid.createdAt ? timestampMs(bid.createdAt) : 0;
  return (
    <tr className="history__bid">
      <td>
        <span className="history__who">
          <Bidder userId={bid.userId} />
          {bid.automatic && (
            <span className="tag" title="Placed by Gavel within the bidder's maximum">
              <Bot size={14} aria-hidden="true" />
              automatic
            </span>
          )}
        </span>
      </td>
      <td className="numbers history__amount" style={{ "--characters": length } as CSSProperties}>
        <Amount minor={bid.amount} currency={currency} />
      </td>
      <td className="numbers muted" title={localTime(atMs)}>
        {localClock(atMs)}
      </td>
    </tr>
  );
});
