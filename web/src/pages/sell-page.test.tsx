import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type CreateItemRequest, CreateItemResponseSchema } from "@gavel/client";
import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { InMemoryGavel } from "../testing/in-memory-gavel";
import { anItem, ITEM_ID } from "../testing/items";
import { renderPage } from "../testing/render-page";

const START = { name: "Start the auction" };

/** The sell form, filled in, on a Gavel that refuses with these codes in turn and then lists the item. */
async function selling(...codes: Code[]) {
  const gavel = new InMemoryGavel(anItem());
  const asked: CreateItemRequest[] = [];
  gavel.methods = {
    createItem: (request) => {
      asked.push(request);
      const code = codes[asked.length - 1];
      if (code !== undefined) {
        throw new ConnectError("no", code);
      }
      return create(CreateItemResponseSchema, { item: anItem() });
    },
  };
  const page = renderPage(gavel, "/sell");
  await page.user.type(screen.getByLabelText("Title"), "A lamp");
  await page.user.type(screen.getByLabelText("Starting price"), "20");
  const submit = () => page.user.click(screen.getByRole("button", START));
  return { ...page, asked, submit };
}

describe("the sell form", () => {
  it("sends the same request with the same key when an answer was lost", async () => {
    const { asked, submit, location } = await selling(Code.Unavailable, Code.DeadlineExceeded);
    for (const times of [1, 2]) {
      await submit();
      expect(await screen.findByText(/Trying again can't list it twice/)).toBeInTheDocument();
      expect(asked).toHaveLength(times);
      await waitFor(() => expect(screen.getByRole("button", START)).toBeEnabled());
    }
    await submit();
    await waitFor(() => expect(location.history.at(-1)).toBe(`/items/${ITEM_ID}`));
    expect(asked[0]?.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
    expect(asked).toEqual([asked[0], asked[0], asked[0]]);
  });

  it("asks for another item under another key when the form has changed", async () => {
    const { asked, submit, user } = await selling(Code.Unavailable);
    await submit();
    await screen.findByText(/Trying again/);
    await user.type(screen.getByLabelText("Title"), " of brass");
    await submit();
    await waitFor(() => expect(asked).toHaveLength(2));
    expect(asked.map(({ title }) => title)).toEqual(["A lamp", "A lamp of brass"]);
    expect(asked[1]?.idempotencyKey).not.toBe(asked[0]?.idempotencyKey);
  });

  it("forgets the key of a request that was refused", async () => {
    const { asked, submit } = await selling(Code.PermissionDenied);
    await submit();
    await waitFor(() => expect(screen.getByRole("button", START)).toBeEnabled());
    await submit();
    await waitFor(() => expect(asked).toHaveLength(2));
    expect(asked[1]?.idempotencyKey).not.toBe(asked[0]?.idempotencyKey);
  });
});
