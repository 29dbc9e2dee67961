import { useInfiniteQuery } from "@connectrpc/connect-query";
import { BidService, ItemStatus, type MyBid } from "@gavel/client";
import { useEffect } from "react";
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

/**
 * What the user has bid on one item, with their maximum. If they lead there, older pages are read until it is found: the
 * list begins with the newest bids.
 */
export function useMyBid(itemId: string, leads: boolean): MyBid | undefined {
  const { bids, hasNextPage, isFetching, isError, fetchNextPage } = useMyBids();
  const mine = bids.find(({ item }) => item?.id === itemId);
  const isMissing = leads && !mine && hasNextPage && !isFetching && !isError;
  useEffect(() => {
    if (isMissing) {
      void fetchNextPage();
    }
  }, [isMissing, fetchNextPage]);
  return mine;
}

/** Whether the auction has no outcome yet, so that the feed has to watch it. */
export function isUndecided({ item }: MyBid): boolean {
  return item !== undefined && !item.outcome && item.status !== ItemStatus.CANCELLED;
}
