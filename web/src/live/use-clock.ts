import { useCallback, useSyncExternalStore } from "react";
import type { ServerClock } from "../clock/server-clock";
import { useLive } from "./live-context";

const TICK_MS = 200;

const tickListeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

/** One timer for all countdowns. */
function onTick(listener: () => void): () => void {
  tickListeners.add(listener);
  ticking ??= setInterval(() => {
    for (const each of tickListeners) {
      each();
    }
  }, TICK_MS);
  return () => {
    tickListeners.delete(listener);
    if (tickListeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** A value derived from the server's time (null while that is unknown). Renders again only when the value changes. */
export function useServerTime<Value extends string | number | boolean | null>(
  derive: (nowMs: number | null) => Value,
): Value {
  const { clock } = useLive();
  const subscribe = useCallback((listener: () => void) => everyTick(clock, listener), [clock]);
  return useSyncExternalStore(subscribe, () => derive(clock.nowMs()));
}

function everyTick(clock: ServerClock, listener: () => void): () => void {
  const stops = [onTick(listener), clock.subscribe(listener)];
  return () => {
    for (const stop of stops) {
      stop();
    }
  };
}
