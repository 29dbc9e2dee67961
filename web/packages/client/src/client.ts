import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { type ConnectTransportOptions, createConnectTransport } from "@connectrpc/connect-web";
import { BidService } from "./gen/bids/v1/bid_service_pb.js";
import { UserStatsService } from "./gen/userstats/v1/user_stats_service_pb.js";
import { retryHarmless } from "./retry.js";

const RETRIES = 2;

/** The two services of one Gavel. */
export type GavelClient = {
  readonly bids: Client<typeof BidService>;
  readonly stats: Client<typeof UserStatsService>;
};

export type GavelClientOptions = Omit<ConnectTransportOptions, "baseUrl"> & {
  /** The base URL of the statistics, if it differs from that of the bids. */
  readonly statsUrl?: string;
  /** How often a read, or a call with an idempotency key, is sent again when it was not answered: twice unless given. */
  readonly retries?: number;
};

/**
 * Clients of the Gavel at `baseUrl`, such as `https://api.auction.local`. Works in browsers and in Node.
 *
 * Methods throw `ConnectError`. That of a refused bid has a `BidRejected` detail. To send credentials, pass an
 * interceptor that sets the `Authorization` header.
 */
export function createGavelClient(baseUrl: string, options: GavelClientOptions = {}): GavelClient {
  const { statsUrl = baseUrl, retries = RETRIES, interceptors = [], ...transportOptions } = options;
  const transportTo = (url: string): Transport =>
    createConnectTransport({
      ...transportOptions,
      baseUrl: url,
      interceptors: [retryHarmless(retries), ...interceptors],
    });
  return {
    bids: createClient(BidService, transportTo(baseUrl)),
    stats: createClient(UserStatsService, transportTo(statsUrl)),
  };
}
