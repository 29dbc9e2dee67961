import { describe, expect, it } from "vitest";
import { WATCHED_ITEMS_MAX } from "./feed";
import { chooseWatched, NOTHING_WANTED } from "./watch-list";

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

describe("the items of the one stream", () => {
  it("are what is on screen and what the user has bid on, however many others are loaded", () => {
    const [screen, bids, others] = [ids("seen", 12), ids("bid", 30), ids("card", 300)];
    const chosen = chooseWatched([{ screen, bids, others }], []);
    expect(chosen).toHaveLength(WATCHED_ITEMS_MAX);
    expect(new Set(chosen.slice(0, 42))).toEqual(new Set([...screen, ...bids]));
    expect(chosen.slice(42)).toEqual(others.slice(0, 58));
  });

  it("are shared between the tabs in turns if there is more that is urgent than fits", () => {
    const tabs = [
      { ...NOTHING_WANTED, screen: ids("a", 90) },
      { ...NOTHING_WANTED, screen: ids("b", 90), bids: ids("bid", 20) },
    ];
    const chosen = chooseWatched(tabs, []);
    expect(chosen).toHaveLength(WATCHED_ITEMS_MAX);
    expect(ids("bid", 20).every((id) => chosen.includes(id))).toBe(true);
    expect(chosen.filter((id) => id.startsWith("a")).length).toBe(40);
    expect(chosen.filter((id) => id.startsWith("b ")).length).toBe(40);
  });

  it("stay the same for others that come into the list", () => {
    const others = ids("card", 120);
    const watched = chooseWatched([{ ...NOTHING_WANTED, others }], []);
    const more = [...ids("new", 20), ...others];
    expect(new Set(chooseWatched([{ ...NOTHING_WANTED, others: more }], watched))).toEqual(new Set(watched));
    const urgent = chooseWatched([{ ...NOTHING_WANTED, screen: ["new 3"], others: more }], watched);
    expect(urgent[0]).toBe("new 3");
    expect(urgent.filter((id) => !watched.includes(id))).toEqual(["new 3"]);
  });
});
