import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ItemEventSchema, ListMyBidsResponseSchema, Standing } from "@gavel/client";
import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { InMemoryGavel } from "./testing/in-memory-gavel";
import { aBid, anItem, bidPlaced, ITEM_ID, ME, RIVAL } from "./testing/items";
import { renderPage } from "./testing/render-page";
import { aTokenSession, signIn } from "./testing/token-session";

const LEADING = { seq: 2n, bidCount: 1n, currentHighestBid: 2_000n, minimumNextBid: 2_100n, highestBidderId: ME };

function history(): string[] {
  const rows = screen.queryAllByRole("row").slice(1);
  return rows.map((row) => within(row).getAllByRole("cell")[1]?.textContent ?? "");
}

describe("one auction", () => {
  it("shows each bid of the feed: price, count and history", async () => {
    const gavel = new InMemoryGavel(anItem({ ...LEADING, highestBidderId: RIVAL }));
    gavel.bids = [aBid(2n, { amount: 2_000n })];
    renderPage(gavel, `/items/${ITEM_ID}`);
    await screen.findByRole("heading", { name: "A lamp" });
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem({ ...LEADING, highestBidderId: RIVAL }));
    await waitFor(() => expect(history()).toEqual(["$20.00"]));
    gavel.stream.event(bidPlaced(3n, { amount: 2_100n }));
    gavel.stream.event(bidPlaced(4n, { amount: 2_300n, automatic: true }));
    await waitFor(() => expect(history()).toEqual(["$23.00", "$21.00", "$20.00"]));
    expect(await screen.findByText("3 bids")).toBeInTheDocument();
    expect(screen.getByText("automatic")).toBeInTheDocument();
    await waitFor(() => expect(screen.getByLabelText("Your bid")).toHaveValue("24.00"));
  });

  it("shows texts of users literally", async () => {
    const title = '<script>alert("x")</script><img src=x onerror=alert(1)>';
    const gavel = new InMemoryGavel(anItem({ title, description: "<b>bold</b>", category: "<i>odd</i>" }));
    const { container } = renderPage(gavel, `/items/${ITEM_ID}`);
    expect(await screen.findByRole("heading", { name: title })).toBeInTheDocument();
    expect(screen.getByText("<b>bold</b>")).toBeInTheDocument();
    expect(container.querySelector("script, b, [onerror]")).toBeNull();
  });

  it("shows the winner when it ends", async () => {
    const gavel = new InMemoryGavel(anItem(LEADING));
    renderPage(gavel, `/items/${ITEM_ID}`);
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem(LEADING));
    const outcome = { sold: true, winnerId: ME, amount: 2_000n };
    const state = { currentHighestBid: 2_000n, highestBidderId: ME, bidCount: 1n };
    gavel.stream.event(
      create(ItemEventSchema, { itemId: ITEM_ID, seq: 3n, what: { case: "closed", value: outcome }, ...state }),
    );
    const panel = within(screen.getByRole("region", { name: "Bidding" }));
    expect(await panel.findByText("You won!")).toBeInTheDocument();
    expect(await screen.findByText("A lamp is yours for $20.00.")).toBeInTheDocument();
  });

  it("shows a message if it does not exist", async () => {
    renderPage(new InMemoryGavel(), `/items/${ITEM_ID}`);
    expect(await screen.findByText("This auction does not exist.")).toBeInTheDocument();
  });
});

describe("being outbid", () => {
  it("shows a notice on every page and in the title, until the user goes there", async () => {
    const gavel = new InMemoryGavel(anItem(LEADING));
    const mine = { item: anItem(LEADING), amount: 2_000n, standing: Standing.LEADING };
    gavel.methods = { listMyBids: () => create(ListMyBidsResponseSchema, { bids: [mine] }) };
    const { user } = renderPage(gavel, "/sell");
    await waitFor(() => expect(gavel.stream.positions()).toHaveProperty(ITEM_ID));
    gavel.stream.snapshot(anItem(LEADING));
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));

    const notices = within(screen.getByRole("region", { name: "Notices" }));
    expect(await notices.findByText("You've been outbid")).toBeInTheDocument();
    expect(notices.getByText("A lamp is now at $25.00.")).toBeInTheDocument();
    await waitFor(() => expect(document.title).toMatch(/^You've been outbid · /));

    await user.click(notices.getByRole("link", { name: "Bid $26.00 or more" }));
    expect(await screen.findByRole("heading", { name: "A lamp" })).toBeInTheDocument();
    expect(notices.queryByText("You've been outbid")).not.toBeInTheDocument();
    expect(document.title).not.toMatch(/outbid/);
  });
});

describe("a sign-in that has expired", () => {
  it("is shown as the reason for being signed out, until the user signs in again", async () => {
    const gavel = new InMemoryGavel(anItem(LEADING));
    const session = aTokenSession();
    signIn(session, ME);
    renderPage(gavel, `/items/${ITEM_ID}`, session);
    await waitFor(() => gavel.stream);
    expect(screen.queryByText(/sign-in has expired/)).not.toBeInTheDocument();
    gavel.stream.end(new ConnectError("the token has expired: resume with a new one", Code.Unauthenticated));
    expect(await screen.findByText(/Your sign-in has expired/)).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Sign in" })).toBeInTheDocument();
    act(() => signIn(session, ME));
    expect(screen.queryByText(/sign-in has expired/)).not.toBeInTheDocument();
  });

  it("keeps the bid that the user has typed", async () => {
    const gavel = new InMemoryGavel(anItem({ ...LEADING, highestBidderId: RIVAL }));
    const session = aTokenSession();
    signIn(session, ME);
    const { user } = renderPage(gavel, `/items/${ITEM_ID}`, session);
    await user.clear(await screen.findByLabelText("Your bid"));
    await user.type(screen.getByLabelText("Your bid"), "30");
    act(() => session.rejected(session.authorization() ?? ""));
    expect(screen.queryByLabelText("Your bid")).not.toBeInTheDocument();
    act(() => signIn(session, ME));
    expect(screen.getByLabelText("Your bid")).toHaveValue("30");
  });
});

describe("a page that loses the server", () => {
  it("shows a message, and catches up by resuming when the feed is back", async () => {
    const gavel = new InMemoryGavel(anItem(LEADING));
    renderPage(gavel, `/items/${ITEM_ID}`);
    await waitFor(() => gavel.stream);
    gavel.stream.snapshot(anItem(LEADING));
    await screen.findByText("1 bid");
    gavel.isUp = false;
    gavel.stream.end(new ConnectError("stopping", Code.Unavailable));
    expect(await screen.findByText(/Connection lost\. Prices may be out of date/)).toBeInTheDocument();

    gavel.isUp = true;
    gavel.items.set(
      ITEM_ID,
      anItem({ ...LEADING, seq: 3n, bidCount: 2n, currentHighestBid: 2_500n, highestBidderId: RIVAL }),
    );
    await waitFor(() => expect(gavel.streams.length).toBeGreaterThan(1));
    expect(gavel.stream.positions()).toEqual({ [ITEM_ID]: 2n });
    gavel.stream.event(bidPlaced(3n, { amount: 2_500n }));
    await waitFor(() => expect(screen.queryByText(/Connection lost|Reconnecting/)).not.toBeInTheDocument());
    expect(await screen.findByText("2 bids")).toBeInTheDocument();
  });

  it("polls while only the feed is down, and never shows an older state", async () => {
    const gavel = new InMemoryGavel(anItem({ ...LEADING, seq: 5n, bidCount: 4n, currentHighestBid: 4_000n }));
    gavel.feedIsUp = false;
    renderPage(gavel, `/items/${ITEM_ID}`);
    expect(await screen.findByText(/Reconnecting to live prices/)).toBeInTheDocument();
    gavel.items.set(ITEM_ID, anItem({ ...LEADING, seq: 6n, bidCount: 5n, currentHighestBid: 4_500n }));
    expect(await screen.findByText("5 bids")).toBeInTheDocument();
    gavel.items.set(ITEM_ID, anItem(LEADING));
    const requests = gavel.itemRequests;
    await waitFor(() => expect(gavel.itemRequests).toBeGreaterThan(requests + 1));
    expect(screen.getByText("5 bids")).toBeInTheDocument();
  });
});

describe("the status page", () => {
  it("redirects from its former address", async () => {
    const { location } = renderPage(new InMemoryGavel(), "/board");
    expect(await screen.findByRole("heading", { name: "System status" })).toBeInTheDocument();
    expect(location.history).toEqual(["/status"]);
  });
});
