import type { Item } from "@gavel/client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { isLedBy, shownPrice } from "../auction/phase";
import { usePhase } from "../items/countdown";
import { useIdentity, useItem, useLive, useWatched } from "../live/live-context";
import { watchLead } from "../live/outbid-watch";
import { Amount } from "../ui/amount";
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
  useEffect(() => {
    const me = (): string => live.session.identity().userId;
    return watchLead(live.items, me, {
      outbid(item) {
        const key = `outbid ${item.id}`;
        notify({
          key,
          kind: "outbid",
          title: "You've been outbid",
          text: <OutbidText noticeKey={key} item={item} userId={me()} />,
          link: { href: `/items/${item.id}`, label: <BidOrMore item={item} /> },
        });
        void queries.invalidateQueries();
      },
      won(item) {
        notify({
          key: `won ${item.id}`,
          kind: "won",
          title: "You won!",
          text: (
            <>
              {item.title} is yours for <Amount minor={item.currentHighestBid} currency={item.currency} />.
            </>
          ),
          link: { href: `/items/${item.id}`, label: "See the outcome" },
        });
      },
    });
  }, [live, notify, queries]);
  return null;
}

/** The price of now. The notice goes when this user leads again, and when the auction is over. */
function OutbidText({ noticeKey, item: outbid, userId }: { noticeKey: string; item: Item; userId: string }) {
  const item = useItem(outbid.id) ?? outbid;
  const phase = usePhase(item);
  const { dismiss } = useNotices();
  const me = useIdentity().userId;
  const isTrue = phase === "open" && me === userId && !isLedBy(item, me);
  useEffect(() => {
    if (!isTrue) {
      dismiss(noticeKey);
    }
  }, [isTrue, dismiss, noticeKey]);
  return (
    <>
      {item.title} is now at <Amount minor={shownPrice(item)} currency={item.currency} />.
    </>
  );
}

function BidOrMore({ item: outbid }: { item: Item }) {
  const item = useItem(outbid.id) ?? outbid;
  return (
    <>
      Bid <Amount minor={item.minimumNextBid} currency={item.currency} /> or more
    </>
  );
}
