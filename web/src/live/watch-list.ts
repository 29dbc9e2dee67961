import { WATCHED_ITEMS_MAX } from "./feed";

/**
 * Which items the one stream watches: those that the page shows, and those on which someone has a bid standing, so
 * that being outbid is told wherever they are. What was asked for last comes first where a hundred are too few.
 */
export class WatchList {
  readonly #wishes = new Map<symbol, readonly string[]>();
  readonly #watch: (itemIds: readonly string[]) => void;
  #due = false;

  constructor(watch: (itemIds: readonly string[]) => void) {
    this.#watch = watch;
  }

  /** Watch these until the returned function is called. */
  add(itemIds: readonly string[]): () => void {
    const wish = Symbol("wish");
    this.#wishes.set(wish, itemIds);
    this.#schedule();
    return () => {
      this.#wishes.delete(wish);
      this.#schedule();
    };
  }

  /** A page that changes takes back and asks in one turn: one change of the stream. */
  #schedule(): void {
    if (!this.#due) {
      this.#due = true;
      setTimeout(() => {
        this.#due = false;
        const wished = [...this.#wishes.values()].reverse().flat();
        this.#watch([...new Set(wished)].slice(0, WATCHED_ITEMS_MAX));
      }, 0);
    }
  }
}
