export { createGavelClient, type GavelClient, type GavelClientOptions } from "./client.js";
export * from "./gen/bids/v1/bid_service_pb.js";
export * from "./gen/userstats/v1/user_stats_service_pb.js";
export { retryHarmless } from "./retry.js";
