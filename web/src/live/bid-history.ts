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

/** How long until a page that did not come is asked for again, as long as someone looks. */
export const RETRY_MS = 2_500;

/**
 * One item's bids as far back as someone has asked for, kept whole while new ones arrive.
 *
 * The feed leaves no gap between two of its events, and `reload` is due after every snapshot, which may have jumped.
 * So a page is joined to what is there only where that was whole when the page was asked for, and reaches into it.
 */
export class BidHistory {
  #bids: readonly Bid[] = [];
  #olderToken = "";
  #view: History = { bids: [], hasOlder: false, state: "loading" };
  #reading: Promise<void> | null = null;
  #again = false;
  #wasRead = false;
  /** The newest seq up to which the list was whole when the page that is due was first asked for. */
  #wholeUpTo: bigint | null = null;
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

  /** Take a bid that the feed told. Older than the newest: known already. */
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

  /** Read the newest page and join it to what is there. Calls during a read lead to one more read. */
  reload(): Promise<void> {
    clearTimeout(this.#retry);
    const newest = this.#bids[0]?.seq ?? 0n;
    this.#wholeUpTo = this.#wholeUpTo === null || newest < this.#wholeUpTo ? newest : this.#wholeUpTo;
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
      const isReached = last !== undefined && (this.#wholeUpTo ?? 0n) >= last.seq;
      const older = isReached ? this.#bids.filter((bid) => bid.seq < last.seq) : [];
      // Asked for again meanwhile: then there may be a hole in `newer`.
      this.#wholeUpTo = this.#again ? this.#wholeUpTo : null;
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
    // Until a page has come, what the feed told may be anything but all.
    this.#view = { bids: state === "ready" ? bids : [], hasOlder: olderToken !== "", state };
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
