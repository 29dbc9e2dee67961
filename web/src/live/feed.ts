import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchItemsResponse } from "@gavel/client";
import { backoffMs } from "../lib/backoff";
import { FeedCursor, itemIdOf, updateOf } from "./feed-cursor";

/** The contract's limit of items per stream. */
export const WATCHED_ITEMS_MAX = 100;
/** Heartbeats come every 15 s. A stream that misses two of them is dead. */
export const SILENCE_MS_MAX = 40_000;
const SILENCE_TICKS = 4;
/** When the page resumes after a pause, a stream that was silent for longer is taken for dead. */
export const SILENCE_AFTER_PAUSE_MS_MAX = 20_000;
/** After a stream that lasted at least this long, back-off starts anew. */
export const STEADY_MS_MIN = 5_000;
/** A stream with response headers and no message yet counts as live after this time without an error. */
const HEADERS_SETTLE_MS = 300;

export type FeedState = "idle" | "connecting" | "live" | "reconnecting";
export type ResumePosition = { readonly itemId: string; readonly afterSeq: bigint };

export type FeedPorts = {
  /** Open a stream. Returns or throws when the stream ends or the signal aborts. */
  open(
    positions: readonly ResumePosition[],
    signal: AbortSignal,
    onHeaders: () => void,
  ): AsyncIterable<WatchItemsResponse>;
  /** Return which of these items exist. Called when the server refused a stream because one does not. */
  existing(itemIds: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /** Receive each item's updates in the order of seq, each once, without a gap; and every heartbeat. */
  onMessage(message: WatchItemsResponse): void;
  onState(state: FeedState): void;
  random?: () => number;
};

class Gap extends Error {}

/**
 * One live stream for up to 100 items that misses no event: it reconnects by itself and resumes each item after the last
 * seq that it delivered.
 */
export class Feed {
  readonly #ports: FeedPorts;
  readonly #cursor: FeedCursor;
  #wanted: readonly string[] = [];
  #session: AbortController | null = null;
  #stream: AbortController | null = null;
  #skipPause: (() => void) | null = null;
  #lastMessageAtMs = 0;
  #state: FeedState = "idle";

  constructor(ports: FeedPorts, cursor = new FeedCursor()) {
    this.#ports = ports;
    this.#cursor = cursor;
  }

  get state(): FeedState {
    return this.#state;
  }

  get watched(): readonly string[] {
    return this.#wanted;
  }

  /** Watch exactly these items from now on, or the first 100 of them. */
  watch(itemIds: readonly string[]): void {
    const wanted = [...new Set(itemIds)].slice(0, WATCHED_ITEMS_MAX);
    if (wanted.length === this.#wanted.length && wanted.every((id) => this.#wanted.includes(id))) {
      return;
    }
    this.#wanted = wanted;
    this.#cursor.keep(wanted);
    if (this.#session) {
      this.#restart();
    } else {
      this.start();
    }
  }

  /** Start, also after `stop`. */
  start(): void {
    if (this.#session || this.#wanted.length === 0) {
      return;
    }
    this.#session = new AbortController();
    void this.#run(this.#session.signal);
  }

  /** End the stream and do not reconnect. Keeps the position in each item. */
  stop(): void {
    this.#session?.abort();
    this.#session = null;
    this.#stream?.abort();
    this.#setState(this.#wanted.length > 0 ? "reconnecting" : "idle");
  }

  /** React to a possible change of the network: reconnect now if the stream is dead, instead of at the next timeout. */
  wake(stream: "dead" | "maybe dead" = "maybe dead"): void {
    if (!this.#session) {
      this.start();
    } else if (this.#skipPause) {
      this.#skipPause();
    } else if (stream === "dead" || Math.abs(Date.now() - this.#lastMessageAtMs) > SILENCE_AFTER_PAUSE_MS_MAX) {
      this.#restart();
    }
  }

  #restart(): void {
    this.#skipPause?.();
    this.#stream?.abort();
  }

  async #run(session: AbortSignal): Promise<void> {
    for (let attempt = 0; !session.aborted; ) {
      if (this.#wanted.length === 0) {
        break;
      }
      if (this.#state !== "reconnecting") {
        this.#setState("connecting");
      }
      const startedAtMs = Date.now();
      const end = await this.#readStream(session);
      if (session.aborted || end === "restart") {
        continue;
      }
      this.#setState("reconnecting");
      attempt = Date.now() - startedAtMs >= STEADY_MS_MIN ? 0 : attempt;
      if (end !== "gap" || attempt > 0) {
        await this.#pause(backoffMs(attempt, this.#ports.random), session);
      }
      attempt += 1;
    }
    if (!session.aborted) {
      this.#session = null;
      this.#setState("idle");
    }
  }

  /** Deliver the messages of one stream until it ends. Returns what ended it. */
  async #readStream(session: AbortSignal): Promise<"ended" | "gap" | "restart"> {
    const stream = new AbortController();
    this.#stream = stream;
    this.#lastMessageAtMs = Date.now();
    let restarted = true;
    let settle: ReturnType<typeof setTimeout> | undefined;
    // Ticks instead of the clock: a system date that is set back must not keep a dead stream.
    let silentTicks = 0;
    const silence = setInterval(() => {
      silentTicks += 1;
      if (silentTicks >= SILENCE_TICKS) {
        restarted = false;
        stream.abort();
      }
    }, SILENCE_MS_MAX / SILENCE_TICKS);
    const onHeaders = (): void => {
      settle ??= setTimeout(() => this.#setState("live"), HEADERS_SETTLE_MS);
    };
    try {
      const positions = this.#wanted.map((itemId) => ({ itemId, afterSeq: this.#cursor.positionOf(itemId) }));
      for await (const message of this.#ports.open(positions, stream.signal, onHeaders)) {
        if (stream.signal.aborted) {
          break;
        }
        this.#lastMessageAtMs = Date.now();
        silentTicks = 0;
        this.#setState("live");
        this.#deliver(message);
      }
    } catch (error) {
      if (error instanceof Gap) {
        return "gap";
      }
      if (!stream.signal.aborted && ConnectError.from(error).code === Code.NotFound) {
        await this.#dropUnknown(session);
      }
    } finally {
      clearInterval(silence);
      clearTimeout(settle);
      const wasAborted = stream.signal.aborted;
      stream.abort();
      restarted &&= wasAborted;
    }
    return restarted ? "restart" : "ended";
  }

  #deliver(message: WatchItemsResponse): void {
    const update = updateOf(message);
    if (update) {
      const itemId = itemIdOf(update);
      const step = this.#wanted.includes(itemId) ? this.#cursor.advance(update) : "known";
      if (step === "gap") {
        throw new Gap(`events of item ${itemId} are missing`);
      }
      if (step === "known") {
        return;
      }
    }
    this.#ports.onMessage(message);
  }

  async #dropUnknown(session: AbortSignal): Promise<void> {
    try {
      const existing = await this.#ports.existing(this.#wanted, session);
      this.#wanted = this.#wanted.filter((id) => existing.includes(id));
    } catch {
      // Repeated after the next refusal.
    }
  }

  #pause(pauseMs: number, session: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        session.removeEventListener("abort", done);
        this.#skipPause = null;
        resolve();
      };
      const timer = setTimeout(done, pauseMs);
      session.addEventListener("abort", done);
      this.#skipPause = done;
    });
  }

  #setState(state: FeedState): void {
    if (state !== this.#state) {
      this.#state = state;
      this.#ports.onState(state);
    }
  }
}
