import { isMessage } from "@bufbuild/protobuf";
import { TimestampSchema, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { BidRejectedSchema, type Item, ItemSchema, MyBidSchema } from "@gavel/client";
import type { ServerClock } from "../clock/server-clock";
import type { Connection } from "./connection";
import type { LiveItems } from "./live-items";

/**
 * Every unary answer passes here, so that whatever it says of an item, of the server's clock or of the connection
 * reaches those who keep them, wherever on the page it was asked for.
 */
export function observeAnswers(items: LiveItems, clock: ServerClock, connection: Connection): Interceptor {
  return (next) => async (request) => {
    if (request.stream) {
      return next(request);
    }
    const sentAt = clock.mark();
    const learnClock = (told: object): void => {
      if ("serverTime" in told && isMessage(told.serverTime, TimestampSchema)) {
        clock.answered(timestampMs(told.serverTime), sentAt);
      }
    };
    try {
      const response = await next(request);
      connection.answered();
      if (!response.stream) {
        learnClock(response.message);
        for (const item of itemsIn(response.message)) {
          items.offer(item);
        }
      }
      return response;
    } catch (error) {
      const refused = ConnectError.from(error);
      refused.findDetails(BidRejectedSchema).forEach(learnClock);
      isNoAnswer(refused) ? connection.unanswered() : connection.answered();
      throw error;
    }
  };
}

/** The items that an answer tells: as itself, as a list, or inside the entries of a list. */
function itemsIn(message: object): Item[] {
  return Object.values(message)
    .flatMap((value: unknown) => value)
    .flatMap((value: unknown) => (isMessage(value, MyBidSchema) ? value.item : value))
    .filter((value) => isMessage(value, ItemSchema));
}

/** Whether nobody answered: the network, or a server that is going or coming. A call taken back says nothing. */
function isNoAnswer(error: ConnectError): boolean {
  return [Code.Unavailable, Code.Unknown, Code.DeadlineExceeded].includes(error.code);
}
