import { type Identity, loadIdentity, newIdentity, saveIdentity } from "./identity";
import type { Token } from "./sign-in";

const TOKEN_KEY = "gavel.token";

/** Who bids from this page, and what proves it. Kept apart from React, for those who send requests. */
export interface Session {
  /** An empty `userId` is someone who has to sign in before they can bid. */
  identity(): Identity;
  subscribe(listener: () => void): () => void;
  /** What to send as `Authorization`; null where there is nothing to send. */
  authorization(): string | null;
  /** The server does not believe what was sent as `Authorization`, or not any more. */
  refused(authorization: string): void;
}

/** Trusted mode: an id that this browser made up, and a name to go with it. */
export class PickedSession implements Session {
  #identity: Identity;
  readonly #listeners = new Set<() => void>();

  constructor(identity: Identity = loadIdentity()) {
    this.#identity = identity;
  }

  readonly identity = (): Identity => this.#identity;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  authorization(): null {
    return null;
  }

  refused(): void {
    // Nothing was sent.
  }

  rename(name: string): void {
    this.#become({ ...this.#identity, name });
  }

  /** Become someone else, who has not bid on anything yet. */
  startOver(): void {
    this.#become(newIdentity());
  }

  #become(identity: Identity): void {
    this.#identity = saveIdentity(identity);
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

const NOBODY: Identity = { userId: "", name: "Not signed in" };

/** With tokens: whoever the provider says, for as long as the token lasts. Gone with the tab. */
export class TokenSession implements Session {
  #identity: Identity = NOBODY;
  #token: Token | null = null;
  #hasExpired = false;
  readonly #listeners = new Set<() => void>();
  readonly signIn: () => void;

  constructor(signIn: () => void) {
    this.signIn = signIn;
  }

  readonly identity = (): Identity => this.#identity;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Whether the sign-in has ended by itself, and nobody has signed in or out since. */
  readonly hasExpired = (): boolean => this.#hasExpired;

  authorization(): string | null {
    if (this.#token && this.#token.endsAtMs <= Date.now()) {
      this.#expire();
    }
    return this.#token && bearer(this.#token);
  }

  refused(authorization: string): void {
    // Someone may have signed in again since it was sent.
    if (this.#token && authorization === bearer(this.#token)) {
      this.#expire();
    }
  }

  accept(token: Token, userId: string): void {
    sessionStorage.setItem(TOKEN_KEY, JSON.stringify(token));
    this.#become(token, { userId, name: token.name || "Signed in" });
  }

  signOut(): void {
    sessionStorage.removeItem(TOKEN_KEY);
    this.#become(null, NOBODY);
  }

  #expire(): void {
    sessionStorage.removeItem(TOKEN_KEY);
    this.#become(null, NOBODY, true);
  }

  #become(token: Token | null, identity: Identity, hasExpired = false): void {
    this.#token = token;
    this.#identity = identity;
    this.#hasExpired = hasExpired;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

function bearer(token: Token): string {
  return `Bearer ${token.text}`;
}

/** The token that this tab holds, unless it has ended. */
export function keptToken(): Token | null {
  const kept = JSON.parse(sessionStorage.getItem(TOKEN_KEY) ?? "null") as Token | null;
  return kept && kept.endsAtMs > Date.now() ? kept : null;
}
