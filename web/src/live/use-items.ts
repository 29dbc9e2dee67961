import { useInfiniteQuery, useQuery } from "@connectrpc/connect-query";
import { BidService, type Item, type ItemStatus } from "@gavel/client";
import { useMemo } from "react";
import { useConnection, useLive } from "./live-context";

const PAGE_SIZE = 48;
/** New auctions and new texts are told by no event. */
const RELIST_MS = 30_000;
/** How often to ask for what the feed would tell, while it is away. */
export const POLL_MS = 2_500;

/** Asking less often while the feed tells, more often while it is away. */
export function usePace(liveMs: number | false): number | false {
  return useConnection() === "live" ? liveMs : POLL_MS;
}

/** A list of auctions, page by page. */
export function useItems(status: ItemStatus, category: string) {
  const refetchInterval = usePace(RELIST_MS);
  const query = useInfiniteQuery(
    BidService.method.listItems,
    { status, category, pageSize: PAGE_SIZE, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined, refetchInterval },
  );
  const items: readonly Item[] = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, items };
}

/** Ask for one item, again and again while the feed is away. What is told is read with `useItem`. */
export function useItemQuery(itemId: string) {
  const refetchInterval = usePace(false);
  return useQuery(BidService.method.getItem, { id: itemId }, { refetchInterval });
}

/** The house currency, as any auction tells it. */
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
