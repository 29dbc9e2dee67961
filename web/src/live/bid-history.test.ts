import { create } from "@bufbuild/protobuf";
import { type GetItemBidsResponse, GetItemBidsResponseSchema } from "@gavel/client";
import { describe, expect, it, vi } from "vitest";
import { aBid } from "../testing/items";
import { BidHistory, HISTORY_BIDS_MAX, RETRY_MS } from "./bid-history";

const PAGE = 3n;

/** A server with bids of seq 2 to `last`, in pages of three. A page token is the seq that follows the page. */
function pages(last: bigint): {
  last: bigint;
  read: (token: string) => Promise<GetItemBidsResponse>;
  requested: string[];
} {
  const server = {
    last,
    requested: [] as string[],
    read: async (token: string): Promise<GetItemBidsResponse> => {
      server.requested.push(token);
      const from = token ? BigInt(token) - 1n : server.last;
      const seqs = Array.from({ length: Number(PAGE) }, (_, index) => from - BigInt(index)).filter((seq) => seq >= 2n);
      const nextPageToken = (seqs.at(-1) ?? 2n) > 2n ? String(seqs.at(-1)) : "";
      return create(GetItemBidsResponseSchema, { bids: seqs.map((seq) => aBid(seq)), nextPageToken });
    },
  };
  return server;
}

function seqs(history: BidHistory): number[] {
  return history.view().bids.map((bid) => Number(bid.seq));
}

describe("a history", () => {
  it("begins with the newest page and reads older ones on demand", async () => {
    const history = new BidHistory(pages(9n).read);
    expect(history.view().state).toBe("loading");
    await history.reload();
    expect(seqs(history)).toEqual([9, 8, 7]);
    await history.readOlder();
    await history.readOlder();
    expect(seqs(history)).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
    expect(history.view().hasOlder).toBe(false);
  });

  it("adds each bid of the feed once", async () => {
    const history = new BidHistory(pages(4n).read);
    await history.reload();
    history.add(aBid(5n));
    history.add(aBid(5n));
    history.add(aBid(4n));
    history.add(aBid(6n));
    expect(seqs(history)).toEqual([6, 5, 4, 3, 2]);
  });

  it("joins a newer page to the list and can still read older ones", async () => {
    const server = pages(9n);
    const history = new BidHistory(server.read);
    await history.reload();
    await history.readOlder();
    server.last = 11n;
    await history.reload();
    expect(seqs(history)).toEqual([11, 10, 9, 8, 7, 6, 5, 4]);
    await history.readOlder();
    expect(seqs(history)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
  });

  it("starts again with the newest page if that leaves a gap", async () => {
    const server = pages(5n);
    const history = new BidHistory(server.read);
    await history.reload();
    server.last = 50n;
    await history.reload();
    expect(seqs(history)).toEqual([50, 49, 48]);
    await history.readOlder();
    expect(seqs(history)).toEqual([50, 49, 48, 47, 46, 45]);
  });

  it("keeps a bid of the feed that arrives while a page is read", async () => {
    const server = pages(4n);
    const history = new BidHistory(server.read);
    await history.reload();
    const reading = history.reload();
    history.add(aBid(5n));
    await reading;
    expect(seqs(history)).toEqual([5, 4, 3, 2]);
  });

  it("keeps a bid of the feed that arrives while the first page is read, and shows both together", async () => {
    const server = pages(4n);
    const history = new BidHistory(server.read);
    const reading = history.reload();
    history.add(aBid(5n));
    expect(history.view()).toMatchObject({ bids: [], state: "loading" });
    await reading;
    expect(seqs(history)).toEqual([5, 4, 3, 2]);
  });

  it("has no gap if a bid arrives between a snapshot and the page after it", async () => {
    const server = pages(5n);
    const history = new BidHistory(server.read);
    await history.reload();
    server.last = 50n;
    const reading = history.reload();
    history.add(aBid(51n));
    await reading;
    expect(seqs(history)).toEqual([51, 50, 49, 48]);
  });

  it("has no gap after two snapshots during one read", async () => {
    const server = pages(5n);
    const history = new BidHistory(server.read);
    await history.reload();
    server.last = 50n;
    const reading = history.reload();
    server.last = 90n;
    const again = history.reload();
    history.add(aBid(91n));
    await Promise.all([reading, again]);
    await history.reload();
    expect(seqs(history)).toEqual([91, 90, 89, 88]);
  });

  it("shows no bids until the first page is read, and retries a failed read", async () => {
    vi.useFakeTimers();
    try {
      let isDown = true;
      const server = pages(4n);
      const history = new BidHistory(async (token) =>
        isDown ? Promise.reject(new Error("unavailable")) : server.read(token),
      );
      const unsubscribe = history.subscribe(() => undefined);
      await history.reload();
      history.add(aBid(5n));
      expect(history.view()).toMatchObject({ bids: [], state: "failed" });
      isDown = false;
      await vi.advanceTimersByTimeAsync(RETRY_MS);
      expect(seqs(history)).toEqual([5, 4, 3, 2]);
      unsubscribe();
    } finally {
      vi.useRealTimers();
    }
  });

  it("reads once more after any number of reloads during a read", async () => {
    const server = pages(4n);
    const history = new BidHistory(server.read);
    await Promise.all([history.reload(), history.reload(), history.reload()]);
    await history.reload();
    expect(server.requested.length).toBeLessThanOrEqual(3);
  });

  it("reports a failure only if it has nothing to show", async () => {
    const failing = new BidHistory(async () => Promise.reject(new Error("unavailable")));
    await failing.reload();
    expect(failing.view().state).toBe("failed");

    let isDown = false;
    const server = pages(4n);
    const history = new BidHistory(async (token) =>
      isDown ? Promise.reject(new Error("unavailable")) : server.read(token),
    );
    await history.reload();
    isDown = true;
    await history.reload();
    expect(history.view().state).toBe("ready");
    expect(seqs(history)).toEqual([4, 3, 2]);
  });

  it("is bounded", async () => {
    const server = pages(4n);
    const history = new BidHistory(server.read);
    await history.reload();
    for (let seq = 5n; seq < BigInt(HISTORY_BIDS_MAX) + 20n; seq += 1n) {
      server.last = seq;
      history.add(aBid(seq));
    }
    await history.reload();
    expect(history.view().bids.length).toBeLessThan(HISTORY_BIDS_MAX);
    expect(history.view().bids[0]?.seq).toBe(BigInt(HISTORY_BIDS_MAX) + 19n);
  });
});
