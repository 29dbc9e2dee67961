import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { coalesced, SHOWN_MS_MIN } from "./coalesce";

describe("a coalesced subscription", () => {
  const listeners = new Set<() => void>();
  const happen = (): void => listeners.forEach((listener) => void listener());
  const subscribe = coalesced((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  });

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    listeners.clear();
  });

  it("tells once of all that happened within a moment, and of the last of it", () => {
    let state = 0;
    const seen: number[] = [];
    subscribe(() => seen.push(state));
    for (let event = 1; event <= 100; event += 1) {
      state = event;
      happen();
    }
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(seen).toEqual([100]);
    state = 101;
    happen();
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(seen).toEqual([100, 101]);
  });

  it("tells nothing more once it is stopped", () => {
    const listener = vi.fn();
    const stop = subscribe(listener);
    happen();
    stop();
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(listener).not.toHaveBeenCalled();
    expect(listeners.size).toBe(0);
  });
});
