import type { Item, ItemEvent, WatchItemsResponse } from "@gavel/client";

export type FeedUpdate =
  | { readonly kind: "snapshot"; readonly item: Item }
  | { readonly kind: "event"; readonly event: ItemEvent };

/** The update in a message; null for a heartbeat. */
export function updateOf({ update }: WatchItemsResponse): FeedUpdate | null {
  switch (update.case) {
    case "snapshot":
      return { kind: "snapshot", item: update.value };
    case "event":
      return { kind: "event", event: update.value };
    default:
      return null;
  }
}

export function itemIdOf(update: FeedUpdate): string {
  return update.kind === "snapshot" ? update.item.id : update.event.itemId;
}

/** The last seq that was delivered of each item. It decides which updates are new, so that none is missed or repeated. */
export class FeedCursor {
  readonly #positions = new Map<string, bigint>();

  /** The last delivered seq; 0 if there is none. */
  positionOf(itemId: string): bigint {
    return this.#positions.get(itemId) ?? 0n;
  }

  /** Forget all items but these. */
  keep(itemIds: readonly string[]): void {
    const kept = new Set(itemIds);
    for (const id of this.#positions.keys()) {
      if (!kept.has(id)) {
        this.#positions.delete(id);
      }
    }
  }

  forget(itemId: string): void {
    this.#positions.delete(itemId);
  }

  /**
   * Move to an update, if it is new. A snapshot may skip events. `gap`: events before this one are missing; a snapshot
   * has to come first.
   */
  advance(update: FeedUpdate): "new" | "known" | "gap" {
    const itemId = itemIdOf(update);
    const { seq } = update.kind === "snapshot" ? update.item : update.event;
    const position = this.#positions.get(itemId);
    if (update.kind === "snapshot") {
      if (position !== undefined && seq < position) {
        return "known";
      }
    } else if (position === undefined || seq > position + 1n) {
      return "gap";
    } else if (seq <= position) {
      return "known";
    }
    this.#positions.set(itemId, seq);
    return "new";
  }
}
