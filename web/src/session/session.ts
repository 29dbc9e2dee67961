import { type Identity, loadIdentity, newIdentity, saveIdentity } from "./identity";
import type { Token } from "./sign-in";

const TOKEN_KEY = "gavel.token";

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

/** With `AUTH_MODE=trusted`: an id that this browser generated, and a name that the user picked. */
export class TrustedSession implements Session {
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

  rejected(): void {
    // This session sends no credentials.
  }

  rename(name: string): void {
    this.#become({ ...this.#identity, name });
  }

  /** Replace the identity by a new one, which has no bids yet. */
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

const SIGNED_OUT: Identity = { userId: "", name: "Not signed in" };

/**
 * Why the user is signed out, if they did not sign out themselves.
 *
 * - `expired`: the access token expired, or Gavel rejects it.
 * - `unreachable`: the provider's login page could not be opened.
 * - `failed`: the provider's answer was not valid, or Gavel rejects its access token.
 */
export type SignInProblem = "expired" | "unreachable" | "failed";

/** With `AUTH_MODE=jwt`: the bearer of an access token, until it expires. Kept until the tab is closed. */
export class TokenSession implements Session {
  #identity: Identity = SIGNED_OUT;
  #token: Token | null = null;
  #problem: SignInProblem | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #begin: () => Promise<void>;

  constructor(begin: () => Promise<void>) {
    this.#begin = begin;
  }

  readonly identity = (): Identity => this.#identity;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly problem = (): SignInProblem | null => this.#problem;

  /** Open the provider's login page. */
  readonly signIn = (): void => {
    this.#begin().catch((error: unknown) => {
      console.warn("the provider's login page can't be opened", error);
      this.fail("unreachable");
    });
  };

  authorization(): string | null {
    if (this.#token && this.#token.endsAtMs <= Date.now()) {
      this.fail("expired");
    }
    return this.#token && bearer(this.#token);
  }

  rejected(authorization: string): void {
    // A new sign-in may have replaced the token since the request was sent.
    if (this.#token && authorization === bearer(this.#token)) {
      this.fail("expired");
    }
  }

  accept(token: Token, userId: string): void {
    sessionStorage.setItem(TOKEN_KEY, JSON.stringify(token));
    this.#become(token, { userId, name: token.name || "Signed in" });
  }

  signOut(): void {
    this.#forget(null);
  }

  /** Be signed out, and say why. */
  fail(problem: SignInProblem): void {
    this.#forget(problem);
  }

  #forget(problem: SignInProblem | null): void {
    sessionStorage.removeItem(TOKEN_KEY);
    this.#become(null, SIGNED_OUT, problem);
  }

  #become(token: Token | null, identity: Identity, problem: SignInProblem | null = null): void {
    this.#token = token;
    this.#identity = identity;
    this.#problem = problem;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

function bearer(token: Token): string {
  return `Bearer ${token.text}`;
}

/** The token that this tab keeps, unless it has expired. */
export function keptToken(): Token | null {
  const kept = JSON.parse(sessionStorage.getItem(TOKEN_KEY) ?? "null") as Token | null;
  return kept && kept.endsAtMs > Date.now() ? kept : null;
}
