import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLive, useWatched } from "../live/live-context";
import { watchLead } from "../live/outbid-watch";
import { formatMoney } from "../money/money";
import { isUndecided, useMyBids } from "./my-bids";
import { useNotices } from "./notices";

/** On every page, watch the items that the user has bid on, and show a notice when they are outbid or win. */
export function LeadNotices() {
  const live = useLive();
  const queries = useQueryClient();
  const { notify } = useNotices();
  const { bids } = useMyBids();
  useWatched(
    bids.filter(isUndecided).flatMap(({ item }) => (item ? [item.id] : [])),
    "bids",
  );
  useEffect(
    () =>
      watchLead(live.items, () => live.session.identity().userId, {
        outbid(item) {
          notify({
            key: `outbid ${item.id}`,
            kind: "outbid",
            title: "You've been outbid",
            text: `${item.title} is now at ${formatMoney(item.currentHighestBid, item.currency)}.`,
            link: {
              href: `/items/${item.id}`,
              label: `Bid ${formatMoney(item.minimumNextBid, item.currency)} or more`,
            },
          });
          void queries.invalidateQueries();
        },
        won(item) {
          notify({
            key: `won ${item.id}`,
            kind: "won",
            title: "You won!",
            text: `${item.title} is yours for ${formatMoney(item.currentHighestBid, item.currency)}.`,
            link: { href: `/items/${item.id}`, label: "See the outcome" },
          });
        },
      }),
    [live, notify, queries],
  );
  return null;
}
