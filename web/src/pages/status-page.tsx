import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLive } from "../live/live-context";
import { usePageTitle } from "../shell/page-title";
import { Loading } from "../ui/loading";
import { localClock } from "../ui/local-time";
import { Stat } from "../ui/stat";
import { Sparkline } from "./sparkline";
import { NotServed, readStatus, type SystemStatus } from "./status-data";
import { levelOf, THRESHOLDS, worstOf } from "./status-levels";
import "./status-page.css";

const REFRESH_MS = 1_000;
/** Numbers older than this are shown in grey. */
const STALE_MS = 3_000;
const AGE_TICK_MS = 250;
const SAMPLES_MAX = 60;

const SUMMARY = { good: "All systems normal", warn: "Degraded", alarm: "Action needed" } as const;
const LEVEL_WORDS = { good: "normal", warn: "degraded", alarm: "action needed" } as const;

/** The status of the whole system, updated every second, with its age. For operators. */
export function StatusPage() {
  usePageTitle("Status");
  const { apiUrl } = useLive();
  const { data, dataUpdatedAt, error, isPending } = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => readStatus(apiUrl, signal),
    refetchInterval: (query) => (query.state.error instanceof NotServed ? false : REFRESH_MS),
    retry: false,
    structuralSharing: false,
  });
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
      {error && !data && !(error instanceof NotServed) && (
        <p className="message message--alarm" role="status">
          The server does not answer.
        </p>
      )}
      {data && !(error instanceof NotServed) && <Status status={data} receivedMs={dataUpdatedAt} />}
    </div>
  );
}

function Status({ status, receivedMs }: { status: SystemStatus; receivedMs: number }) {
  const samples = useSamples(status);
  const ageMs = useAgeMs(receivedMs);
  const isStale = ageMs > STALE_MS;
  const levels = {
    latency: levelOf(status.bidP99Seconds, THRESHOLDS.bidP99Seconds),
    errors: levelOf(status.failedCallsShare, THRESHOLDS.failedCallsShare),
    outbox: levelOf(status.outboxOldestSeconds, THRESHOLDS.outboxOldestSeconds),
    closer: levelOf(status.closerOverdueSeconds, THRESHOLDS.closerOverdueSeconds),
    letters: levelOf(status.deadLetters, THRESHOLDS.deadLetters),
  };
  const worst = worstOf(Object.values(levels));
  return (
    <div className={isStale ? "status status--stale" : "status"}>
      <div className="status__summary">
        <p className={`status__level status__level--${isStale ? "unknown" : worst}`} role="status">
          {isStale ? "Not current: the server does not answer" : SUMMARY[worst]}
        </p>
        <p className="muted small numbers">
          as of {localClock(receivedMs)}
          {isStale && `, ${Math.floor(ageMs / 1000)} s ago`}
        </p>
      </div>
      <dl className="stats status__values">
        <Stat label="Bids per second" value={rate(status.bidsPerSecond)}>
          <Sparkline samples={samples.map((each) => each.bidsPerSecond)} label="Bids per second over the last minute" />
        </Stat>
        <Judged label="Bid latency" level={levels.latency} value={optional(status.bidP99Seconds, seconds)}>
          {status.bidP99Seconds === null
            ? "no bid over the API in the last minute"
            : "99 % of the last minute's bids took less"}
        </Judged>
        <Judged label="Failed calls" level={levels.errors} value={optional(status.failedCallsShare, percent)}>
          {status.failedCallsShare === null ? "no call in the last minute" : "of the last minute's calls"}
        </Judged>
        <Judged label="Outbox lag" level={levels.outbox} value={seconds(status.outboxOldestSeconds)}>
          {levels.outbox === "good"
            ? "events are published at once"
            : `${whole(status.outboxEvents)} events wait; none is lost`}
        </Judged>
        <Judged label="Closer" level={levels.closer} value={optional(status.closerOverdueSeconds, seconds)}>
          {levels.closer === "good" ? "auctions are closed on time" : "overdue; an ended auction takes no bid"}
        </Judged>
        <Judged
          label="Dead letters"
          className="status__letters"
          level={levels.letters}
          value={optional(status.deadLetters, whole)}
        >
          {status.deadLetters === null ? "not known to this process" : "events set aside, which no total counts"}
        </Judged>
        <Stat label="Live viewers" value={whole(status.watchers)} note="open live feeds of this process" />
        <Stat label="Open auctions" value={whole(status.itemsActive)} />
      </dl>
      {status.version && <p className="muted small">Gavel {status.version}</p>}
    </div>
  );
}

/** A value with its level in colour and in words. */
function Judged({
  label,
  value,
  level,
  className = "",
  children,
}: {
  label: string;
  value: string;
  className?: string;
  level: keyof typeof LEVEL_WORDS | undefined;
  children: string;
}) {
  return (
    <div className={`stat sheet status__judged status__judged--${level ?? "unknown"} ${className}`}>
      <dt className="label">{label}</dt>
      <dd className="stat__value">{value}</dd>
      <dd className="small muted">{children}</dd>
      {level && <dd className="status__word small">{LEVEL_WORDS[level]}</dd>}
    </div>
  );
}

function useSamples(status: SystemStatus): readonly SystemStatus[] {
  const [samples, setSamples] = useState<readonly SystemStatus[]>([]);
  useEffect(() => {
    setSamples((before) => [...before.filter((each) => each.at !== status.at), status].slice(-SAMPLES_MAX));
  }, [status]);
  return samples;
}

/** The time since a moment, by this machine's clock. */
function useAgeMs(sinceMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNowMs(Date.now()), AGE_TICK_MS);
    return () => clearInterval(ticking);
  }, []);
  return Math.max(0, nowMs - sinceMs);
}

function optional(value: number | null, format: (value: number) => string): string {
  return value === null ? "–" : format(value);
}

function rate(value: number): string {
  return value >= 10 ? whole(value) : value.toFixed(1);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function percent(value: number): string {
  return value === 0 ? "0 %" : `${(100 * value).toFixed(value < 0.1 ? 2 : 0)} %`;
}

function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}
