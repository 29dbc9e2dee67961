import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { BidService, type WatchItemsResponse } from "@gavel/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RECONNECT_MS_MAX } from "../lib/backoff";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { anItem, bidPlaced, ITEM_ID } from "../testing/items";
import { Feed, type FeedState, SILENCE_MS_MAX, WATCHED_ITEMS_MAX } from "./feed";
import { updateOf } from "./feed-cursor";

const OTHER_ID = "00000000-0000-4000-8000-000000000002";

let gavel: InMemoryGavel;
let feed: Feed;
let states: FeedState[];
let messages: WatchItemsResponse[];

beforeEach(() => {
  vi.useFakeTimers();
  gavel = new InMemoryGavel(anItem(), anItem({ id: OTHER_ID }));
  states = [];
  messages = [];
  const bids = createClient(BidService, gavel.transport());
  feed = new Feed({
    open: (items, signal, onHeader) =>
      bids.watchItems({ items: items.map((each) => ({ ...each })) }, { signal, onHeader }),
    existing: async (ids) => ids.filter((id) => gavel.items.has(id)),
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
    random: () => 1,
  });
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});

/** The delivered updates: "snapshot 1", "event 2". */
function delivered(): string[] {
  return messages.flatMap((message) => {
    const update = updateOf(message);
    return update ? [update.kind === "snapshot" ? `snapshot ${update.item.seq}` : `event ${update.event.seq}`] : [];
  });
}

async function settle(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** A stream with response headers and no message. */
async function* silence(signal: AbortSignal, onHeaders: () => void): AsyncGenerator<WatchItemsResponse> {
  onHeaders();
  await new Promise((ended) => signal.addEventListener("abort", ended));
}

async function openAt(seq: bigint): Promise<void> {
  feed.watch([ITEM_ID]);
  await settle();
  gavel.stream.snapshot(anItem({ seq }));
  await settle();
}

describe("the feed", () => {
  it("delivers a snapshot and then each event in order", async () => {
    await openAt(1n);
    gavel.stream.event(bidPlaced(2n));
    gavel.stream.event(bidPlaced(3n));
    await settle();
    expect(delivered()).toEqual(["snapshot 1", "event 2", "event 3"]);
    expect(states).toEqual(["connecting", "live"]);
  });

  it("drops what it has delivered before", async () => {
    await openAt(4n);
    gavel.stream.event(bidPlaced(3n));
    gavel.stream.event(bidPlaced(4n));
    gavel.stream.snapshot(anItem({ seq: 2n }));
    gavel.stream.event(bidPlaced(5n));
    gavel.stream.event(bidPlaced(5n));
    await settle();
    expect(delivered()).toEqual(["snapshot 4", "event 5"]);
  });

  it("detects a gap, delivers nothing after it, and resumes at once from before it", async () => {
    await openAt(1n);
    gavel.stream.event(bidPlaced(2n));
    gavel.stream.event(bidPlaced(4n));
    await settle();
    expect(gavel.streams).toHaveLength(2);
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 2n });
    gavel.stream.event(bidPlaced(3n));
    gavel.stream.event(bidPlaced(4n));
    await settle();
    expect(delivered()).toEqual(["snapshot 1", "event 2", "event 3", "event 4"]);
  });

  it("resumes after a broken stream from the last seq of each item, without duplicates", async () => {
    feed.watch([ITEM_ID, OTHER_ID]);
    await settle();
    gavel.stream.snapshot(anItem({ seq: 3n }));
    gavel.stream.event(bidPlaced(4n));
    await settle();
    gavel.stream.end(new ConnectError("stopping: come back", Code.Unavailable));
    await settle();
    expect(states.at(-1)).toBe("reconnecting");
    await settle(RECONNECT_MS_MAX);
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 4n, [OTHER_ID]: 0n });
    gavel.stream.event(bidPlaced(4n));
    gavel.stream.event(bidPlaced(5n));
    await settle();
    expect(delivered()).toEqual(["snapshot 3", "event 4", "event 5"]);
    expect(states.at(-1)).toBe("live");
  });

  it("reconnects after a stream that ends without an error", async () => {
    await openAt(1n);
    gavel.stream.end();
    await settle(RECONNECT_MS_MAX);
    expect(gavel.streams).toHaveLength(2);
  });

  it("backs off after each failure, up to a bound, and never gives up", async () => {
    gavel.feedIsUp = false;
    const at: number[] = [];
    const start = Date.now();
    const bids = createClient(BidService, gavel.transport());
    const failing = new Feed({
      open: (items, signal) => {
        at.push(Date.now() - start);
        return bids.watchItems({ items: items.map((each) => ({ ...each })) }, { signal });
      },
      existing: async (ids) => [...ids],
      onState: () => undefined,
      onMessage: () => undefined,
      random: () => 1,
    });
    failing.watch([ITEM_ID]);
    await settle(60_000);
    failing.stop();
    const pauses = at.slice(1).map((each, index) => each - (at[index] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, RECONNECT_MS_MAX]);
    expect(pauses.slice(6).every((pause) => pause === RECONNECT_MS_MAX)).toBe(true);
  });

  it("reconnects when heartbeats are missing", async () => {
    await openAt(1n);
    for (let beats = 0; beats < 6; beats += 1) {
      await settle(15_000);
      gavel.stream.heartbeat();
    }
    await settle();
    expect(gavel.streams).toHaveLength(1);
    await settle(SILENCE_MS_MAX + RECONNECT_MS_MAX);
    expect(gavel.streams).toHaveLength(2);
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 1n });
  });

  it("is live by the response headers while a resumed stream has no message yet", async () => {
    const quiet = new Feed({
      open: (_positions, signal, onHeaders) => silence(signal, onHeaders),
      existing: async (ids) => [...ids],
      onState: (state) => states.push(state),
      onMessage: () => undefined,
    });
    quiet.watch([ITEM_ID]);
    await settle(299);
    expect(states).toEqual(["connecting"]);
    await settle(1);
    expect(states).toEqual(["connecting", "live"]);
    quiet.stop();
  });

  it("reconnects at once when the stream is known to be dead", async () => {
    await openAt(1n);
    feed.wake("dead");
    await settle();
    expect(gavel.streams).toHaveLength(2);
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 1n });
  });

  it("keeps a stream that had a message a moment ago", async () => {
    await openAt(1n);
    feed.wake();
    await settle();
    expect(gavel.streams).toHaveLength(1);
  });

  it("reconnects at once when it is woken during a pause", async () => {
    gavel.feedIsUp = false;
    feed.watch([ITEM_ID]);
    await settle(4_000);
    gavel.feedIsUp = true;
    feed.wake();
    await settle();
    expect(gavel.streams).toHaveLength(1);
  });

  it("ends its stream when it is stopped and resumes from its position", async () => {
    await openAt(7n);
    feed.stop();
    await settle(60_000);
    expect(states.at(-1)).toBe("reconnecting");
    expect(gavel.streams).toHaveLength(1);
    feed.wake();
    await settle();
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 7n });
  });

  it("keeps the position of an item when others change, and forgets that of removed ones", async () => {
    await openAt(7n);
    feed.watch([ITEM_ID, OTHER_ID]);
    await settle();
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 7n, [OTHER_ID]: 0n });
    feed.watch([OTHER_ID]);
    await settle();
    feed.watch([ITEM_ID]);
    await settle();
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 0n });
  });

  it("does not open another stream for the same items", async () => {
    await openAt(1n);
    feed.watch([ITEM_ID]);
    await settle();
    expect(gavel.streams).toHaveLength(1);
  });

  it("watches a hundred items at most", async () => {
    feed.watch(Array.from({ length: 150 }, (_, index) => `item ${index}`));
    await settle();
    expect(gavel.stream.request.items).toHaveLength(WATCHED_ITEMS_MAX);
  });

  it("drops an item that does not exist and keeps watching the others", async () => {
    gavel.items.delete(OTHER_ID);
    feed.watch([ITEM_ID, OTHER_ID]);
    await settle();
    gavel.stream.end(new ConnectError("no item has that id", Code.NotFound));
    await settle(RECONNECT_MS_MAX);
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 0n });
  });

  it("is idle, with no stream, while nothing is watched", async () => {
    await openAt(1n);
    feed.watch([]);
    await settle();
    expect(states.at(-1)).toBe("idle");
    await settle(SILENCE_MS_MAX * 2);
    expect(gavel.streams).toHaveLength(1);
  });
});
