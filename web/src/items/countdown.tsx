import type { Item } from "@gavel/client";
import { endMs, type Phase, phaseAt, startMs } from "../auction/phase";
import { call, countdownSpoken, countdownText, secondsLeft, URGENT_SECONDS_MAX } from "../clock/countdown";
import { useServerTime } from "../live/use-clock";
import "./countdown.css";

const OVER: Readonly<Record<Exclude<Phase, "open" | "scheduled">, string>> = {
  closing: "Closing",
  sold: "Sold",
  unsold: "Not sold",
  cancelled: "Cancelled",
};

export function usePhase(item: Item): Phase {
  return useServerTime((nowMs) => phaseAt(item, nowMs));
}

/** The time left until an auction opens or ends, by the server's clock; then its outcome. */
export function Countdown({ item, prominent = false }: { item: Item; prominent?: boolean }) {
  const phase = usePhase(item);
  const untilMs = phase === "scheduled" ? startMs(item) : endMs(item);
  const seconds = useServerTime((nowMs) => (nowMs === null ? null : secondsLeft(untilMs, nowMs)));
  if (phase !== "open" && phase !== "scheduled") {
    return <span className={`countdown countdown--${phase}`}>{OVER[phase]}</span>;
  }
  const calling = phase === "open" && seconds !== null ? call(seconds) : null;
  const urgent = phase === "open" && seconds !== null && seconds <= URGENT_SECONDS_MAX;
  const prefix = phase === "scheduled" ? "Opens in " : "";
  return (
    <span className={`countdown${urgent ? " countdown--urgent" : ""}`}>
      <span className="visually-hidden">
        {phase === "scheduled" ? "Opens in " : "Ends in "}
        {seconds === null ? "an unknown time" : countdownSpoken(seconds)}
      </span>
      <span aria-hidden="true">
        {prefix}
        {seconds === null ? "–:––" : countdownText(seconds)}
        {prominent && calling && <em className="countdown__call">{calling}</em>}
      </span>
    </span>
  );
}
