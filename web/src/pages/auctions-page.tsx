import { type Item, ItemStatus } from "@gavel/client";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { endMs, type Phase, phaseAt } from "../auction/phase";
import { ItemCard } from "../items/item-card";
import { useLive, useWatched, useWatchedList } from "../live/live-context";
import { useServerTime } from "../live/use-clock";
import { useItems } from "../live/use-items";
import { isUndecided, useMyBids } from "../shell/my-bids";
import { usePageTitle } from "../shell/page-title";
import { Failed, Loading } from "../ui/loading";
import { Hero } from "./hero";
import "./auctions-page.css";

const STATES = [
  { name: "open", label: "Open now", status: ItemStatus.ACTIVE, phases: ["open"] },
  { name: "upcoming", label: "Upcoming", status: ItemStatus.SCHEDULED, phases: ["scheduled"] },
  { name: "ended", label: "Ended", status: ItemStatus.ENDED, phases: ["closing", "sold", "unsold"] },
] as const;

const EMPTY = {
  open: "No auctions are open right now.",
  upcoming: "No auctions are scheduled.",
  ended: "No auctions have ended yet.",
} as const;

/** All auctions, the next to end first. */
export function AuctionsPage() {
  const [search, setSearch] = useSearchParams();
  const state = STATES.find((each) => each.name === search.get("state")) ?? STATES[0];
  const category = search.get("category") ?? "";
  const list = useItems(state.status, category);
  const shown = useInPhases(list.items, state.phases);
  const everything = useItems(state.status, "");
  const { bids: mine } = useMyBids();
  const myItems = useMemo(() => new Set(mine.filter(isUndecided).map(({ item }) => item?.id)), [mine]);
  usePageTitle("Auctions");
  const watchedList = useWatchedList(list.items.map((item) => item.id));

  const categories = [...new Set([...everything.items.map((item) => item.category), category])].filter(Boolean).sort();
  const choose = (name: string, value: string): void =>
    setSearch((before) => {
      const after = new URLSearchParams(before);
      value ? after.set(name, value) : after.delete(name);
      return after;
    });

  const featured = state.name === "open" && !category ? shown[0] : undefined;
  useWatched(featured ? [featured.id] : []);
  return (
    <div className="page">
      {featured ? <Hero listed={featured} /> : <h1>Auctions</h1>}
      <section aria-label="Auctions" className="auctions">
        <div className="auctions__filters">
          <fieldset className="chips">
            <legend className="visually-hidden">State</legend>
            {STATES.map(({ name, label }) => (
              <button
                key={name}
                type="button"
                className="chip"
                aria-pressed={name === state.name}
                onClick={() => choose("state", name === "open" ? "" : name)}
              >
                {label}
              </button>
            ))}
          </fieldset>
          <div className="auctions__category">
            <label htmlFor="category" className="label">
              Category
            </label>
            <select
              id="category"
              className="input"
              value={category}
              onChange={(event) => choose("category", event.target.value)}
            >
              <option value="">All categories</option>
              {categories.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </div>
        </div>
        {list.isPending && <Loading what="auctions" />}
        {list.isError && list.items.length === 0 && <Failed error={list.error} retry={() => void list.refetch()} />}
        {list.isSuccess && shown.length === 0 && (
          <div className="empty">
            <strong>{EMPTY[state.name]}</strong>
            <Link href="/sell" className="button button--primary">
              Sell an item
            </Link>
          </div>
        )}
        <h2 className="visually-hidden">{state.label}</h2>
        <ul className="items" ref={watchedList}>
          {shown.map((item) => (
            <li key={item.id} className="items__item">
              <ItemCard listed={item} hasBid={myItems.has(item.id)} />
            </li>
          ))}
        </ul>
        {list.hasNextPage && (
          <button
            type="button"
            className="button auctions__more"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </button>
        )}
      </section>
    </div>
  );
}

/**
 * The listed items that are in these phases now, the next to end first. A list is older than the live items: meanwhile one
 * may have ended, or a late bid may have moved its end.
 */
function useInPhases(listed: readonly Item[], phases: readonly Phase[]): readonly Item[] {
  const live = useLive();
  const newest = (item: Item): Item => live.items.get(item.id) ?? item;
  const ids = useServerTime((nowMs) =>
    listed
      .map(newest)
      .filter((item) => phases.includes(phaseAt(item, nowMs)))
      .sort((one, other) => (phases.includes("open") ? endMs(one) - endMs(other) : 0))
      .map(({ id }) => id)
      .join(" "),
  );
  return useMemo(() => {
    const byId = new Map(listed.map((item) => [item.id, item]));
    return ids.split(" ").flatMap((id) => byId.get(id) ?? []);
  }, [listed, ids]);
}
