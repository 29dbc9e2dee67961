import { WATCHED_ITEMS_MAX } from "./feed";

/**
 * Which items the one stream watches: those that the page shows, and those on which someone has bid, so
 * that being outbid is told wherever they are. Where a hundred are too few, what was asked for last comes first, and what
 * was asked for `behind` comes behind all else.
 */
export class WatchList {
  readonly #wishes = new Map<symbol, { readonly itemIds: readonly string[]; readonly behind: boolean }>();
  readonly #watch: (itemIds: readonly string[]) => void;
  #due = false;

  constructor(watch: (itemIds: readonly string[]) => void) {
    this.#watch = watch;
  }

  /** Watch these until the returned function is called. */
  add(itemIds: readonly string[], behind = false): () => void {
    const wish = Symbol("wish");
    this.#wishes.set(wish, { itemIds, behind });
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
        const wishes = [...this.#wishes.values()].reverse();
        const inOrder = [...wishes.filter(({ behind }) => !behind), ...wishes.filter(({ behind }) => behind)];
        const wished = inOrder.flatMap(({ itemIds }) => itemIds);
        this.#watch([...new Set(wished)].slice(0, WATCHED_ITEMS_MAX));
      }, 0);
    }
  }
}
