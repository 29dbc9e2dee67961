import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLive } from "../live/live-context";
import { usePageTitle } from "../shell/page-title";
import { Figure } from "../ui/figure";
import { Loading } from "../ui/waiting";
import { Sparkline } from "./sparkline";
import { NotServed, readStatus, type SystemStatus } from "./status-data";
import "./status-page.css";

const REFRESH_MS = 1_000;
const SAMPLES_MAX = 60;
/** An outbox that is emptied in less is keeping up. */
const LAG_SECONDS_FINE = 2;

/** What goes on inside, second by second. */
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
        <p className="muted">
          What this Gavel is doing right now. Every bid is decided, stored, told to everyone who watches and counted.
        </p>
      </div>
      {isPending && <Loading what="The status" />}
      {error instanceof NotServed && (
        <div className="empty">
          <strong>Not available here</strong>
          <p>This Gavel keeps its figures to itself; its operators have dashboards.</p>
        </div>
      )}
      {data && (
        <>
          {error && (
            <p className="message message--alarm" role="status">
              The status does not answer: these figures are from {data.at}.
            </p>
          )}
          <dl className="figures status">
            <Figure label="Bids a second" value={rate(data.bidsPerSecond)}>
              <Sparkline
                samples={samples.map((each) => each.bidsPerSecond)}
                label="Bids a second over the last minute"
              />
            </Figure>
            <Figure
              label="Outbox lag"
              value={seconds(data.outboxOldestSeconds)}
              note={
                data.outboxOldestSeconds <= LAG_SECONDS_FINE
                  ? "Keeping up: what is accepted is passed on at once."
                  : `${data.outboxEvents} events wait to be passed on. None is lost.`
              }
            >
              <Sparkline
                samples={samples.map((each) => each.outboxOldestSeconds)}
                label="Outbox lag over the last minute"
              />
            </Figure>
            <Figure label="Watching live" value={whole(data.watchers)} note="open live feeds, yours among them">
              <Sparkline samples={samples.map((each) => each.watchers)} label="Watchers over the last minute" />
            </Figure>
            <Figure label="Auctions open" value={whole(data.itemsActive)} />
            <Figure
              label="Events in the outbox"
              value={whole(data.outboxEvents)}
              note="facts on their way to the statistics"
            />
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
