// The messages on the broker. Exported apart, because some of their names are also names of the services' messages.
export * from "./gen/events/v1/auction_events_pb.js";
