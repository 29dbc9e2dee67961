import { create, fromJson, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { EventBatchSchema } from "./events.js";
import {
  BidRejected_Reason,
  BidRejectedSchema,
  createGavelClient,
  GetUserStatsResponseSchema,
  PlaceBidResponseSchema,
} from "./index.js";

type SentRequest = { url: string; authorization: string | null };

/** A fetch that responds to every request with `body` and records the requests. */
function respondWith(
  body: BodyInit,
  contentType: string,
  status = 200,
): { fetch: typeof fetch; requests: SentRequest[] } {
  const requests: SentRequest[] = [];
  const respond: typeof fetch = async (input, init) => {
    requests.push({ url: String(input), authorization: new Headers(init?.headers).get("Authorization") });
    return new Response(body, { status, headers: { "Content-Type": contentType } });
  };
  return { fetch: respond, requests };
}

describe("createGavelClient", () => {
  it("places a bid and reads amounts as exact bigints", async () => {
    const response = create(PlaceBidResponseSchema, { currentHighestBid: 9_007_199_254_740_993n, leading: true });
    const { fetch, requests } = respondWith(toBinary(PlaceBidResponseSchema, response), "application/proto");
    const gavel = createGavelClient("http://gavel.test", { fetch, useBinaryFormat: true });

    const placed = await gavel.bids.placeBid({ itemId: "an item", userId: "a user", amount: 15_000n });

    expect(placed.currentHighestBid).toBe(9_007_199_254_740_993n);
    expect(requests.map((each) => each.url)).toEqual(["http://gavel.test/bids.v1.BidService/PlaceBid"]);
  });

  it("reads statistics from the base URL of their own", async () => {
    const response = create(GetUserStatsResponseSchema, { stats: { totalBids: 3n } });
    const { fetch, requests } = respondWith(toBinary(GetUserStatsResponseSchema, response), "application/proto");
    const gavel = createGavelClient("http://bids.test", {
      statsUrl: "http://stats.test",
      fetch,
      useBinaryFormat: true,
    });

    const { stats } = await gavel.stats.getUserStats({ userId: "a user" });

    expect(stats?.totalBids).toBe(3n);
    expect(requests[0]?.url).toBe("http://stats.test/userstats.v1.UserStatsService/GetUserStats");
  });

  it("sends headers of an interceptor", async () => {
    const { fetch, requests } = respondWith("{}", "application/json");
    const gavel = createGavelClient("http://gavel.test", {
      fetch,
      interceptors: [
        (next) => (request) => {
          request.header.set("Authorization", "Bearer a-token");
          return next(request);
        },
      ],
    });

    await gavel.bids.getItem({ id: "an item" });

    expect(requests[0]?.authorization).toBe("Bearer a-token");
  });

  it("throws the reason of a refused bid", async () => {
    const body = {
      code: "failed_precondition",
      message: "the bid is below the least bid: bid at least 2100",
      details: [{ type: "bids.v1.BidRejected", value: "CAEQ0A8YtBA" }],
    };
    const { fetch } = respondWith(JSON.stringify(body), "application/json", 400);

    const refused = await createGavelClient("http://gavel.test", { fetch })
      .bids.placeBid({ amount: 1n })
      .catch((error: unknown) => ConnectError.from(error));

    expect(refused).toBeInstanceOf(ConnectError);
    expect((refused as ConnectError).code).toBe(Code.FailedPrecondition);
    expect((refused as ConnectError).findDetails(BidRejectedSchema)[0]).toMatchObject({
      reason: BidRejected_Reason.TOO_LOW,
      currentHighestBid: 2_000n,
      minimumNextBid: 2_100n,
    });
  });
});

describe("the events", () => {
  it("can be read from the broker's JSON", () => {
    const batch = fromJson(EventBatchSchema, { events: [{ seq: "2", bid_placed: { amount: "2100" } }] });

    expect(batch.events[0]?.fact).toMatchObject({ case: "bidPlaced", value: { amount: 2_100n } });
  });
});
