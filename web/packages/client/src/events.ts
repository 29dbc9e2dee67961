// The broker's messages, apart from the services: several of their names mean something else there.
export * from "./gen/events/v1/auction_events_pb.js";
