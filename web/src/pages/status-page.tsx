import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLive } from "../live/live-context";
import { usePageTitle } from "../shell/page-title";
import { Loading } from "../ui/loading";
import { Stat } from "../ui/stat";
import { Sparkline } from "./sparkline";
import { NotServed, readStatus, type SystemStatus } from "./status-data";
import "./status-page.css";

const REFRESH_MS = 1_000;
const SAMPLES_MAX = 60;
/** Above this, the outbox counts as lagging. */
const LAG_SECONDS_FINE = 2;

/** The status of the whole system, updated every second. */
export function StatusPage() {
  usePageTitle("Status");
  const { apiUrl } = useLive();
  const { data, error, isPending } = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => readStatus(apiUrl, signal),
    refetchInterval: (query) => (query.state.error instanceof NotServed ? false : REFRESH_MS),
    retry: false,
  });
  const samples = useSamples(data);
  return (
    <div className="page">
      <div className="page__head">
        <h1>System status</h1>
        <p className="muted">What this installation is doing right now, updated every second.</p>
      </div>
      {isPending && <Loading what="status" />}
      {error instanceof NotServed && (
        <div className="empty">
          <strong>Not available here</strong>
          <p>This installation does not publish its status.</p>
        </div>
      )}
      {data && (
        <>
          {error && (
            <p className="message message--alarm" role="status">
              The status can't be read right now. These numbers are from {data.at}.
            </p>
          )}
          <dl className="stats status">
            <Stat label="Bids per second" value={rate(data.bidsPerSecond)}>
              <Sparkline
                samples={samples.map((each) => each.bidsPerSecond)}
                label="Bids per second over the last minute"
              />
            </Stat>
            <Stat
              label="Outbox lag"
              value={seconds(data.outboxOldestSeconds)}
              note={
                data.outboxOldestSeconds <= LAG_SECONDS_FINE
                  ? "Keeping up: events are published at once."
                  : `${data.outboxEvents} events wait to be published. None is lost.`
              }
            >
              <Sparkline
                samples={samples.map((each) => each.outboxOldestSeconds)}
                label="Outbox lag over the last minute"
              />
            </Stat>
            <Stat label="Live viewers" value={whole(data.watchers)} note="open live feeds, including yours">
              <Sparkline samples={samples.map((each) => each.watchers)} label="Live viewers over the last minute" />
            </Stat>
            <Stat label="Open auctions" value={whole(data.itemsActive)} />
            <Stat label="Events in the outbox" value={whole(data.outboxEvents)} note="waiting to be published" />
          </dl>
        </>
      )}
    </div>
  );
}

function useSamples(status: SystemStatus | undefined): readonly SystemStatus[] {
  const [samples, setSamples] = useState<readonly SystemStatus[]>([]);
  useEffect(() => {
    if (status) {
      setSamples((before) => [...before.filter((each) => each.at !== status.at), status].slice(-SAMPLES_MAX));
    }
  }, [status]);
  return samples;
}

function rate(value: number): string {
  return value >= 10 ? whole(value) : value.toFixed(1);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}
