import { useInfiniteQuery } from "@connectrpc/connect-query";
import { BidService, ItemStatus, type MyBid } from "@gavel/client";
import { useIdentity } from "../live/live-context";
import { usePollInterval } from "../live/use-items";

const PAGE_SIZE = 50;
const REFETCH_MS = 60_000;

/** The items that the user has bid on, newest bid first. */
export function useMyBids() {
  const { userId } = useIdentity();
  const refetchInterval = usePollInterval(REFETCH_MS);
  const query = useInfiniteQuery(
    BidService.method.listMyBids,
    { userId, pageSize: PAGE_SIZE, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => page.nextPageToken || undefined,
      enabled: userId !== "",
      refetchInterval,
    },
  );
  const bids: readonly MyBid[] = query.data?.pages.flatMap((page) => page.bids) ?? [];
  return { ...query, bids };
}

/** Whether the auction has no outcome yet, so that the feed has to watch it. */
export function isUndecided({ item }: MyBid): boolean {
  return item !== undefined && !item.outcome && item.status !== ItemStatus.CANCELLED;
}
