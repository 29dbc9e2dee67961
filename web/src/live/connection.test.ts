import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, NOTICEABLE_MS_MIN } from "./connection";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the connection as it is shown", () => {
  it("does not flash for an interruption that nobody would notice", () => {
    const connection = new Connection();
    const listener = vi.fn();
    connection.subscribe(listener);
    connection.feedIs("live");
    connection.feedIs("reconnecting");
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN - 1);
    connection.feedIs("live");
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN * 2);
    expect(listener).not.toHaveBeenCalled();
  });

  it("is polling while the feed is away and the server still answers", () => {
    const connection = new Connection();
    connection.feedIs("reconnecting");
    connection.answered();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    expect(connection.state()).toBe("polling");
  });

  it("is lost when nobody answers, and polling again with the first answer", () => {
    const connection = new Connection();
    connection.feedIs("reconnecting");
    connection.unanswered();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    expect(connection.state()).toBe("lost");
    connection.answered();
    expect(connection.state()).toBe("polling");
  });

  it("is live the moment the feed is", () => {
    const connection = new Connection();
    connection.feedIs("reconnecting");
    connection.unanswered();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    connection.feedIs("live");
    expect(connection.state()).toBe("live");
  });
});
