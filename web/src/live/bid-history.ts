import type { Bid, GetItemBidsResponse } from "@gavel/client";

export const HISTORY_PAGE_SIZE = 100;
/** Beyond so many bids the page starts again with the newest ones: a tab may stay open for days. */
export const HISTORY_BIDS_MAX = 5_000;

export type History = {
  /** Newest first, without a hole. */
  readonly bids: readonly Bid[];
  /** Whether older ones can be asked for. */
  readonly hasOlder: boolean;
  readonly state: "loading" | "ready" | "failed";
};

type ReadPage = (pageToken: string) => Promise<GetItemBidsResponse>;

/**
 * One item's bids as far back as someone has asked for, kept whole while new ones arrive.
 *
 * The feed leaves no gap between two of its events, and `reload` is due after every snapshot, which may have jumped;
 * so what is listed here never has a hole.
 */
export class BidHistory {
  #bids: readonly Bid[] = [];
  #olderToken = "";
  #view: History = { bids: [], hasOlder: false, state: "loading" };
  #reading: Promise<void> | null = null;
  #again = false;
  readonly #readPage: ReadPage;
  readonly #listeners = new Set<() => void>();

  constructor(readPage: ReadPage) {
    this.#readPage = readPage;
  }

  readonly view = (): History => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Take a bid that the feed told. Older than the newest: known already. */
  add(bid: Bid): void {
    const newest = this.#bids[0];
    if (this.#view.state !== "loading" && (!newest || bid.seq > newest.seq)) {
      this.#set([bid, ...this.#bids], this.#olderToken, "ready");
    }
    if (this.#bids.length > HISTORY_BIDS_MAX) {
      this.#bids = [];
      void this.reload();
    }
  }

  /** Read the newest page and join it to what is there. Calls during a read lead to one more read. */
  reload(): Promise<void> {
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
      const last = page.bids.at(-1);
      const known = this.#bids;
      const newer = known.filter((bid) => !page.bids[0] || bid.seq > page.bids[0].seq);
      if (last && known.some((bid) => bid.seq >= last.seq)) {
        const older = known.filter((bid) => bid.seq < last.seq);
        this.#set(
          [...newer, ...page.bids, ...older],
          older.length > 0 ? this.#olderToken : page.nextPageToken,
          "ready",
        );
      } else {
        this.#set([...newer, ...page.bids], page.nextPageToken, "ready");
      }
    } catch {
      this.#set(this.#bids, this.#olderToken, this.#bids.length > 0 ? "ready" : "failed");
    }
  }

  #set(bids: readonly Bid[], olderToken: string, state: History["state"]): void {
    this.#bids = bids;
    this.#olderToken = olderToken;
    this.#view = { bids, hasOlder: olderToken !== "", state };
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
