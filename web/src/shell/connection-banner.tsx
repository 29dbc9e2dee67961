import { RefreshCw, WifiOff } from "lucide-react";
import { useConnection } from "../live/live-context";
import "./connection-banner.css";

/** A message while live prices are delayed or out of date. */
export function ConnectionBanner() {
  const state = useConnection();
  return (
    <div className="connection" role="status" data-state={state}>
      {state === "polling" && (
        <p>
          <RefreshCw size={16} className="connection__spinner" aria-hidden="true" />
          Reconnecting to live prices. Until then, prices refresh every few seconds.
        </p>
      )}
      {state === "unanswered" && (
        <p>
          <WifiOff size={16} aria-hidden="true" />
          The server is not answering. Parts of this page may be out of date. Trying again…
        </p>
      )}
      {state === "lost" && (
        <p>
          <WifiOff size={16} aria-hidden="true" />
          Connection lost. Prices may be out of date. Reconnecting…
        </p>
      )}
    </div>
  );
}
