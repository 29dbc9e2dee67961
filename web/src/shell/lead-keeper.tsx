import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLive, useWatched } from "../live/live-context";
import { watchLead } from "../live/outbid-watch";
import { formatMoney } from "../money/money";
import { isUndecided, useMyBids } from "./my-bids";
import { useNotices } from "./notices";

/** Watches what one has bid on from every page, and tells at once when the lead is lost or an auction won. */
export function LeadKeeper() {
  const live = useLive();
  const queries = useQueryClient();
  const { tell } = useNotices();
  const { bids } = useMyBids();
  // Behind what is on the page, however often a bid changes which these are.
  useWatched(
    bids.filter(isUndecided).flatMap(({ item }) => (item ? [item.id] : [])),
    true,
  );
  useEffect(
    () =>
      watchLead(live.items, () => live.session.identity().userId, {
        outbid(item) {
          tell({
            key: `outbid ${item.id}`,
            kind: "outbid",
            title: "You've been outbid",
            text: `${item.title} stands at ${formatMoney(item.currentHighestBid, item.currency)}.`,
            link: {
              href: `/items/${item.id}`,
              label: `Bid ${formatMoney(item.minimumNextBid, item.currency)} or more`,
            },
          });
          void queries.invalidateQueries();
        },
        won(item) {
          tell({
            key: `won ${item.id}`,
            kind: "won",
            title: "You won!",
            text: `${item.title} is yours for ${formatMoney(item.currentHighestBid, item.currency)}.`,
            link: { href: `/items/${item.id}`, label: "See the outcome" },
          });
        },
      }),
    [live, tell, queries],
  );
  return null;
}
