import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type CreateItemRequest, CreateItemResponseSchema } from "@gavel/client";
import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Session } from "../session/session";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { anItem, ITEM_ID, ME } from "../testing/items";
import { renderPage } from "../testing/render-page";
import { aTokenSession, signIn } from "../testing/token-session";

const START = { name: "Start the auction" };

/** The sell form, filled in, on a fake server that fails with these codes in turn and then lists the item. */
async function selling(codes: Code[], session?: Session) {
  const gavel = new InMemoryGavel(anItem());
  const requests: CreateItemRequest[] = [];
  gavel.methods = {
    createItem: (request) => {
      requests.push(request);
      const code = codes[requests.length - 1];
      if (code !== undefined) {
        throw new ConnectError("no", code);
      }
      return create(CreateItemResponseSchema, { item: anItem() });
    },
  };
  const page = renderPage(gavel, "/sell", session);
  await page.user.type(screen.getByLabelText("Title"), "A lamp");
  await page.user.type(screen.getByLabelText("Starting price"), "20");
  const submit = () => page.user.click(screen.getByRole("button", START));
  return { ...page, gavel, requests, submit };
}

describe("the sell form", () => {
  it("retries the same request with the same key after no response", async () => {
    const { requests, submit, location } = await selling([Code.Unavailable, Code.DeadlineExceeded]);
    for (const times of [1, 2]) {
      await submit();
      expect(await screen.findByText(/Trying again can't list it twice/)).toBeInTheDocument();
      expect(requests).toHaveLength(times);
      await waitFor(() => expect(screen.getByRole("button", START)).toBeEnabled());
    }
    await submit();
    await waitFor(() => expect(location.history.at(-1)).toBe(`/items/${ITEM_ID}`));
    expect(requests[0]?.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
    expect(requests).toEqual([requests[0], requests[0], requests[0]]);
  });

  it("sends another key after the form has changed", async () => {
    const { requests, submit, user } = await selling([Code.Unavailable]);
    await submit();
    await screen.findByText(/Trying again/);
    await user.type(screen.getByLabelText("Title"), " of brass");
    await submit();
    await waitFor(() => expect(requests).toHaveLength(2));
    expect(requests.map(({ title }) => title)).toEqual(["A lamp", "A lamp of brass"]);
    expect(requests[1]?.idempotencyKey).not.toBe(requests[0]?.idempotencyKey);
  });

  it("sends another key after a refusal", async () => {
    const { requests, submit } = await selling([Code.PermissionDenied]);
    await submit();
    await waitFor(() => expect(screen.getByRole("button", START)).toBeEnabled());
    await submit();
    await waitFor(() => expect(requests).toHaveLength(2));
    expect(requests[1]?.idempotencyKey).not.toBe(requests[0]?.idempotencyKey);
  });

  it("asks a user who is signed out to sign in, and keeps what they have typed", async () => {
    const session = aTokenSession();
    const { requests, user, unmount, gavel } = await selling([], session);
    expect(screen.getByText(/You are not signed in/)).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Sign in to start the auction" }));
    expect(requests).toEqual([]);
    // The browser leaves for the provider, and comes back.
    unmount();
    signIn(session, ME);
    const page = renderPage(gavel, "/sell", session);
    expect(screen.getByLabelText("Title")).toHaveValue("A lamp");
    expect(screen.getByLabelText("Starting price")).toHaveValue("20");
    await user.click(screen.getByRole("button", START));
    await waitFor(() => expect(page.location.history.at(-1)).toBe(`/items/${ITEM_ID}`));
    expect(requests).toMatchObject([{ title: "A lamp", sellerId: ME }]);
    expect(sessionStorage).toHaveLength(0);
  });
});
