import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BidRejectedSchema,
  ItemStatus,
  type PlaceBidRequest,
  PlaceBidResponseSchema,
  BidRejected_Reason as Reason,
} from "@gavel/client";
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { aBid, anItem, bidPlaced, ITEM_ID, ME, RIVAL } from "../testing/items";
import { renderPage } from "../testing/render-page";

const BID_BEFORE = { seq: 2n, bidCount: 1n, currentHighestBid: 2_000n, minimumNextBid: 2_100n, highestBidderId: RIVAL };

/** The page of an item on a fake server that responds to each bid by the next of these. */
async function bidding(item = anItem(BID_BEFORE), ...responses: (() => Partial<{ leading: boolean }>)[]) {
  const gavel = new InMemoryGavel(item);
  const placed: PlaceBidRequest[] = [];
  gavel.methods = {
    placeBid: (request) => {
      placed.push(request);
      const response = responses[Math.min(placed.length, responses.length) - 1]?.() ?? {};
      return create(PlaceBidResponseSchema, { bid: aBid(3n, { userId: ME }), leading: true, ...response });
    },
  };
  const page = renderPage(gavel, `/items/${ITEM_ID}`);
  const panel = within(await screen.findByRole("region", { name: "Bidding" }));
  return { ...page, gavel, placed, panel };
}

function refused(reason: Reason, minimumNextBid: bigint) {
  return (): never => {
    throw new ConnectError("no", Code.FailedPrecondition, undefined, [
      { desc: BidRejectedSchema, value: { reason, minimumNextBid } },
    ]);
  };
}

describe("the bid form", () => {
  it("has the least bid filled in, and one click places it", async () => {
    const { panel, user, placed } = await bidding();
    expect(panel.getByLabelText("Your bid")).toHaveValue("21.00");
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    expect(await panel.findByText("$21.00 or more")).toBeInTheDocument();
    expect(placed).toMatchObject([{ itemId: ITEM_ID, userId: ME, amount: 2_100n, maxAmount: 0n }]);
  });

  it("follows the least bid until the user types, and then keeps the input", async () => {
    const { panel, user, gavel } = await bidding();
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem(BID_BEFORE));
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await waitFor(() => expect(panel.getByLabelText("Your bid")).toHaveValue("26.00"));
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "40");
    gavel.stream.event(bidPlaced(4n, { amount: 3_000n }));
    await panel.findByText("$31.00 or more");
    expect(panel.getByLabelText("Your bid")).toHaveValue("40");
    expect(panel.getByRole("button", { name: "Bid $40.00" })).toBeEnabled();
  });

  it("shows the least bid when the server refuses, and fills it in on one click", async () => {
    const { panel, user, placed } = await bidding(anItem(BID_BEFORE), refused(Reason.TOO_LOW, 2_600n), () => ({}));
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    expect(await panel.findByText("Your bid is now too low. The least bid is now $26.00.")).toBeInTheDocument();
    await user.click(panel.getByRole("button", { name: "Use $26.00" }));
    await user.click(panel.getByRole("button", { name: "Bid $26.00" }));
    await waitFor(() => expect(placed.map((each) => each.amount)).toEqual([2_100n, 2_600n]));
  });

  it("does not send a bid that is too low", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "5");
    await user.click(panel.getByRole("button", { name: "Bid $5.00" }));
    expect(panel.getByText("Your bid is too low. The least bid is now $21.00.")).toBeInTheDocument();
    expect(placed).toEqual([]);
  });

  it("marks a field without an amount and says why", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "much");
    await user.click(panel.getByRole("button", { name: "Bid" }));
    expect(panel.getByLabelText("Your bid")).toBeInvalid();
    expect(panel.getByLabelText("Your bid")).toHaveAccessibleDescription(/Enter an amount such as 21.00/);
    expect(placed).toEqual([]);
  });

  it("retries with the same key after no response, and bids with a new one after a response", async () => {
    const unavailable = (): never => {
      throw new ConnectError("unavailable", Code.Unavailable);
    };
    const { panel, user, placed } = await bidding(anItem(BID_BEFORE), unavailable, () => ({ leading: false }));
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    await user.click(await panel.findByRole("button", { name: "Try again" }));
    await panel.findByText(/another bidder's maximum is higher/);
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    await waitFor(() => expect(placed).toHaveLength(3));
    expect(placed[1]?.idempotencyKey).toBe(placed[0]?.idempotencyKey);
    expect(placed[2]?.idempotencyKey).not.toBe(placed[0]?.idempotencyKey);
  });

  it("retries the same bid, even if the price has changed", async () => {
    const unavailable = (): never => {
      throw new ConnectError("unavailable", Code.Unavailable);
    };
    const { panel, user, placed, gavel } = await bidding(anItem(BID_BEFORE), unavailable);
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem(BID_BEFORE));
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    await panel.findByRole("button", { name: "Try again" });
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await waitFor(() => expect(panel.getByLabelText("Your bid")).toHaveValue("26.00"));
    await user.click(panel.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(placed.map((each) => each.amount)).toEqual([2_100n, 2_100n]));
    expect(placed[1]?.idempotencyKey).toBe(placed[0]?.idempotencyKey);
  });

  it("sends a maximum with the bid", async () => {
    const { panel, user, placed } = await bidding();
    await user.click(panel.getByRole("button", { name: /Set a maximum/ }));
    await user.type(panel.getByLabelText("Your maximum (optional)"), "50");
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    await waitFor(() => expect(placed).toMatchObject([{ amount: 2_100n, maxAmount: 5_000n }]));
  });

  it("asks the leader for a maximum only", async () => {
    const { panel, user, placed } = await bidding(anItem({ ...BID_BEFORE, highestBidderId: ME }));
    expect(panel.getByText("You lead")).toBeInTheDocument();
    expect(panel.queryByLabelText("Your bid")).not.toBeInTheDocument();
    await user.type(panel.getByLabelText("Your maximum"), "80");
    await user.click(panel.getByRole("button", { name: "Set my maximum" }));
    expect(await panel.findByText("You lead, and Gavel bids for you up to $80.00.")).toBeInTheDocument();
    expect(placed).toMatchObject([{ amount: 2_100n, maxAmount: 8_000n }]);
  });

  it("asks for confirmation of ten times the least bid", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "2100");
    await user.click(panel.getByRole("button", { name: "Bid $2,100.00" }));
    expect(placed).toEqual([]);
    await user.click(panel.getByRole("button", { name: "Bid $2,100.00 anyway" }));
    await waitFor(() => expect(placed).toMatchObject([{ amount: 210_000n }]));
  });

  it.each([
    ["for the seller", { sellerId: ME }, "This is your auction."],
    ["before the start", { startAt: timestampFromMs(Date.now() + 600_000) }, "The least bid will be $21.00."],
    ["after the end", { outcome: { sold: true, winnerId: RIVAL, amount: 2_000n } }, "Sold"],
    ["on a cancelled item", { status: ItemStatus.CANCELLED }, "The seller cancelled this auction."],
  ])("is not shown %s", async (_, state, text) => {
    const { panel } = await bidding(anItem({ ...BID_BEFORE, ...state }));
    expect(await panel.findByText(text)).toBeInTheDocument();
    expect(panel.queryByLabelText("Your bid")).not.toBeInTheDocument();
  });
});
