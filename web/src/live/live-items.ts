import { type Item, type ItemEvent, ItemStatus, ReserveState } from "@gavel/client";

export type ItemChange = { readonly before: Item | undefined; readonly after: Item };

/**
 * The newest state of each item that this page has heard of, whoever told it: an answer, a snapshot or an event.
 *
 * What is not newer than what is shown is dropped, so nothing that arrives late can turn the page back.
 */
export class LiveItems {
  readonly #items = new Map<string, Item>();
  readonly #listenersById = new Map<string, Set<() => void>>();
  readonly #changeListeners = new Set<(change: ItemChange) => void>();

  get(itemId: string): Item | undefined {
    return this.#items.get(itemId);
  }

  /** Any item's currency: an installation has one. */
  currency(): string | undefined {
    return this.#items.values().next().value?.currency;
  }

  /** Take a whole item as some answer told it. Returns whether it was news. */
  offer(item: Item): boolean {
    const shown = this.#items.get(item.id);
    if (shown && !isNewer(item, shown)) {
      return false;
    }
    this.#set(shown, item);
    return true;
  }

  /** Take the state right after an event. Returns whether it was news; an unknown item's is not. */
  apply(event: ItemEvent): boolean {
    const shown = this.#items.get(event.itemId);
    if (!shown || event.seq <= shown.seq) {
      return false;
    }
    this.#set(shown, after(event, shown));
    return true;
  }

  /** Call `listener` after each change of one item. Returns what stops that. */
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

  /** Call `listener` with each change of any item. Returns what stops that. */
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

/** Texts change without an event, so between two states of one seq the later update wins. */
function isNewer(offered: Item, shown: Item): boolean {
  if (offered.seq !== shown.seq) {
    return offered.seq > shown.seq;
  }
  const [offeredAt, shownAt] = [offered.updatedAt, shown.updatedAt];
  if (!offeredAt || !shownAt || offeredAt.seconds === shownAt.seconds) {
    return (offeredAt?.nanos ?? 0) >= (shownAt?.nanos ?? 0);
  }
  return offeredAt.seconds > shownAt.seconds;
}

function after(event: ItemEvent, shown: Item): Item {
  const item: Item = {
    ...shown,
    seq: event.seq,
    currentHighestBid: event.currentHighestBid,
    minimumNextBid: event.minimumNextBid,
    highestBidderId: event.highestBidderId,
    bidCount: event.bidCount,
    // The events say nothing of buy-now: once someone bids it is gone, unless a hidden reserve keeps it open.
    buyNowAvailable: couldBeBought(shown) && (event.bidCount === 0n || reserveKeepsBuyNow(event, shown)),
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

/** No event tells that an auction has opened: an item that was last told before it is taken for open. */
function couldBeBought({ buyNowAvailable, buyNowPrice, bidCount }: Item): boolean {
  return buyNowAvailable || (bidCount === 0n && buyNowPrice > 0n);
}

function reserveKeepsBuyNow(event: ItemEvent, shown: Item): boolean {
  return hidesReserve(shown) && event.currentHighestBid < shown.buyNowPrice;
}

/** Whether a reserve is still unmet: then only a fresh answer can tell whether a bid has met it. */
export function hidesReserve(item: Item): boolean {
  return item.reserveState === ReserveState.NOT_MET;
}
