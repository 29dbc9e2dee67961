import { describe, expect, it, vi } from "vitest";
import { type LocalClocks, ServerClock } from "./server-clock";

class TestClocks implements LocalClocks {
  monotonic = 1_000;
  date = 1_700_000_000_000;
  monotonicMs = (): number => this.monotonic;
  dateMs = (): number => this.date;

  pass(ms: number): void {
    this.monotonic += ms;
    this.date += ms;
  }
}

const SERVER_MS = 1_900_000_000_000;

function aClock() {
  const local = new TestClocks();
  return { local, clock: new ServerClock(local) };
}

describe("the server's clock", () => {
  it("is unknown before the first response", () => {
    expect(aClock().clock.nowMs()).toBeNull();
  });

  it("runs from a response, whatever the machine's date", () => {
    const { local, clock } = aClock();
    const sentAt = clock.mark();
    local.pass(100);
    clock.observeResponse(SERVER_MS, sentAt);
    // The server read its clock within these 100 ms, so the middle is off by 50 at most.
    expect(clock.nowMs()).toBe(SERVER_MS + 50);
    local.pass(5_000);
    expect(clock.nowMs()).toBe(SERVER_MS + 5_050);
  });

  it("improves with a faster response and does not degrade with a slower one", () => {
    const { local, clock } = aClock();
    const slow = clock.mark();
    local.pass(2_000);
    clock.observeResponse(SERVER_MS, slow);
    const quick = clock.mark();
    local.pass(10);
    clock.observeResponse(SERVER_MS + 1_405, quick);
    const good = clock.nowMs();
    expect(good).toBe(SERVER_MS + 1_410);
    const slowAgain = clock.mark();
    local.pass(3_000);
    clock.observeResponse(SERVER_MS + 2_000, slowAgain);
    expect(clock.nowMs()).toBe((good ?? 0) + 3_000);
  });

  it("is at least the time of a stream's message", () => {
    const { local, clock } = aClock();
    clock.observeMessage(SERVER_MS);
    local.pass(1_000);
    clock.observeMessage(SERVER_MS + 1_030);
    expect(clock.nowMs()).toBe(SERVER_MS + 1_030);
    clock.observeMessage(SERVER_MS + 500);
    expect(clock.nowMs()).toBe(SERVER_MS + 1_030);
  });

  it("follows a server whose clock was set", () => {
    const { local, clock } = aClock();
    const sentAt = clock.mark();
    local.pass(20);
    clock.observeResponse(SERVER_MS, sentAt);
    const again = clock.mark();
    local.pass(20);
    clock.observeResponse(SERVER_MS - 60_000, again);
    expect(clock.nowMs()).toBe(SERVER_MS - 60_000 + 10);
  });

  it("is unknown after the machine slept or its date was set, until the next reading", () => {
    for (const jump of [
      (local: TestClocks) => (local.date += 3_600_000),
      (local: TestClocks) => (local.date -= 3_600_000),
    ]) {
      const { local, clock } = aClock();
      clock.observeMessage(SERVER_MS);
      jump(local);
      expect(clock.nowMs()).toBeNull();
      clock.observeMessage(SERVER_MS + 3_600_000);
      expect(clock.nowMs()).toBe(SERVER_MS + 3_600_000);
    }
  });

  it("calls its listeners after each reading", () => {
    const { clock } = aClock();
    const listener = vi.fn();
    const stop = clock.subscribe(listener);
    clock.observeMessage(SERVER_MS);
    stop();
    clock.observeMessage(SERVER_MS + 1);
    expect(listener).toHaveBeenCalledTimes(1);
  });
});
