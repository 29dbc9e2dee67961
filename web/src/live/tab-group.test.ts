// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TabGroup } from "./tab-group";

const REQUESTS_MAX = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("leaves the tab time for other work while the browser denies the leader's lock", async () => {
  let requests = 0;
  // The tab's own lock is held before the user blocks the storage of this site. jsdom has neither locks nor channels.
  const request = (name: string, ...rest: unknown[]): Promise<unknown> => {
    if (!name.endsWith(".leader")) {
      return (rest.at(-1) as () => Promise<void>)();
    }
    requests += 1;
    // A loop without a pause would never end the test.
    return requests < REQUESTS_MAX
      ? Promise.reject(new DOMException("denied", "SecurityError"))
      : new Promise(() => {});
  };
  vi.stubGlobal("navigator", { ...navigator, locks: { request } });
  vi.stubGlobal(
    "BroadcastChannel",
    class extends EventTarget {
      postMessage(): void {}
      close(): void {}
    },
  );
  const onLead = vi.fn();
  const group = new TabGroup("a group", { onLead, onFollow: () => undefined, onMessage: () => undefined });

  group.join();
  await vi.advanceTimersByTimeAsync(1_000);

  expect(requests).toBeGreaterThan(1);
  expect(requests).toBeLessThan(REQUESTS_MAX);
  expect(onLead).not.toHaveBeenCalled();
  group.leave();
});
