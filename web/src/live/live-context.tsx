import type { Item } from "@gavel/client";
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import type { Identity } from "../session/identity";
import type { BidHistory, History } from "./bid-history";
import { coalesced } from "./coalesce";
import type { ConnectionState } from "./connection";
import type { Live } from "./live";
import { watchOnScreen } from "./on-screen";
import type { WatchReason } from "./watch-list";

const LiveContext = createContext<Live | null>(null);

export function LiveProvider({ live, children }: { live: Live; children: ReactNode }) {
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) {
    throw new Error("useLive outside of a LiveProvider");
  }
  return live;
}

/** The newest known state of an item. */
export function useItem(itemId: string): Item | undefined {
  const { items } = useLive();
  const subscribe = useMemo(() => coalesced((listener) => items.subscribe(itemId, listener)), [items, itemId]);
  return useSyncExternalStore(subscribe, () => items.get(itemId));
}

/** Watch these items while the component is mounted. */
export function useWatched(itemIds: readonly string[], reason: WatchReason = "screen"): void {
  const { watching } = useLive();
  const key = itemIds.join(" ");
  useEffect(() => (key ? watching.add(key.split(" "), reason) : undefined), [watching, key, reason]);
}

/**
 * Watch the items of a list, those on screen first. Returns the `ref` of the list element, whose children are the
 * items in the same order.
 */
export function useWatchedList(itemIds: readonly string[]): (list: HTMLElement | null) => void {
  const { watching } = useLive();
  const [list, setList] = useState<HTMLElement | null>(null);
  const key = itemIds.join(" ");
  useWatched(itemIds, "others");
  useEffect(() => (list && key ? watchOnScreen(list, key.split(" "), watching) : undefined), [list, key, watching]);
  return setList;
}

export function useConnection(): ConnectionState {
  const { connection } = useLive();
  return useSyncExternalStore(connection.subscribe, connection.state);
}

export function useIdentity(): Identity {
  const { session } = useLive();
  return useSyncExternalStore(session.subscribe, session.identity);
}

/** The public name of a bidder, which no other bidder on the page has. */
export function useBidderName(userId: string): string {
  const { names } = useLive();
  useLayoutEffect(() => names.add(userId), [names, userId]);
  return useSyncExternalStore(names.subscribe, () => names.nameOf(userId));
}

const LOADING: History = { bids: [], hasOlder: false, state: "loading" };

/** An item's bids, newest first, and a function that reads older ones. */
export function useHistory(itemId: string): History & { readOlder: () => Promise<void> } {
  const live = useLive();
  const [history, setHistory] = useState<BidHistory | null>(null);
  useEffect(() => {
    const shown = new AbortController();
    setHistory(live.history(itemId, shown.signal));
    return () => shown.abort();
  }, [live, itemId]);
  const subscribe = useMemo(() => (history ? coalesced(history.subscribe) : subscribeToNothing), [history]);
  const view = useSyncExternalStore(subscribe, history?.view ?? loadingView);
  const readOlder = useCallback(async () => history?.readOlder(), [history]);
  return { ...view, readOlder };
}

function subscribeToNothing(): () => void {
  return () => undefined;
}

function loadingView(): History {
  return LOADING;
}
