import { ConnectError } from "@connectrpc/connect";
import type { Item } from "@gavel/client";
import { useState } from "react";
import { useLive } from "../live/live-context";
import { Dialog } from "../ui/dialog";

/** What a seller can do on their own item: watch, and cancel the auction before the first bid. */
export function SellerPanel({ item }: { item: Item }) {
  const live = useLive();
  const [isAsking, setIsAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const cancel = async (): Promise<void> => {
    try {
      await live.bids.cancelItem({ id: item.id, sellerId: live.session.identity().userId });
    } catch (error) {
      setProblem(ConnectError.from(error).rawMessage);
    }
    setIsAsking(false);
  };
  return (
    <div className="message">
      <p>
        <strong>This is your auction.</strong> Bids appear here as they are placed. You can't bid on your own item.
      </p>
      {item.bidCount === 0n && (
        <button type="button" className="button button--small button--danger" onClick={() => setIsAsking(true)}>
          Cancel the auction
        </button>
      )}
      {problem && (
        <p className="field__problem" role="alert">
          {problem}
        </p>
      )}
      {isAsking && (
        <Dialog title="Cancel this auction?" onClose={() => setIsAsking(false)}>
          <p>No one will be able to bid on it. This can't be undone.</p>
          <div className="dialog__actions">
            <button type="button" className="button button--bare" onClick={() => setIsAsking(false)}>
              Keep the auction
            </button>
            <button type="button" className="button button--danger" onClick={() => void cancel()}>
              Cancel the auction
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
