import { Code, ConnectError } from "@connectrpc/connect";
import { type BidRejected, BidRejectedSchema, BidRejected_Reason as Reason } from "@gavel/client";

/** What to tell someone whose bid was not accepted, and what they can do about it. */
export type Refusal = {
  readonly text: string;
  /** The least bid as it stood then, where a higher one would be accepted. */
  readonly leastAmount?: bigint;
  /** - `raise-maximum`: they lead already. - `retry`: the same bid once more, which can't count twice. */
  readonly next?: "raise-maximum" | "retry" | "sign-in";
};

/** Put the server's no in words that say what to do. */
export function explainRefusal(error: unknown): Refusal {
  const refused = ConnectError.from(error);
  const [rejected] = refused.findDetails(BidRejectedSchema);
  return rejected ? explainRejection(rejected) : explainCode(refused);
}

function explainRejection(rejected: BidRejected): Refusal {
  switch (rejected.reason) {
    case Reason.TOO_LOW:
      return { text: "That is no longer enough.", leastAmount: rejected.minimumNextBid };
    case Reason.NOT_STARTED:
      return { text: "Bidding has not opened yet. Come back when the countdown ends." };
    case Reason.ENDED:
      return { text: "The auction has ended: this bid came after the close." };
    case Reason.CANCELLED:
      return { text: "The seller has cancelled this auction." };
    case Reason.SELLER:
      return { text: "This is your own auction, and sellers can't bid on their own items." };
    case Reason.ALREADY_LEADING:
      return { text: "You lead already. To stay ahead, set a higher maximum.", next: "raise-maximum" };
    case Reason.BUY_NOW_UNAVAILABLE:
      return { text: "Buy-now is over: bidding has gone on without it.", leastAmount: rejected.minimumNextBid };
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
        text: "No answer came, so we don't know whether the bid arrived. Trying again can't bid twice.",
        next: "retry",
      };
    case Code.ResourceExhausted:
      return { text: "Too many bids at this moment. Try again in a second.", next: "retry" };
    case Code.Unauthenticated:
      return { text: "Sign in to bid.", next: "sign-in" };
    case Code.NotFound:
      return { text: "This auction does not exist any more." };
    case Code.Unimplemented:
      return { text: "This Gavel does not offer that yet." };
    case Code.InvalidArgument:
      return { text: sentence(refused.rawMessage) };
    default:
      return { text: sentence(refused.rawMessage) || "Something went wrong. Try again." };
  }
}

function sentence(text: string): string {
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}
