import { randomUuid } from "../lib/uuid";

/** How often a visible tab asks whether the leader is alive. */
const PING_MS = 1_000;
/** After this many pings without an answer, it takes over. */
const PINGS_UNANSWERED_MAX = 2;
/** The pause before the lock is asked for again, as a browser may reject that at once, and always. */
const REQUEST_AGAIN_MS = 100;

export type TabGroupPorts<Message> = {
  /** This tab leads from now on. */
  onLead(): void;
  /** This tab takes part from now on, and does not lead. */
  onFollow(): void;
  /** Receive what another tab has posted. */
  onMessage(message: Message): void;
};

type Envelope<Message> = "ping" | "pong" | { readonly message: Message };

/**
 * All tabs of a browser that show this origin, one of which leads at a time.
 *
 * The leader holds a Web Lock, which passes to another tab when it closes, crashes or leaves. A visible tab takes the
 * lock from a leader that is hidden or does not answer: browsers slow hidden tabs down, and freeze some without notice.
 * Where there are no locks (plain HTTP from another machine, blocked storage), each visible tab leads itself alone.
 */
export class TabGroup<Message> {
  readonly id = randomUuid();
  readonly #name: string;
  readonly #ports: TabGroupPorts<Message>;
  /** Aborted when this tab leaves. Null outside of the group. */
  #membership: AbortController | null = null;
  #channel: BroadcastChannel | null = null;
  #leads = false;
  /** Aborted to end the wait for the lock. */
  #waiting = new AbortController();
  #takesOver = false;
  #pingsUnanswered = 0;

  constructor(name: string, ports: TabGroupPorts<Message>) {
    this.#name = name;
    this.#ports = ports;
  }

  get leads(): boolean {
    return this.#leads;
  }

  join(): void {
    if (this.#membership) {
      return;
    }
    const membership = new AbortController();
    this.#membership = membership;
    const locks = lockManager();
    if (locks) {
      // A browser that blocks the storage of this site denies its locks too.
      this.#takePart(locks, membership.signal).catch(() => this.#leadAlone(membership.signal));
    } else {
      this.#leadAlone(membership.signal);
    }
  }

  leave(): void {
    this.#membership?.abort();
    this.#membership = null;
    this.#waiting.abort();
    this.#takesOver = false;
    this.#channel?.close();
    this.#channel = null;
    this.#leads = false;
  }

  post(message: Message): void {
    this.#send({ message });
  }

  /** Wait until another tab has left, or `signal` is aborted. */
  async left(tabId: string, signal: AbortSignal): Promise<void> {
    try {
      await lockManager()?.request(this.#lockOf(tabId), { signal }, () => undefined);
    } catch {
      // Aborted.
    }
  }

  async #takePart(locks: LockManager, membership: AbortSignal): Promise<void> {
    // Before anything is posted: the leader forgets a tab when it gets that tab's lock.
    await this.#holdOwnLock(locks, membership);
    if (membership.aborted) {
      return;
    }
    const channel = new BroadcastChannel(this.#name);
    this.#channel = channel;
    channel.onmessage = ({ data }: MessageEvent<Envelope<Message>>) => this.#receive(data);
    const pings = setInterval(() => this.#ping(), PING_MS);
    membership.addEventListener("abort", () => clearInterval(pings));
    this.#ports.onFollow();
    while (!membership.aborted) {
      this.#waiting = new AbortController();
      const options = this.#takesOver ? { steal: true } : { signal: this.#waiting.signal };
      this.#takesOver = false;
      try {
        await locks.request(`${this.#name}.leader`, options, () => this.#leadUntil(membership));
      } catch {
        // Another tab has taken the lock over, this one is about to, or the browser denies locks from now on.
      }
      if (!membership.aborted && this.#leads) {
        this.#setLeads(false);
      }
      await new Promise((done) => setTimeout(done, REQUEST_AGAIN_MS));
    }
  }

  /** Lead as long as this tab is visible, whatever other tabs do. */
  #leadAlone(membership: AbortSignal): void {
    if (!membership.aborted) {
      const lead = (): void => this.#setLeads(!isHidden());
      document.addEventListener("visibilitychange", lead, { signal: membership });
      lead();
    }
  }

  /** Resolves when the lock is held, until this tab leaves. Rejects if the browser denies locks. */
  #holdOwnLock(locks: LockManager, membership: AbortSignal): Promise<void> {
    return new Promise((held, denied) => {
      locks
        .request(this.#lockOf(this.id), () => {
          held();
          return aborted(membership);
        })
        .catch(denied);
    });
  }

  #leadUntil(membership: AbortSignal): Promise<void> {
    if (!membership.aborted) {
      this.#setLeads(true);
    }
    return aborted(membership);
  }

  #setLeads(leads: boolean): void {
    this.#leads = leads;
    this.#pingsUnanswered = 0;
    leads ? this.#ports.onLead() : this.#ports.onFollow();
  }

  #ping(): void {
    if (this.#leads || isHidden()) {
      this.#pingsUnanswered = 0;
    } else if (this.#pingsUnanswered < PINGS_UNANSWERED_MAX) {
      this.#pingsUnanswered += 1;
      this.#send("ping");
    } else {
      this.#pingsUnanswered = 0;
      this.#takesOver = true;
      this.#waiting.abort();
    }
  }

  #receive(envelope: Envelope<Message>): void {
    if (envelope === "ping") {
      if (this.#leads && !isHidden()) {
        this.#send("pong");
      }
    } else if (envelope === "pong") {
      this.#pingsUnanswered = 0;
    } else {
      this.#ports.onMessage(envelope.message);
    }
  }

  #send(envelope: Envelope<Message>): void {
    this.#channel?.postMessage(envelope);
  }

  #lockOf(tabId: string): string {
    return `${this.#name}.tab.${tabId}`;
  }
}

/** The type of `navigator` does not say that it may have no locks. */
function lockManager(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}

function isHidden(): boolean {
  return document.visibilityState === "hidden";
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    signal.aborted ? done() : signal.addEventListener("abort", () => done());
  });
}
