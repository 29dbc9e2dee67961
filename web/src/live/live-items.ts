import { type Item, type ItemEvent, ItemStatus, ReserveState } from "@gavel/client";

export type ItemChange = { readonly before: Item | undefined; readonly after: Item };

/**
 * The newest known state of each item, from responses, snapshots and events.
 *
 * A state that is not newer than the known one is dropped, so a late response can't bring back an old price.
 */
export class LiveItems {
  readonly #items = new Map<string, Item>();
  readonly #listenersById = new Map<string, Set<() => void>>();
  readonly #changeListeners = new Set<(change: ItemChange) => void>();

  get(itemId: string): Item | undefined {
    return this.#items.get(itemId);
  }

  /** The currency of any item: an installation has only one. */
  currency(): string | undefined {
    return this.#items.values().next().value?.currency;
  }

  /** Store a whole item from a response. Returns whether it was newer. */
  offer(item: Item): boolean {
    const known = this.#items.get(item.id);
    if (known && !isNewer(item, known)) {
      return false;
    }
    this.#set(known, item);
    return true;
  }

  /** Store an item as lists show it: the description and the further images that are known of it stay. */
  offerListed(item: Item): boolean {
    const known = this.#items.get(item.id);
    if (!known) {
      return this.offer(item);
    }
    const images = item.images[0] === known.images[0] ? known.images : item.images;
    return this.offer({ ...item, description: known.description, images });
  }

  /** Store the state after an event. Returns whether it was newer; false for an unknown item. */
  apply(event: ItemEvent): boolean {
    const known = this.#items.get(event.itemId);
    if (!known || event.seq <= known.seq) {
      return false;
    }
    this.#set(known, after(event, known));
    return true;
  }

  /** Call `listener` after each change of one item. Returns a function that unsubscribes. */
  subscribe(itemId: string, listener: () => void): () => void {
    const listeners = this.#listenersById.get(itemId) ?? new Set();
    this.#listenersById.set(itemId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        this.#listenersById.delete(itemId);
      }
    };
  }

  /** Call `listener` with each change of any item. Returns a function that unsubscribes. */
  onChange(listener: (change: ItemChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  #set(before: Item | undefined, item: Item): void {
    this.#items.set(item.id, item);
    for (const listener of this.#listenersById.get(item.id) ?? []) {
      listener();
    }
    for (const listener of this.#changeListeners) {
      listener({ before, after: item });
    }
  }
}

/** Changes of texts make no event, so of two states with one seq the later `updated_at` wins. */
function isNewer(offered: Item, known: Item): boolean {
  if (offered.seq !== known.seq) {
    return offered.seq > known.seq;
  }
  const [offeredAt, knownAt] = [offered.updatedAt, known.updatedAt];
  if (!offeredAt || !knownAt || offeredAt.seconds === knownAt.seconds) {
    return (offeredAt?.nanos ?? 0) >= (knownAt?.nanos ?? 0);
  }
  return offeredAt.seconds > knownAt.seconds;
}

function after(event: ItemEvent, known: Item): Item {
  const item: Item = {
    ...known,
    seq: event.seq,
    currentHighestBid: event.currentHighestBid,
    minimumNextBid: event.minimumNextBid,
    highestBidderId: event.highestBidderId,
    bidCount: event.bidCount,
    // Events do not have `buy_now_available`: the first bid ends buy-now, unless an unmet reserve keeps it open.
    buyNowAvailable: couldBeBought(known) && (event.bidCount === 0n || reserveKeepsBuyNow(event, known)),
  };
  if (event.endAt) {
    item.endAt = event.endAt;
  }
  if (event.what.case === "closed") {
    item.outcome = event.what.value;
    item.status = ItemStatus.ENDED;
    item.buyNowAvailable = false;
  }
  if (event.what.case === "cancelled") {
    item.status = ItemStatus.CANCELLED;
    item.buyNowAvailable = false;
  }
  return item;
}

/** Opening makes no event, so an item that was last read before it opened counts as open. */
function couldBeBought({ buyNowAvailable, buyNowPrice, bidCount }: Item): boolean {
  return buyNowAvailable || (bidCount === 0n && buyNowPrice > 0n);
}

function reserveKeepsBuyNow(event: ItemEvent, known: Item): boolean {
  return isReserveUnmet(known) && event.currentHighestBid < known.buyNowPrice;
}

/** Whether the reserve is not met. Events do not say when a bid meets it; only GetItem does. */
export function isReserveUnmet(item: Item): boolean {
  return item.reserveState === ReserveState.NOT_MET;
}
