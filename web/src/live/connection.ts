import type { FeedState } from "./feed";

/** Shorter interruptions are nobody's business. */
export const NOTICEABLE_MS_MIN = 1_500;

/**
 * - `live`: the feed tells every change as it happens.
 * - `polling`: the feed is away and on its way back; what is shown is asked for every few seconds.
 * - `lost`: nobody answers at all, so what is shown may be out of date.
 */
export type ConnectionState = "live" | "polling" | "lost";

/** How well the page hears the server, smoothed so that a hiccup does not flash. */
export class Connection {
  #feed: FeedState = "idle";
  #unanswered = false;
  #shown: ConnectionState = "live";
  #pending: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  readonly state = (): ConnectionState => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  feedIs(state: FeedState): void {
    this.#feed = state;
    if (state === "live") {
      this.#unanswered = false;
    }
    this.#settle();
  }

  answered(): void {
    this.#unanswered = false;
    this.#settle();
  }

  unanswered(): void {
    this.#unanswered = true;
    this.#settle();
  }

  get #actual(): ConnectionState {
    const feedIsFine = this.#feed === "live" || this.#feed === "idle";
    if (this.#unanswered && this.#feed !== "live") {
      return "lost";
    }
    return feedIsFine ? "live" : "polling";
  }

  #settle(): void {
    if (this.#actual === "live" || this.#shown !== "live") {
      clearTimeout(this.#pending);
      this.#pending = undefined;
      this.#show();
    } else {
      this.#pending ??= setTimeout(() => {
        this.#pending = undefined;
        this.#show();
      }, NOTICEABLE_MS_MIN);
    }
  }

  #show(): void {
    if (this.#shown !== this.#actual) {
      this.#shown = this.#actual;
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }
}
