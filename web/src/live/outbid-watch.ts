import { type Item, ItemStatus } from "@gavel/client";
import { isLedBy } from "../auction/phase";
import type { LiveItems } from "./live-items";

/** One decision makes several events; someone whose maximum answers loses the lead for no longer than this. */
export const SETTLE_MS = 300;

/** Tells when the lead of `userId()` on any item has gone to someone else, and when they have won one. */
export function watchLead(
  items: LiveItems,
  userId: () => string,
  told: { outbid(item: Item): void; won(item: Item): void },
): () => void {
  const settling = new Map<string, ReturnType<typeof setTimeout>>();
  const stop = items.onChange(({ before, after }) => {
    const me = userId();
    if (before && !before.outcome && after.outcome?.sold && after.outcome.winnerId === me) {
      told.won(after);
    }
    if (!before || !isLedBy(before, me) || isLedBy(after, me) || settling.has(after.id)) {
      return;
    }
    settling.set(
      after.id,
      setTimeout(() => {
        settling.delete(after.id);
        const now = items.get(after.id);
        if (now && !isLedBy(now, me) && me === userId() && now.status !== ItemStatus.CANCELLED) {
          told.outbid(now);
        }
      }, SETTLE_MS),
    );
  });
  return () => {
    stop();
    for (const timer of settling.values()) {
      clearTimeout(timer);
    }
  };
}
