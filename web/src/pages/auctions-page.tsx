import { ItemStatus } from "@gavel/client";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { ItemCard } from "../items/item-card";
import { useWatched, useWatchedList } from "../live/live-context";
import { useItems } from "../live/use-items";
import { isUndecided, useMyBids } from "../shell/my-bids";
import { usePageTitle } from "../shell/page-title";
import { Failed, Loading } from "../ui/loading";
import { Hero } from "./hero";
import "./auctions-page.css";

const STATES = [
  { name: "open", label: "Open now", status: ItemStatus.ACTIVE },
  { name: "upcoming", label: "Upcoming", status: ItemStatus.SCHEDULED },
  { name: "ended", label: "Ended", status: ItemStatus.ENDED },
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

  const featured = state.name === "open" && !category ? list.items[0] : undefined;
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
        {list.isSuccess && list.items.length === 0 && (
          <div className="empty">
            <strong>{EMPTY[state.name]}</strong>
            <Link href="/sell" className="button button--primary">
              Sell an item
            </Link>
          </div>
        )}
        <h2 className="visually-hidden">{state.label}</h2>
        <ul className="items" ref={watchedList}>
          {list.items.map((item) => (
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
