import { useInfiniteQuery, useQuery } from "@connectrpc/connect-query";
import { BidService, type Item, type ItemStatus } from "@gavel/client";
import { useMemo } from "react";
import { useConnection, useLive } from "./live-context";

const PAGE_SIZE = 48;
/** New items and changed texts make no event. A new item appears within two seconds. */
const RELIST_MS = 1_500;
/** The poll interval while the feed is down. */
export const POLL_MS = 2_500;

/** The poll interval of a query: `liveMs` while the feed is up, shorter while it is down. */
export function usePollInterval(liveMs: number | false): number | false {
  return useConnection() === "live" ? liveMs : POLL_MS;
}

/** A list of items, page by page. */
export function useItems(status: ItemStatus, category: string) {
  const refetchInterval = usePollInterval(RELIST_MS);
  const query = useInfiniteQuery(
    BidService.method.listItems,
    { status, category, pageSize: PAGE_SIZE, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined, refetchInterval },
  );
  const items: readonly Item[] = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, items };
}

/** Read one item, repeatedly while the feed is down. Read its newest state with `useItem`. */
export function useItemQuery(itemId: string) {
  const refetchInterval = usePollInterval(false);
  return useQuery(BidService.method.getItem, { id: itemId }, { refetchInterval });
}

/** The installation's currency: from its configuration, else from any item. */
export function useHouseCurrency(): string | undefined {
  const live = useLive();
  const known = live.houseCurrency ?? live.items.currency();
  const { data } = useQuery(
    BidService.method.listItems,
    { pageSize: 1 },
    { enabled: !known, staleTime: Number.POSITIVE_INFINITY },
  );
  return known ?? data?.items[0]?.currency;
}
