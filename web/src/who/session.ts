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

  authorization(): string | null {
    if (this.#token && this.#token.endsAtMs <= Date.now()) {
      this.signOut();
    }
    return this.#token && `Bearer ${this.#token.text}`;
  }

  accept(token: Token, userId: string): void {
    sessionStorage.setItem(TOKEN_KEY, JSON.stringify(token));
    this.#become(token, { userId, name: token.name || "Signed in" });
  }

  signOut(): void {
    sessionStorage.removeItem(TOKEN_KEY);
    this.#become(null, NOBODY);
  }

  #become(token: Token | null, identity: Identity): void {
    this.#token = token;
    this.#identity = identity;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** The token that this tab holds, unless it has ended. */
export function keptToken(): Token | null {
  const kept = JSON.parse(sessionStorage.getItem(TOKEN_KEY) ?? "null") as Token | null;
  return kept && kept.endsAtMs > Date.now() ? kept : null;
}
