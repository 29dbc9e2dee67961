import { create, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { createGavelClient, PlaceBidResponseSchema } from "./index.js";

const PLACED = toBinary(PlaceBidResponseSchema, create(PlaceBidResponseSchema, { leading: true }));

/** What a cut connection is to `fetch`. */
const cut = (): never => {
  throw new TypeError("fetch failed");
};
const placed = (): Response => new Response(PLACED, { headers: { "Content-Type": "application/proto" } });
const refused =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  (): Response =>
    new Response(JSON.stringify({ code, message: "no" }), {
      status,
      headers: { "Content-Type": "application/json", ...headers },
    });

/** A client whose requests are answered in this order, and the keys in the headers of those that were sent. */
function answered(...answers: (() => Response)[]): { gavel: ReturnType<typeof createGavelClient>; keys: unknown[] } {
  const keys: unknown[] = [];
  const gavel = createGavelClient("http://gavel.test", {
    useBinaryFormat: true,
    fetch: async (_input, init) => {
      keys.push(new Headers(init?.headers).get("Idempotency-Key"));
      const answer = answers[keys.length - 1];
      return answer === undefined ? cut() : answer();
    },
  });
  return { gavel, keys };
}

describe("a call that is not answered", () => {
  it("is sent again with its key, which is in the header for proxies", async () => {
    const { gavel, keys } = answered(cut, refused(503, "unavailable"), placed);

    const response = await gavel.bids.placeBid({ itemId: "an item", amount: 1n, idempotencyKey: "a-key" });

    expect(response.leading).toBe(true);
    expect(keys).toEqual(["a-key", "a-key", "a-key"]);
  });

  it.each(["ключ", "clé", " a-key "])(
    "is sent again without a header where that would not deliver the key %j",
    async (key) => {
      const { gavel, keys } = answered(cut, placed);

      const response = await gavel.bids.placeBid({ itemId: "an item", amount: 1n, idempotencyKey: key });

      expect(response.leading).toBe(true);
      expect(keys).toEqual([null, null]);
    },
  );

  it("is sent again where it only reads", async () => {
    const { gavel, keys } = answered(cut, placed);

    await gavel.bids.getItem({ id: "an item" });

    expect(keys).toEqual([null, null]);
  });

  it("is not sent again without a key", async () => {
    const { gavel, keys } = answered(cut, placed);

    await expect(gavel.bids.placeBid({ itemId: "an item", amount: 1n })).rejects.toThrow("fetch failed");
    expect(keys).toEqual([null]);
  });

  it("fails after two more attempts", async () => {
    const { gavel, keys } = answered();

    await expect(gavel.bids.getItem({ id: "an item" })).rejects.toThrow("fetch failed");
    expect(keys).toHaveLength(3);
  });

  it("waits as long as the server asks for", async () => {
    const { gavel } = answered(refused(503, "unavailable", { "Retry-After": "1" }), placed);
    const begun = performance.now();

    await gavel.bids.getItem({ id: "an item" });

    expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
  });

  it("is given up when the caller aborts", async () => {
    const { gavel, keys } = answered(refused(503, "unavailable", { "Retry-After": "60" }));
    const abort = new AbortController();
    const call = gavel.bids.getItem({ id: "an item" }, { signal: abort.signal });
    await expect.poll(() => keys).toHaveLength(1);

    abort.abort();

    await expect(call).rejects.toMatchObject({ code: Code.Canceled });
  });
});

it("sends no refused call again", async () => {
  const { gavel, keys } = answered(refused(400, "failed_precondition"), placed);

  const error: unknown = await gavel.bids
    .placeBid({ itemId: "an item", amount: 1n, idempotencyKey: "a key" })
    .catch((reason: unknown) => reason);

  expect((error as ConnectError).code).toBe(Code.FailedPrecondition);
  expect(keys).toHaveLength(1);
});
