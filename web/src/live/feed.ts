import { Code, ConnectError } from "@connectrpc/connect";
import type { Item, ItemEvent, WatchItemsResponse } from "@gavel/client";
import { backoffMs } from "../lib/backoff";

/** The contract's bound of a stream. */
export const WATCHED_ITEMS_MAX = 100;
/** Heartbeats come every 15 s: two of them missing means that nobody is there. */
export const SILENCE_MS_MAX = 40_000;
const SILENCE_TICKS = 4;
/** After a pause of this page, a stream that has said nothing for so long is taken for dead. */
export const DOUBT_MS_MAX = 20_000;
/** A stream that held for so long was a good one: the next failure starts to back off anew. */
export const STEADY_MS_MIN = 5_000;
/** An answer's headers alone count as live once no error has followed them for so long. */
const HEADERS_SETTLE_MS = 300;

export type FeedState = "idle" | "connecting" | "live" | "reconnecting";
export type Position = { readonly itemId: string; readonly afterSeq: bigint };
export type FeedUpdate =
  | { readonly kind: "snapshot"; readonly item: Item }
  | { readonly kind: "event"; readonly event: ItemEvent };

export type FeedPorts = {
  /** Open a stream. Ends or throws when the stream does, and when the signal says so. */
  open(positions: readonly Position[], signal: AbortSignal, onHeaders: () => void): AsyncIterable<WatchItemsResponse>;
  /** Which of these items exist. Asked only when the server has refused a stream because one does not. */
  existing(itemIds: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /** Each item's updates in the order of seq, each once, without a gap (a snapshot may jump ahead). */
  onUpdate(update: FeedUpdate): void;
  onState(state: FeedState): void;
  /** Any sign of life, heartbeats included. */
  onHeard(message: WatchItemsResponse): void;
  random?: () => number;
};

class Gap extends Error {}

/**
 * One live stream for up to 100 items that misses nothing: whatever ends it, it comes back by itself and resumes each
 * item after the last seq that it handed on.
 */
export class Feed {
  readonly #ports: FeedPorts;
  #wanted: readonly string[] = [];
  #positions = new Map<string, bigint>();
  #session: AbortController | null = null;
  #stream: AbortController | null = null;
  #skipPause: (() => void) | null = null;
  #heardAtMs = 0;
  #state: FeedState = "idle";

  constructor(ports: FeedPorts) {
    this.#ports = ports;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Watch exactly these items (the first 100 of them) from now on. */
  watch(itemIds: readonly string[]): void {
    const wanted = [...new Set(itemIds)].slice(0, WATCHED_ITEMS_MAX);
    if (wanted.length === this.#wanted.length && wanted.every((id) => this.#wanted.includes(id))) {
      return;
    }
    this.#wanted = wanted;
    this.#positions = new Map([...this.#positions].filter(([id]) => wanted.includes(id)));
    if (this.#session) {
      this.#restart();
    } else {
      this.start();
    }
  }

  /** Begin, or begin again after `stop`. */
  start(): void {
    if (this.#session || this.#wanted.length === 0) {
      return;
    }
    this.#session = new AbortController();
    void this.#run(this.#session.signal);
  }

  /** End the stream and stay away, keeping the place in each item. */
  stop(): void {
    this.#session?.abort();
    this.#session = null;
    this.#stream?.abort();
    this.#setState(this.#wanted.length > 0 ? "reconnecting" : "idle");
  }

  /** Something may have happened to the connection: look at once instead of at the next timeout. */
  wake(sure: "surely broken" | "maybe broken" = "maybe broken"): void {
    if (!this.#session) {
      this.start();
    } else if (this.#skipPause) {
      this.#skipPause();
    } else if (sure === "surely broken" || Math.abs(Date.now() - this.#heardAtMs) > DOUBT_MS_MAX) {
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

  /** Hand on what one stream says until it ends, and say what ended it. */
  async #readStream(session: AbortSignal): Promise<"ended" | "gap" | "restart"> {
    const stream = new AbortController();
    this.#stream = stream;
    this.#heardAtMs = Date.now();
    let restarted = true;
    let settle: ReturnType<typeof setTimeout> | undefined;
    // Counted in ticks: a date that someone sets back must not keep a dead stream.
    let quietTicks = 0;
    const silence = setInterval(() => {
      quietTicks += 1;
      if (quietTicks >= SILENCE_TICKS) {
        restarted = false;
        stream.abort();
      }
    }, SILENCE_MS_MAX / SILENCE_TICKS);
    const settled = (): void => {
      settle ??= setTimeout(() => this.#setState("live"), HEADERS_SETTLE_MS);
    };
    try {
      const positions = this.#wanted.map((itemId) => ({ itemId, afterSeq: this.#positions.get(itemId) ?? 0n }));
      for await (const message of this.#ports.open(positions, stream.signal, settled)) {
        if (stream.signal.aborted) {
          break;
        }
        this.#heardAtMs = Date.now();
        quietTicks = 0;
        this.#setState("live");
        this.#ports.onHeard(message);
        this.#handOn(message);
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

  #handOn({ update }: WatchItemsResponse): void {
    if (update.case === "snapshot") {
      const { id, seq } = update.value;
      if (this.#wanted.includes(id) && seq >= (this.#positions.get(id) ?? 0n)) {
        this.#positions.set(id, seq);
        this.#ports.onUpdate({ kind: "snapshot", item: update.value });
      }
    } else if (update.case === "event") {
      const { itemId, seq } = update.value;
      const position = this.#positions.get(itemId);
      if (!this.#wanted.includes(itemId) || (position !== undefined && seq <= position)) {
        return;
      }
      if (position === undefined || seq > position + 1n) {
        throw new Gap(`item ${itemId}: event ${seq} after ${position}`);
      }
      this.#positions.set(itemId, seq);
      this.#ports.onUpdate({ kind: "event", event: update.value });
    }
  }

  async #dropUnknown(session: AbortSignal): Promise<void> {
    try {
      const existing = await this.#ports.existing(this.#wanted, session);
      this.#wanted = this.#wanted.filter((id) => existing.includes(id));
    } catch {
      // Asked again after the next refusal.
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
