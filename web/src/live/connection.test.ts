import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, NOTICEABLE_MS_MIN } from "./connection";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the connection state", () => {
  it("ignores short interruptions", () => {
    const connection = new Connection();
    const listener = vi.fn();
    connection.subscribe(listener);
    connection.feedChanged("live");
    connection.feedChanged("reconnecting");
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN - 1);
    connection.feedChanged("live");
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN * 2);
    expect(listener).not.toHaveBeenCalled();
  });

  it("is polling while the feed is down and the server responds", () => {
    const connection = new Connection();
    connection.feedChanged("reconnecting");
    connection.responded();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    expect(connection.state()).toBe("polling");
  });

  it("is lost while the server does not respond, and polling after its next response", () => {
    const connection = new Connection();
    connection.feedChanged("reconnecting");
    connection.didNotRespond();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    expect(connection.state()).toBe("lost");
    connection.responded();
    expect(connection.state()).toBe("polling");
  });

  it("is unanswered at once after a request that was waited for, even while the feed is up", () => {
    const connection = new Connection();
    connection.feedChanged("live");
    connection.didNotRespond(4_500);
    expect(connection.state()).toBe("unanswered");
    connection.responded();
    expect(connection.state()).toBe("live");
  });

  it("is live as soon as the feed is", () => {
    const connection = new Connection();
    connection.feedChanged("reconnecting");
    connection.didNotRespond();
    vi.advanceTimersByTime(NOTICEABLE_MS_MIN);
    connection.feedChanged("live");
    expect(connection.state()).toBe("live");
  });
});
