// @vitest-environment jsdom
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RECONNECT_MS_MAX } from "../lib/backoff";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { anItem, ITEM_ID, ME } from "../testing/items";
import { aTokenSession, signIn } from "../testing/token-session";
import { Live } from "./live";
import { GATHER_MS } from "./tab-feed";
import { NOTHING_WANTED } from "./watch-list";

const HOUR_MS = 3_600_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  localStorage.clear();
});

describe("a stream whose token expires", () => {
  it("reconnects with the current token, and signed out if that has expired too", async () => {
    const gavel = new InMemoryGavel(anItem());
    const sent: (string | null)[] = [];
    const recording: Interceptor = (next) => (request) => {
      sent.push(request.stream ? request.header.get("Authorization") : "unary");
      return next(request);
    };
    const session = aTokenSession();
    signIn(session, ME, { text: "first" });
    const live = new Live(session, (interceptors) => gavel.transport([...interceptors, recording]));
    const ended = async (): Promise<void> => {
      gavel.stream.end(new ConnectError("the token has expired: resume with a new one", Code.Unauthenticated));
      await vi.advanceTimersByTimeAsync(RECONNECT_MS_MAX);
    };

    live.feed.watch({ ...NOTHING_WANTED, screen: [ITEM_ID] });
    await vi.advanceTimersByTimeAsync(GATHER_MS);
    gavel.stream.snapshot(anItem({ seq: 3n }));
    signIn(session, ME, { text: "second" });
    await ended();
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 3n });
    expect(session.state().problem).toBeNull();
    vi.setSystemTime(Date.now() + HOUR_MS);
    await ended();

    expect(sent.filter((each) => each !== "unary")).toEqual(["Bearer first", "Bearer second", null]);
    expect(session.identity().userId).toBe("");
    expect(session.state().problem?.kind).toBe("expired");
    session.signOut();
    expect(session.state().problem).toBeNull();
    live.feed.stop();
  });

  it("signs the user out whatever this machine's clock says, and so does a response that rejects the token", async () => {
    const gavel = new InMemoryGavel(anItem());
    gavel.methods = {
      placeBid: () => {
        throw new ConnectError("the token has expired", Code.Unauthenticated);
      },
    };
    const session = aTokenSession();
    const live = new Live(session, gavel.transport);

    signIn(session, ME);
    live.feed.watch({ ...NOTHING_WANTED, screen: [ITEM_ID] });
    await vi.advanceTimersByTimeAsync(GATHER_MS);
    gavel.stream.end(new ConnectError("the token has expired: resume with a new one", Code.Unauthenticated));
    await vi.advanceTimersByTimeAsync(RECONNECT_MS_MAX);
    expect(session.state().problem?.kind).toBe("expired");
    expect(session.authorization()).toBeNull();

    signIn(session, ME);
    expect(session.state().problem).toBeNull();
    await expect(live.bids.placeBid({ itemId: ITEM_ID, userId: ME, amount: 100n })).rejects.toThrow("expired");
    expect(session.state().problem?.kind).toBe("expired");
    live.feed.stop();
  });
});
