import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ME } from "../testing/items";
import { checkListing, EMPTY_DRAFT, type ListingDraft, problemsFrom } from "./listing-draft";

const NOW_MS = 1_900_000_000_000;

function checked(draft: Partial<ListingDraft>) {
  return checkListing({ ...EMPTY_DRAFT, title: "A lamp", startPrice: "20", ...draft }, "USD", ME, NOW_MS);
}

function problemFields(draft: Partial<ListingDraft>): string[] {
  const result = checked(draft);
  return result.ok ? [] : Object.keys(result.problems);
}

describe("a draft", () => {
  it("becomes a request in minor units and the server's time", () => {
    const result = checked({ reservePrice: "30", incrementPercent: "2.5", images: " https://a.test/1.jpg \n\n/2.jpg" });
    expect(result).toMatchObject({
      ok: true,
      request: {
        sellerId: ME,
        startPrice: 2_000n,
        reservePrice: 3_000n,
        buyNowPrice: 0n,
        images: ["https://a.test/1.jpg", "/2.jpg"],
        softClose: { windowSeconds: 60, extensionSeconds: 60 },
        bidIncrement: { fixed: 0n, basisPoints: 250 },
      },
    });
    expect(result.ok && result.request.endAt && timestampMs(result.request.endAt)).toBe(NOW_MS + 86_400_000);
    expect(result.ok && result.request.startAt).toBeUndefined();
  });

  it("ends at a whole nanosecond, even if the server's time is a fraction of a millisecond", () => {
    const result = checkListing({ ...EMPTY_DRAFT, title: "A lamp", startPrice: "20" }, "USD", ME, NOW_MS + 0.3);
    expect(result.ok && result.request.endAt && timestampMs(result.request.endAt)).toBe(NOW_MS + 86_400_000);
    expect(result.ok && result.request.endAt?.nanos).toBe(0);
  });

  it("ends its duration after a start in the future", () => {
    const result = checked({ startAt: "2031-01-01T12:00", durationSeconds: 600 });
    expect(result.ok && result.request.startAt && result.request.endAt).toBeTruthy();
    if (result.ok && result.request.startAt && result.request.endAt) {
      expect(timestampMs(result.request.endAt) - timestampMs(result.request.startAt)).toBe(600_000);
    }
  });

  it.each([
    [{ title: "  " }, ["title"]],
    [{ startPrice: "" }, ["startPrice"]],
    [{ startPrice: "0" }, ["startPrice"]],
    [{ reservePrice: "19.99" }, ["reservePrice"]],
    [{ reservePrice: "50", buyNowPrice: "40" }, ["buyNowPrice"]],
    [{ softCloseSeconds: "1.5" }, ["softCloseSeconds"]],
    [{ incrementPercent: "101" }, ["incrementPercent"]],
    [{ incrementPercent: "abc" }, ["incrementPercent"]],
    [{ incrementFixed: "-1" }, ["incrementFixed"]],
    [{ startAt: "never" }, ["startAt"]],
  ])("%j has problems in %j", (draft, fields) => {
    expect(problemFields(draft)).toEqual(fields);
  });

  it("shows the server's error at the field that it names", () => {
    const refused = new ConnectError("soft_close.window_seconds: must be 0 to 86400", Code.InvalidArgument);
    expect(problemsFrom(refused)).toEqual({ softCloseSeconds: "Must be 0 to 86400." });
    expect(problemsFrom(new ConnectError("sign in", Code.Unauthenticated))).toEqual({ form: "sign in" });
    expect(problemsFrom(new ConnectError("unavailable", Code.Unavailable)).form).toMatch(
      /Trying again can't list it twice/,
    );
  });
});
