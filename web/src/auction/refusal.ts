import { Code, ConnectError } from "@connectrpc/connect";
import { type BidRejected, BidRejectedSchema, BidRejected_Reason as Reason } from "@gavel/client";

/** Why a bid was refused, in words for the bidder, and what they can do. */
export type Refusal = {
  readonly text: string;
  /** The least bid at that moment, if a higher bid would be accepted. */
  readonly leastAmount?: bigint;
  /** `raise-maximum`: the bidder leads already. `retry`: send the same bid again; its key keeps it from counting twice. */
  readonly next?: "raise-maximum" | "retry" | "sign-in";
};

/** Map an error of PlaceBid or BuyNow to a text that says what to do. */
export function explainRefusal(error: unknown): Refusal {
  const refused = ConnectError.from(error);
  const [rejected] = refused.findDetails(BidRejectedSchema);
  return rejected ? explainRejection(rejected) : explainCode(refused);
}

function explainRejection(rejected: BidRejected): Refusal {
  switch (rejected.reason) {
    case Reason.TOO_LOW:
      return { text: "Your bid is now too low.", leastAmount: rejected.minimumNextBid };
    case Reason.NOT_STARTED:
      return { text: "Bidding has not opened yet. Bid again when the countdown ends." };
    case Reason.ENDED:
      return { text: "The auction has ended. Your bid came too late." };
    case Reason.CANCELLED:
      return { text: "The seller has cancelled this auction." };
    case Reason.SELLER:
      return { text: "You can't bid on your own item." };
    case Reason.ALREADY_LEADING:
      return { text: "You lead already. Set a higher maximum to stay ahead.", next: "raise-maximum" };
    case Reason.BUY_NOW_UNAVAILABLE:
      return { text: "Buy-now has ended because bidding has begun.", leastAmount: rejected.minimumNextBid };
    default:
      return { text: "The bid was not accepted.", leastAmount: rejected.minimumNextBid };
  }
}

function explainCode(refused: ConnectError): Refusal {
  switch (refused.code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
    case Code.Unknown:
      return {
        text: "The server did not respond, so your bid may or may not have been placed. Trying again can't bid twice.",
        next: "retry",
      };
    case Code.ResourceExhausted:
      return { text: "Too many bids right now. Try again in a second.", next: "retry" };
    case Code.Unauthenticated:
      return { text: "Sign in to bid.", next: "sign-in" };
    case Code.NotFound:
      return { text: "This auction no longer exists." };
    case Code.Unimplemented:
      return { text: "This installation does not support that yet." };
    case Code.InvalidArgument:
      return { text: sentence(refused.rawMessage) };
    default:
      return { text: sentence(refused.rawMessage) || "Something went wrong. Try again." };
  }
}

function sentence(text: string): string {
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}
