import { isMessage } from "@bufbuild/protobuf";
import { TimestampSchema, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { BidRejectedSchema, type Item, ItemSchema, MyBidSchema } from "@gavel/client";
import type { ServerClock } from "../clock/server-clock";
import type { Connection } from "./connection";
import type { LiveItems } from "./live-items";

/**
 * An interceptor for every unary call. It updates the items, the server's clock and the connection state from the
 * response, whichever component sent the request.
 */
export function observeResponses(items: LiveItems, clock: ServerClock, connection: Connection): Interceptor {
  return (next) => async (request) => {
    if (request.stream) {
      return next(request);
    }
    const sentAt = clock.mark();
    const observeTime = (message: object): void => {
      if ("serverTime" in message && isMessage(message.serverTime, TimestampSchema)) {
        clock.observeResponse(timestampMs(message.serverTime), sentAt);
      }
    };
    try {
      const response = await next(request);
      connection.responded();
      if (!response.stream) {
        observeTime(response.message);
        for (const item of wholeItemsIn(response.message)) {
          items.offer(item);
        }
        for (const item of listedItemsIn(response.message)) {
          items.offerListed(item);
        }
      }
      return response;
    } catch (error) {
      const refused = ConnectError.from(error);
      refused.findDetails(BidRejectedSchema).forEach(observeTime);
      isNoResponse(refused) ? connection.didNotRespond(clock.mark() - sentAt) : connection.responded();
      throw error;
    }
  };
}

/** The items in fields of a response. */
function wholeItemsIn(message: object): Item[] {
  return Object.values(message).filter((value) => isMessage(value, ItemSchema));
}

/** The items in lists of a response, or inside the entries of a list. They have no description, and one image at most. */
function listedItemsIn(message: object): Item[] {
  return Object.values(message)
    .filter((value) => Array.isArray(value))
    .flatMap((value: unknown[]) => value)
    .map((value: unknown) => (isMessage(value, MyBidSchema) ? value.item : value))
    .filter((value) => isMessage(value, ItemSchema));
}

/** Whether the server did not respond: network failure, start or shutdown. A cancelled call is no sign of either. */
function isNoResponse(error: ConnectError): boolean {
  return [Code.Unavailable, Code.Unknown, Code.DeadlineExceeded].includes(error.code);
}
