/**
 * The server's time, estimated from its responses and never from this machine's date.
 *
 * Each response with `server_time` bounds the offset between the server's clock and this page's monotonic one: the
 * server read its clock after the request was sent and before the response arrived. The bounds of several responses are
 * intersected, so the estimate improves with each.
 */

/** A larger jump between the two local clocks is no drift: the machine slept, or its date was set. */
const JUMP_MS_MAX = 2_000;
/** Older bounds are discarded, because the drift of the local clock adds up. */
const OFFSET_AGE_MS_MAX = 5 * 60_000;

/** The clocks of this machine; replaced in tests. */
export type LocalClocks = {
  /** Monotonic milliseconds. May stop while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds of the machine's date, which may be wrong. Only its jumps are used. */
  dateMs(): number;
};

const browserClocks: LocalClocks = { monotonicMs: () => performance.now(), dateMs: () => Date.now() };

type Offset = { readonly leastMs: number; readonly mostMs: number; readonly takenAtMs: number };

export class ServerClock {
  #offset: Offset | null = null;
  #skewMs: number;
  readonly #local: LocalClocks;
  readonly #listeners = new Set<() => void>();

  constructor(local: LocalClocks = browserClocks) {
    this.#local = local;
    this.#skewMs = this.#skew();
  }

  /** Milliseconds since 1970 by the server's clock; null while it is unknown. */
  nowMs(): number | null {
    if (Math.abs(this.#skew() - this.#skewMs) > JUMP_MS_MAX) {
      this.#offset = null;
      return null;
    }
    if (this.#offset === null) {
      return null;
    }
    const { leastMs, mostMs } = this.#offset;
    const offsetMs = Number.isFinite(mostMs) ? (leastMs + mostMs) / 2 : leastMs;
    return this.#local.monotonicMs() + offsetMs;
  }

  /** The local time at which a request is sent, for `observeResponse`. */
  mark(): number {
    return this.#local.monotonicMs();
  }

  /** Learn from the response to a request that was sent at `sentAt` (a `mark`). */
  observeResponse(serverMs: number, sentAt: number): void {
    this.#observe(serverMs, serverMs - sentAt);
  }

  /** Learn from a message of a stream: the server's clock has reached at least this time. */
  observeMessage(serverMs: number): void {
    this.#observe(serverMs, Number.POSITIVE_INFINITY);
  }

  /** Call `listener` after each new reading. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #observe(serverMs: number, mostMs: number): void {
    this.nowMs();
    const takenAtMs = this.#local.monotonicMs();
    const reading: Offset = { leastMs: serverMs - takenAtMs, mostMs, takenAtMs };
    this.#offset = intersect(this.#offset, reading) ?? reading;
    this.#skewMs = this.#skew();
    for (const listener of this.#listeners) {
      listener();
    }
  }

  #skew(): number {
    return this.#local.dateMs() - this.#local.monotonicMs();
  }
}

function intersect(known: Offset | null, reading: Offset): Offset | null {
  if (known === null || reading.takenAtMs - known.takenAtMs > OFFSET_AGE_MS_MAX) {
    return null;
  }
  const leastMs = Math.max(known.leastMs, reading.leastMs);
  const mostMs = Math.min(known.mostMs, reading.mostMs);
  return leastMs <= mostMs ? { leastMs, mostMs, takenAtMs: known.takenAtMs } : null;
}
