/**
 * The server's time, kept by what it says and never by this machine's idea of the date.
 *
 * Each answer that tells `server_time` bounds the offset between the server's clock and this page's monotonic one:
 * the server read its clock after the request left and before the answer came. The bounds of several answers are
 * intersected, so the estimate gets better, not noisier.
 */

/** A jump between the two local clocks that no drift explains: the machine slept, or someone set its date. */
const JUMP_MS_MAX = 2_000;
/** Drift of a local clock may pull the bounds apart by so much a reading before they are trusted no longer. */
const OFFSET_AGE_MS_MAX = 5 * 60_000;

/** Where a clock reads from; replaced in tests. */
export type LocalClocks = {
  /** Monotonic milliseconds. May stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds by the machine's date, wrong as it may be. Only its steps are looked at. */
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

  /** Milliseconds since 1970 by the server's clock; null while nothing trustworthy is known of it. */
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

  /** A point in local time to hand to `answered` as the moment at which a request left. */
  mark(): number {
    return this.#local.monotonicMs();
  }

  /** Learn from an answer that was asked for at `sentAt` (a `mark`). */
  answered(serverMs: number, sentAt: number): void {
    this.#learn(serverMs, serverMs - sentAt);
  }

  /** Learn from a message that came by itself: the server's clock is at least there by now. */
  heard(serverMs: number): void {
    this.#learn(serverMs, Number.POSITIVE_INFINITY);
  }

  /** Call `listener` whenever the clock becomes known or better. Returns what stops that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #learn(serverMs: number, mostMs: number): void {
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
