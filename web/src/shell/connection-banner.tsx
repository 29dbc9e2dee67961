import { RefreshCw, WifiOff } from "lucide-react";
import { useConnection } from "../live/live-context";
import "./connection-banner.css";

/** Says when what is shown comes late, or may be out of date, and that it mends itself. */
export function ConnectionBanner() {
  const state = useConnection();
  return (
    <div className="connection" role="status" data-state={state}>
      {state === "polling" && (
        <p>
          <RefreshCw size={16} className="connection__turning" aria-hidden="true" />
          Reconnecting to live prices. Meanwhile they refresh every few seconds.
        </p>
      )}
      {state === "lost" && (
        <p>
          <WifiOff size={16} aria-hidden="true" />
          Connection lost: prices may be out of date. Reconnecting…
        </p>
      )}
    </div>
  );
}
