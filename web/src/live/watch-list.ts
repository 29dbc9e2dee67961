import { WATCHED_ITEMS_MAX } from "./feed";

/**
 * The items that the stream watches: those that the page shows, and those that the user has bid on, so that every page
 * can report that they were outbid. If there are more than the limit, the latest requests take precedence, and those
 * added with `behind` come last.
 */
export class WatchList {
  readonly #requests = new Map<symbol, { readonly itemIds: readonly string[]; readonly behind: boolean }>();
  readonly #watch: (itemIds: readonly string[]) => void;
  #due = false;

  constructor(watch: (itemIds: readonly string[]) => void) {
    this.#watch = watch;
  }

  /** Watch these until the returned function is called. */
  add(itemIds: readonly string[], behind = false): () => void {
    const request = Symbol("request");
    this.#requests.set(request, { itemIds, behind });
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
        const requests = [...this.#requests.values()].reverse();
        const inOrder = [...requests.filter(({ behind }) => !behind), ...requests.filter(({ behind }) => behind)];
        const requested = inOrder.flatMap(({ itemIds }) => itemIds);
        this.#watch([...new Set(requested)].slice(0, WATCHED_ITEMS_MAX));
      }, 0);
    }
  }
}
