import type { Bid, GetItemBidsResponse } from "@gavel/client";

export const HISTORY_PAGE_SIZE = 100;
/** The most bids that are kept; then the list starts again with the newest ones. A tab may stay open for days. */
export const HISTORY_BIDS_MAX = 5_000;

export type History = {
  /** Newest first, without a gap. */
  readonly bids: readonly Bid[];
  /** Whether older bids can be read. */
  readonly hasOlder: boolean;
  readonly state: "loading" | "ready" | "failed";
};

type ReadPage = (pageToken: string) => Promise<GetItemBidsResponse>;

/** The pause before a failed read is repeated, as long as there is a subscriber. */
export const RETRY_MS = 2_500;

/**
 * One item's bids as far back as they were read, kept without a gap while new ones arrive.
 *
 * Events of the feed have no gaps between them. A snapshot may skip events, so `reload` must follow every snapshot. A
 * page is joined to the list only if the list had no gap when the page was requested, and if the page overlaps it.
 */
export class BidHistory {
  #bids: readonly Bid[] = [];
  #olderToken = "";
  #view: History = { bids: [], hasOlder: false, state: "loading" };
  #reading: Promise<void> | null = null;
  #again = false;
  #wasRead = false;
  /** The newest seq up to which the list had no gap when the pending page was first requested. */
  #gaplessUpTo: bigint | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #readPage: ReadPage;
  readonly #listeners = new Set<() => void>();

  constructor(readPage: ReadPage) {
    this.#readPage = readPage;
  }

  readonly view = (): History => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) {
        clearTimeout(this.#retry);
      }
    };
  };

  /** Add a bid from the feed. One that is not newer than the newest is known already. */
  add(bid: Bid): void {
    const newest = this.#bids[0];
    if (!newest || bid.seq > newest.seq) {
      this.#set([bid, ...this.#bids], this.#olderToken, this.#view.state);
    }
    if (this.#bids.length > HISTORY_BIDS_MAX) {
      this.#bids = [];
      void this.reload();
    }
  }

  /** Read the newest page and join it to the list. Calls during a read lead to one more read. */
  reload(): Promise<void> {
    clearTimeout(this.#retry);
    const newest = this.#bids[0]?.seq ?? 0n;
    this.#gaplessUpTo = this.#gaplessUpTo === null || newest < this.#gaplessUpTo ? newest : this.#gaplessUpTo;
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#reload().finally(() => {
      this.#reading = null;
      if (this.#again) {
        this.#again = false;
        void this.reload();
      }
    });
    return this.#reading;
  }

  /** Read one more page of older bids. */
  async readOlder(): Promise<void> {
    const token = this.#olderToken;
    if (!token) {
      return;
    }
    const page = await this.#readPage(token);
    if (token === this.#olderToken) {
      const oldest = this.#bids.at(-1);
      const older = page.bids.filter((bid) => !oldest || bid.seq < oldest.seq);
      this.#set([...this.#bids, ...older], page.nextPageToken, "ready");
    }
  }

  async #reload(): Promise<void> {
    try {
      const page = await this.#readPage("");
      const [first, last] = [page.bids[0], page.bids.at(-1)];
      const newer = this.#bids.filter((bid) => !first || bid.seq > first.seq);
      const isReached = last !== undefined && (this.#gaplessUpTo ?? 0n) >= last.seq;
      const older = isReached ? this.#bids.filter((bid) => bid.seq < last.seq) : [];
      // Another reload was requested during this one, so `newer` may have a gap.
      this.#gaplessUpTo = this.#again ? this.#gaplessUpTo : null;
      this.#wasRead = true;
      this.#set([...newer, ...page.bids, ...older], older.length > 0 ? this.#olderToken : page.nextPageToken, "ready");
    } catch {
      this.#set(this.#bids, this.#olderToken, this.#wasRead ? "ready" : "failed");
      if (this.#listeners.size > 0) {
        this.#retry = setTimeout(() => void this.reload(), RETRY_MS);
      }
    }
  }

  #set(bids: readonly Bid[], olderToken: string, state: History["state"]): void {
    this.#bids = bids;
    this.#olderToken = olderToken;
    // Before the first page, the bids from the feed may be only some of all.
    this.#view = { bids: state === "ready" ? bids : [], hasOlder: olderToken !== "", state };
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
