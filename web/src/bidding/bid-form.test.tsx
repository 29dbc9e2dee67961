import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BidRejectedSchema,
  ItemStatus,
  ListMyBidsResponseSchema,
  type PlaceBidRequest,
  PlaceBidResponseSchema,
  BidRejected_Reason as Reason,
} from "@gavel/client";
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { aBid, anItem, bidPlaced, ITEM_ID, ME, RIVAL } from "../testing/items";
import { renderPage } from "../testing/render-page";
import { STOOD_MS_MIN } from "./question";

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

/** The same, on a live stream. */
async function biddingLive(item = anItem(BID_BEFORE), ...responses: (() => Partial<{ leading: boolean }>)[]) {
  const opened = await bidding(item, ...responses);
  await waitFor(() => opened.gavel.stream);
  opened.gavel.stream.snapshot(item);
  return opened;
}

/** Wait until the amount on the button has stood there long enough. */
async function settled(button: HTMLElement): Promise<void> {
  await waitFor(() => expect(button).toHaveAttribute("data-settled", "true"));
}

/** The answer to a question, once it can be given. */
async function answer(panel: ReturnType<typeof within>, name: string): Promise<HTMLElement> {
  const button = await panel.findByRole("button", { name });
  await settled(button);
  return button;
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

  it("asks with the least bid when the server refuses a bid as too low", async () => {
    const { panel, user, placed, gavel } = await bidding(
      anItem(BID_BEFORE),
      refused(Reason.TOO_LOW, 2_600n),
      () => ({}),
    );
    gavel.items.set(ITEM_ID, anItem({ ...BID_BEFORE, seq: 3n, currentHighestBid: 2_500n, minimumNextBid: 2_600n }));
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    expect(await panel.findByText(/\$21.00 is too low by now. Bid up to \$26.00/)).toBeInTheDocument();
    await user.click(await answer(panel, "Bid up to $26.00"));
    await waitFor(() => expect(placed.map((each) => each.amount)).toEqual([2_100n, 2_600n]));
  });

  it("fills in the least bid on one click when the typed bid is too low", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "5");
    await user.click(panel.getByRole("button", { name: "Bid $5.00" }));
    await user.click(panel.getByRole("button", { name: "Use $21.00" }));
    await user.click(panel.getByRole("button", { name: "Bid $21.00" }));
    await waitFor(() => expect(placed.map((each) => each.amount)).toEqual([2_100n]));
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
    const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE), unavailable);
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
    await user.click(panel.getByRole("button", { name: "Bid $21.00, up to $50.00" }));
    await waitFor(() => expect(placed).toMatchObject([{ amount: 2_100n, maxAmount: 5_000n }]));
  });

  it("asks the leader for a maximum only", async () => {
    const { panel, user, placed } = await bidding(anItem({ ...BID_BEFORE, highestBidderId: ME }));
    expect(panel.getByText("You lead")).toBeInTheDocument();
    expect(panel.queryByLabelText("Your bid")).not.toBeInTheDocument();
    await user.type(panel.getByLabelText("Your maximum"), "80");
    await user.click(panel.getByRole("button", { name: "Set my maximum to $80.00" }));
    expect(await panel.findByText("You lead, and Gavel bids for you up to $80.00.")).toBeInTheDocument();
    expect(placed).toMatchObject([{ amount: 2_100n, maxAmount: 8_000n }]);
  });

  it("asks for confirmation of ten times the price, which the same button gives", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "2100");
    const button = panel.getByRole("button", { name: "Bid $2,100.00" });
    await user.click(button);
    expect(await answer(panel, "Bid $2,100.00 anyway")).toBe(button);
    expect(placed).toEqual([]);
    await user.click(button);
    await waitFor(() => expect(placed).toMatchObject([{ amount: 210_000n }]));
  });

  it("asks for confirmation of a maximum of ten times the price", async () => {
    const { panel, user, placed } = await bidding();
    await user.click(panel.getByRole("button", { name: /Set a maximum/ }));
    await user.type(panel.getByLabelText("Your maximum (optional)"), "200");
    await user.click(panel.getByRole("button", { name: "Bid $21.00, up to $200.00" }));
    expect(panel.getByText(/\$200.00 is far above the price of \$20.00/)).toBeInTheDocument();
    const confirm = await answer(panel, "Bid up to $200.00 anyway");
    expect(placed).toEqual([]);
    await user.click(confirm);
    await waitFor(() => expect(placed).toMatchObject([{ amount: 2_100n, maxAmount: 20_000n }]));
  });

  it("does not take the second click of a double click for the answer to a question", async () => {
    const { panel, user, placed } = await bidding();
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "2100");
    await user.dblClick(panel.getByRole("button", { name: "Bid $2,100.00" }));
    await user.click(await answer(panel, "Bid $2,100.00 anyway"));
    await waitFor(() => expect(placed).toHaveLength(1));
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

describe("a press on the bid button", () => {
  it.each([
    ["a mouse", "[MouseLeft>]", "[/MouseLeft]"],
    ["a finger", "[TouchA>]", "[/TouchA]"],
  ])(
    "by %s sends nothing if the price moves before it ends, and asks with the amount that was pressed",
    async (...by) => {
      const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE));
      const button = panel.getByRole("button", { name: "Bid $21.00" });
      await user.pointer({ keys: by[1], target: button });
      gavel.stream.event(bidPlaced(3n, { amount: 500_000n }));
      await panel.findByText("$5,001.00 or more");
      await user.pointer({ keys: by[2], target: button });
      expect(await panel.findByText(/\$21.00 is too low by now. Bid up to \$5,001.00/)).toBeInTheDocument();
      expect(placed).toEqual([]);
      expect(button).toHaveAccessibleName("Bid up to $5,001.00");
      await user.click(panel.getByRole("button", { name: "Not now" }));
      expect(button).toHaveAccessibleName("Bid $5,001.00");
      expect(placed).toEqual([]);
    },
  );

  it("by the space bar is asked about in the same way", async () => {
    const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE));
    const button = panel.getByRole("button", { name: "Bid $21.00" });
    button.focus();
    await user.keyboard("[Space>]");
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await panel.findByText("$26.00 or more");
    await user.keyboard("[/Space]");
    expect(await panel.findByText(/\$21.00 is too low by now/)).toBeInTheDocument();
    expect(placed).toEqual([]);
  });

  it("on an amount that has only just appeared is asked about once: as a maximum, which stays as it was", async () => {
    const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE));
    const button = panel.getByRole("button", { name: "Bid $21.00" });
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await waitFor(() => expect(button).toHaveAccessibleName("Bid $26.00"));
    await user.click(button);
    await answer(panel, "Bid up to $26.00");
    gavel.stream.event(bidPlaced(4n, { amount: 2_550n }));
    await panel.findByText("$26.50 or more");
    expect(button).toHaveAccessibleName("Bid up to $26.00");
    expect(placed).toEqual([]);
    await user.click(button);
    await waitFor(() => expect(placed).toMatchObject([{ amount: 2_600n, maxAmount: 2_600n }]));
  });

  it("is sent without a question once its amount has stood there for half a second", async () => {
    const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE));
    const button = panel.getByRole("button", { name: "Bid $21.00" });
    const beforeMs = performance.now();
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await waitFor(() => expect(button).toHaveAccessibleName("Bid $26.00"));
    await settled(button);
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(STOOD_MS_MIN);
    await user.click(button);
    await waitFor(() => expect(placed).toMatchObject([{ amount: 2_600n, maxAmount: 0n }]));
  });

  it("on a suggested bid fills in the amount that was pressed", async () => {
    const { panel, user, gavel } = await biddingLive(anItem(BID_BEFORE));
    const chip = panel.getByRole("button", { name: "$23" });
    await user.pointer({ keys: "[MouseLeft>]", target: chip });
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await panel.findByText("$26.00 or more");
    await user.pointer({ keys: "[/MouseLeft]", target: chip });
    expect(panel.getByLabelText("Your bid")).toHaveValue("23.00");
  });

  it("up to a maximum is raised within it if the price moves on the way", async () => {
    const tooLow = refused(Reason.TOO_LOW, 2_400n);
    const { panel, user, placed, gavel } = await biddingLive(anItem(BID_BEFORE), tooLow, tooLow, tooLow, () => ({}));
    await user.clear(panel.getByLabelText("Your bid"));
    await user.type(panel.getByLabelText("Your bid"), "50");
    const button = panel.getByRole("button", { name: "Bid $50.00" });
    await user.pointer({ keys: "[MouseLeft>]", target: button });
    gavel.stream.event(bidPlaced(3n, { amount: 2_200n }));
    await panel.findByText("$23.00 or more");
    await user.pointer({ keys: "[/MouseLeft]", target: button });
    await user.click(await answer(panel, "Bid up to $50.00"));
    await waitFor(() => expect(placed).toHaveLength(4));
    expect(placed.map(({ amount }) => amount)).toEqual([2_300n, 2_400n, 2_400n, 5_000n]);
    expect(new Set(placed.map(({ maxAmount }) => maxAmount))).toEqual(new Set([5_000n]));
    expect(new Set(placed.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
  });
});

describe("the user's position", () => {
  const leading = { ...BID_BEFORE, highestBidderId: ME };

  /** The page of an item on which the user has bid, with a maximum. */
  async function withMine(item: ReturnType<typeof anItem>, maxAmount: bigint) {
    const gavel = new InMemoryGavel(item);
    gavel.methods = {
      listMyBids: () => create(ListMyBidsResponseSchema, { bids: [{ item, amount: 2_000n, maxAmount }] }),
    };
    const page = renderPage(gavel, `/items/${ITEM_ID}`);
    return { ...page, gavel, panel: within(await screen.findByRole("region", { name: "Bidding" })) };
  }

  it("has the leader's maximum, which can't be lowered", async () => {
    const { panel, user } = await withMine(anItem(leading), 8_000n);
    expect(await panel.findByText("now $80.00")).toBeInTheDocument();
    await user.type(panel.getByLabelText("Your maximum"), "79");
    await user.click(panel.getByRole("button", { name: "Set my maximum to $79.00" }));
    expect(panel.getByText("Your maximum is $80.00 already. You can raise it, but not lower it.")).toBeInTheDocument();
    expect(panel.getByLabelText("Your maximum")).toBeInvalid();
  });

  it("is said to a user who was outbid", async () => {
    const { panel, gavel } = await withMine(anItem(leading), 2_000n);
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem(leading));
    expect(await panel.findByText("You lead")).toBeInTheDocument();
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    expect(await panel.findByText("You've been outbid")).toBeInTheDocument();
    expect(panel.queryByText("You lead")).not.toBeInTheDocument();
  });

  it("is not said to a user who has not bid", async () => {
    const { panel } = await bidding();
    expect(panel.queryByText("You've been outbid")).not.toBeInTheDocument();
  });

  it("keeps the focus in the form when it changes by a bid by Enter", async () => {
    const { panel, user, gavel } = await biddingLive(anItem(BID_BEFORE));
    const field = panel.getByLabelText("Your bid");
    field.focus();
    await user.keyboard("{Enter}");
    gavel.stream.event(bidPlaced(3n, { amount: 2_100n, userId: ME }));
    expect(await panel.findByLabelText("Your maximum")).toHaveFocus();
    gavel.stream.event(bidPlaced(4n, { amount: 2_500n }));
    expect(await panel.findByLabelText("Your bid")).toHaveFocus();
  });
});
