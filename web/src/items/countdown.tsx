import type { Item } from "@gavel/client";
import { endMs, type Phase, phaseAt, startMs } from "../auction/phase";
import { call, countdownSpoken, countdownText, secondsLeft, URGENT_SECONDS_MAX } from "../clock/countdown";
import { useByClock } from "../live/use-clock";
import "./countdown.css";

const OVER: Readonly<Record<Exclude<Phase, "open" | "scheduled">, string>> = {
  closing: "Closing",
  sold: "Sold",
  unsold: "Not sold",
  cancelled: "Cancelled",
};

export function usePhase(item: Item): Phase {
  return useByClock((nowMs) => phaseAt(item, nowMs));
}

/** How long an auction still runs, by the server's clock. */
export function Countdown({ item, prominent = false }: { item: Item; prominent?: boolean }) {
  const phase = usePhase(item);
  const untilMs = phase === "scheduled" ? startMs(item) : endMs(item);
  const seconds = useByClock((nowMs) => (nowMs === null ? null : secondsLeft(untilMs, nowMs)));
  if (phase !== "open" && phase !== "scheduled") {
    return <span className={`countdown countdown--${phase}`}>{OVER[phase]}</span>;
  }
  const calling = phase === "open" && seconds !== null ? call(seconds) : null;
  const urgent = phase === "open" && seconds !== null && seconds <= URGENT_SECONDS_MAX;
  const prefix = phase === "scheduled" ? "Opens in " : "";
  return (
    <span className={`countdown${urgent ? " countdown--urgent" : ""}`}>
      <span className="unseen">
        {phase === "scheduled" ? "Opens in " : "Ends in "}
        {seconds === null ? "a time not known yet" : countdownSpoken(seconds)}
      </span>
      <span aria-hidden="true">
        {prefix}
        {seconds === null ? "–:––" : countdownText(seconds)}
        {prominent && calling && <em className="countdown__call">{calling}</em>}
      </span>
    </span>
  );
}
