import { WATCHED_ITEMS_MAX } from "./feed";

/**
 * Why an item is watched:
 *
 * - `screen`: the user sees it.
 * - `bids`: the user has bid on it, so that every page can report that they were outbid.
 * - `others`: it is loaded, and may come into sight.
 */
export type WatchReason = "screen" | "bids" | "others";
export type Wanted = Readonly<Record<WatchReason, readonly string[]>>;

export const NOTHING_WANTED: Wanted = { screen: [], bids: [], others: [] };

/** The items that one tab wants to watch, and why. The latest requests come first. */
export class WatchList {
  readonly #requests = new Map<symbol, { readonly itemIds: readonly string[]; readonly reason: WatchReason }>();
  readonly #watch: (wanted: Wanted) => void;
  #due = false;

  constructor(watch: (wanted: Wanted) => void) {
    this.#watch = watch;
  }

  /** Watch these until the returned function is called. */
  add(itemIds: readonly string[], reason: WatchReason = "screen"): () => void {
    const request = Symbol("request");
    this.#requests.set(request, { itemIds, reason });
    this.#schedule();
    return () => {
      this.#requests.delete(request);
      this.#schedule();
    };
  }

  /** Batch the changes of one turn, such as those of a navigation, into one change of the stream. */
  #schedule(): void {
    if (!this.#due) {
      this.#due = true;
      setTimeout(() => {
        this.#due = false;
        this.#watch({ screen: this.#of("screen"), bids: this.#of("bids"), others: this.#of("others") });
      }, 0);
    }
  }

  #of(reason: WatchReason): string[] {
    const latestFirst = [...this.#requests.values()].reverse().filter((request) => request.reason === reason);
    return unique(latestFirst.flatMap(({ itemIds }) => itemIds)).slice(0, WATCHED_ITEMS_MAX);
  }
}

/**
 * Choose the items of the stream among those that the tabs want: first what is on screen and what the user has bid on,
 * in turns, however many others there are. Of the others, those that are watched already come first, so that the
 * stream changes only for something urgent.
 */
export function chooseWatched(tabs: readonly Wanted[], watched: readonly string[]): string[] {
  const urgent = inTurns(tabs.flatMap(({ screen, bids }) => [screen, bids]));
  const others = new Set(tabs.flatMap((tab) => tab.others));
  const keptOthers = watched.filter((id) => others.has(id));
  return unique([...urgent, ...keptOthers, ...others]).slice(0, WATCHED_ITEMS_MAX);
}

/** The first of each list, then the second of each, and so on. */
function inTurns(lists: readonly (readonly string[])[]): string[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

function unique(itemIds: readonly string[]): string[] {
  return [...new Set(itemIds)];
}
