import type { FeedState } from "./feed";

/** Shorter interruptions are not shown. */
export const NOTICEABLE_MS_MIN = 1_500;

/**
 * - `live`: the feed delivers every change as it happens.
 * - `polling`: the feed is reconnecting; the page polls every few seconds.
 * - `unanswered`: the feed is up, but a request got no response in time.
 * - `lost`: the server does not respond, so what is shown may be out of date.
 */
export type ConnectionState = "live" | "polling" | "unanswered" | "lost";

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

  /** Note a request without a response, after it was waited for. */
  didNotRespond(waitedMs = 0): void {
    this.#isUnreachable = true;
    this.#settle(waitedMs);
  }

  get #current(): ConnectionState {
    const isFeedUp = this.#feed === "live" || this.#feed === "idle";
    if (this.#isUnreachable) {
      return this.#feed === "live" ? "unanswered" : "lost";
    }
    return isFeedUp ? "live" : "polling";
  }

  #settle(interruptedMs = 0): void {
    if (this.#current === "live" || this.#shown !== "live" || interruptedMs >= NOTICEABLE_MS_MIN) {
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
