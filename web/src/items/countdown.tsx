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

/** The time left until an auction opens or ends, by the server's clock, as texts. */
export function useCountdown(item: Item) {
  const phase = usePhase(item);
  const untilMs = phase === "scheduled" ? startMs(item) : endMs(item);
  const seconds = useServerTime((nowMs) => (nowMs === null ? null : secondsLeft(untilMs, nowMs)));
  return {
    phase,
    text: seconds === null ? "–:––" : countdownText(seconds),
    spoken: seconds === null ? "an unknown time" : countdownSpoken(seconds),
    /** The auctioneer's call for the last seconds. */
    call: phase === "open" && seconds !== null ? call(seconds) : null,
    isUrgent: phase === "open" && seconds !== null && seconds <= URGENT_SECONDS_MAX,
  };
}

/** The time left until an auction opens or ends; then its outcome. */
export function Countdown({ item }: { item: Item }) {
  const { phase, text, spoken, isUrgent } = useCountdown(item);
  if (phase !== "open" && phase !== "scheduled") {
    return <span className={`countdown countdown--${phase}`}>{OVER[phase]}</span>;
  }
  const prefix = phase === "scheduled" ? "Opens in " : "";
  return (
    <span className={`countdown${isUrgent ? " countdown--urgent" : ""}`}>
      <span className="visually-hidden">
        {phase === "scheduled" ? "Opens in " : "Ends in "}
        {spoken}
      </span>
      <span aria-hidden="true">
        {prefix}
        {text}
      </span>
    </span>
  );
}
