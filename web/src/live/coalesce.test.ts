import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { coalesced, SHOWN_MS_MIN } from "./coalesce";

describe("a coalesced subscription", () => {
  const listeners = new Set<() => void>();
  const change = (): void => listeners.forEach((listener) => void listener());
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

  it("calls its listener once for all changes of an interval, after the last one", () => {
    let state = 0;
    const seen: number[] = [];
    subscribe(() => seen.push(state));
    for (let event = 1; event <= 100; event += 1) {
      state = event;
      change();
    }
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(seen).toEqual([100]);
    state = 101;
    change();
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(seen).toEqual([100, 101]);
  });

  it("does not call its listener after it is unsubscribed", () => {
    const listener = vi.fn();
    const unsubscribe = subscribe(listener);
    change();
    unsubscribe();
    vi.advanceTimersByTime(SHOWN_MS_MIN);
    expect(listener).not.toHaveBeenCalled();
    expect(listeners.size).toBe(0);
  });
});
