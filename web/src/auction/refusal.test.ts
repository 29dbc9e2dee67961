import { Code, ConnectError } from "@connectrpc/connect";
import { BidRejectedSchema, BidRejected_Reason as Reason } from "@gavel/client";
import { describe, expect, it } from "vitest";
import { explainRefusal } from "./refusal";

function rejected(reason: Reason, minimumNextBid = 2_100n): ConnectError {
  const code = reason === Reason.SELLER ? Code.PermissionDenied : Code.FailedPrecondition;
  return new ConnectError("no", code, undefined, [
    { desc: BidRejectedSchema, value: { reason, minimumNextBid, currentHighestBid: 2_000n } },
  ]);
}

describe("a refused bid", () => {
  it("has the least bid if a higher bid would be accepted", () => {
    expect(explainRefusal(rejected(Reason.TOO_LOW)).leastAmount).toBe(2_100n);
    expect(explainRefusal(rejected(Reason.BUY_NOW_UNAVAILABLE)).leastAmount).toBe(2_100n);
  });

  it("suggests a maximum to the leader", () => {
    expect(explainRefusal(rejected(Reason.ALREADY_LEADING))).toMatchObject({ next: "raise-maximum" });
  });

  it("has a distinct text for every reason of the contract", () => {
    const reasons = Object.values(Reason).filter((reason) => typeof reason === "number");
    const texts = reasons.map((reason) => explainRefusal(rejected(reason)).text);
    expect(new Set(texts).size).toBe(reasons.length);
    expect(texts.every((text) => /^[A-Z].*\.$/.test(text))).toBe(true);
  });

  it("has no amount if none would be accepted", () => {
    for (const reason of [Reason.ENDED, Reason.CANCELLED, Reason.SELLER, Reason.NOT_STARTED, Reason.ALREADY_LEADING]) {
      expect(explainRefusal(rejected(reason)).leastAmount).toBeUndefined();
    }
  });
});

describe("a bid that failed otherwise", () => {
  it.each([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted])("can be retried after code %d", (code) => {
    expect(explainRefusal(new ConnectError("x", code)).next).toBe("retry");
  });

  it("can be retried after a network failure", () => {
    expect(explainRefusal(new TypeError("Failed to fetch"))).toMatchObject({ next: "retry" });
  });

  it("is not retried if it would fail again", () => {
    for (const code of [Code.InvalidArgument, Code.NotFound, Code.Unimplemented, Code.AlreadyExists]) {
      expect(explainRefusal(new ConnectError("amount: too much", code)).next).toBeUndefined();
    }
  });

  it("shows the server's message about invalid input as a sentence", () => {
    expect(explainRefusal(new ConnectError("amount: must be 1 or more", Code.InvalidArgument)).text).toBe(
      "Amount: must be 1 or more.",
    );
  });
});
