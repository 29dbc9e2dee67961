import type { FeedState } from "./feed";

/** Shorter interruptions are not shown. */
export const NOTICEABLE_MS_MIN = 1_500;

/**
 * - `live`: the feed delivers every change as it happens.
 * - `polling`: the feed is reconnecting; the page polls every few seconds.
 * - `lost`: the server does not respond, so what is shown may be out of date.
 */
export type ConnectionState = "live" | "polling" | "lost";

/** The state of the connection to the server, debounced so that short interruptions are not shown. */
export class Connection {
  #feed: FeedState = "idle";
  #isUnreachable = false;
  #shown: ConnectionState = "live";
  #pending: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  readonly state = (): ConnectionState => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  feedChanged(state: FeedState): void {
    this.#feed = state;
    if (state === "live") {
      this.#isUnreachable = false;
    }
    this.#settle();
  }

  responded(): void {
    this.#isUnreachable = false;
    this.#settle();
  }

  didNotRespond(): void {
    this.#isUnreachable = true;
    this.#settle();
  }

  get #current(): ConnectionState {
    const isFeedUp = this.#feed === "live" || this.#feed === "idle";
    if (this.#isUnreachable && this.#feed !== "live") {
      return "lost";
    }
    return isFeedUp ? "live" : "polling";
  }

  #settle(): void {
    if (this.#current === "live" || this.#shown !== "live") {
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
    if (this.#shown !== this.#current) {
      this.#shown = this.#current;
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }
}
