import type { Identity } from "./identity";

/** The user of this page and their credentials. Independent of React, for the code that sends requests. */
export interface Session {
  /** An empty `userId`: signing in is needed to bid. */
  identity(): Identity;
  subscribe(listener: () => void): () => void;
  /** The `Authorization` header to send; null for none. */
  authorization(): string | null;
  /** Note that the server rejected this `Authorization` header. */
  rejected(authorization: string): void;
}
