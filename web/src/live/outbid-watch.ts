import { type Item, ItemStatus } from "@gavel/client";
import { isLedBy } from "../auction/phase";
import type { LiveItems } from "./live-items";

/** A lead that is lost for less than this is not reported: an automatic bid of the same decision may take it back. */
export const SETTLE_MS = 300;

/** Report when `userId()` loses the lead on any item, and when they win one. Returns a function that stops it. */
export function watchLead(
  items: LiveItems,
  userId: () => string,
  listener: { outbid(item: Item): void; won(item: Item): void },
): () => void {
  const settling = new Map<string, ReturnType<typeof setTimeout>>();
  const stop = items.onChange(({ before, after }) => {
    const me = userId();
    if (before && !before.outcome && after.outcome?.sold && after.outcome.winnerId === me) {
      listener.won(after);
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
          listener.outbid(now);
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
