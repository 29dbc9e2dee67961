import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { randomUuid } from "../lib/uuid";
import { BidderNames, pseudonym } from "../session/pseudonym";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { aBid, anItem, bidPlaced, ITEM_ID, RIVAL } from "../testing/items";
import { renderPage } from "../testing/render-page";

/** Another bidder with the same pseudonym. */
function namesakeOf(userId: string): string {
  for (;;) {
    const other = randomUuid();
    if (pseudonym(other) === pseudonym(userId)) {
      return other;
    }
  }
}

function shownBidders(): string[] {
  return [...document.querySelectorAll(".history .bidder")].map((each) => each.textContent ?? "");
}

describe("the names of bidders", () => {
  it("are unique on the page of an auction, also once a namesake bids", async () => {
    const gavel = new InMemoryGavel(anItem({ seq: 2n, bidCount: 1n, currentHighestBid: 2_000n }));
    gavel.bids = [aBid(2n, { amount: 2_000n })];
    renderPage(gavel, `/items/${ITEM_ID}`);
    await waitFor(() => expect(shownBidders()).toEqual([pseudonym(RIVAL)]));
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem({ seq: 2n, bidCount: 1n, currentHighestBid: 2_000n }));
    gavel.stream.event(bidPlaced(3n, { userId: namesakeOf(RIVAL) }));
    await waitFor(() => expect(shownBidders()).toHaveLength(2));
    expect(new Set(shownBidders()).size).toBe(2);
    for (const name of shownBidders()) {
      expect(name).toMatch(new RegExp(`^${pseudonym(RIVAL)} [0-9a-f]{2,}$`));
    }
    expect(screen.queryByText(pseudonym(RIVAL), { exact: true })).not.toBeInTheDocument();
  });

  it("are the same in whatever order the bidders are shown", () => {
    const bidders = [RIVAL, namesakeOf(RIVAL), namesakeOf(RIVAL), randomUuid()];
    const namesInOrder = (userIds: string[]): string[] => {
      const names = new BidderNames();
      for (const each of userIds) {
        names.add(each);
      }
      return bidders.map((each) => names.nameOf(each));
    };
    expect(namesInOrder([...bidders].reverse())).toEqual(namesInOrder(bidders));
    expect(new Set(namesInOrder(bidders)).size).toBe(bidders.length);
  });
});
