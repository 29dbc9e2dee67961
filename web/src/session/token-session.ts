import { onStoredByOtherTab, readStored, store } from "./browser-storage";
import type { Identity } from "./identity";
import type { Session } from "./session";
import type { Token } from "./sign-in";
import { SignInFault, type SignInProblem, type SignInProblemKind } from "./sign-in-fault";

const TOKEN_KEY = "gavel.token";
/** The lock of the tab that renews the token: a provider may accept a refresh token only once. */
const RENEWAL_LOCK = "gavel.token.renewal";
/** A token is renewed this long before it ends, or after half of its time if it is short. */
const RENEW_MS_BEFORE = 180_000;
/** If it was not renewed, the page warns this long before it ends. */
export const WARN_MS_BEFORE = 120_000;
/** The pause after a renewal to which the provider did not respond. */
const RETRY_MS = 10_000;
/** The longest time for which the page's start waits for a renewal. */
const RESUME_MS_MAX = 3_000;
/** The longest time that a browser's timer can wait, 24 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const SIGNED_OUT: Identity = { userId: "", name: "Not signed in" };

/** A token that this browser keeps, and the user id that Gavel has derived from it. */
export type KeptToken = Token & { readonly userId: string };

type Provider = {
  /** Open the provider's login page. */
  begin(): Promise<void>;
  /** Exchange a token's refresh token for a new token. */
  renew(token: Token): Promise<Token>;
};

export type SignInState = {
  readonly isSignedIn: boolean;
  /** When the token ends, by this machine's clock, if that is soon; null otherwise. */
  readonly endsAtMs: number | null;
  readonly problem: SignInProblem | null;
};

/** With `AUTH_MODE=jwt`: the bearer of an access token, in all tabs of the browser, until it expires or they sign out. */
export class TokenSession implements Session {
  #token: KeptToken | null = null;
  #identity: Identity = SIGNED_OUT;
  #state: SignInState = { isSignedIn: false, endsAtMs: null, problem: null };
  #timers: ReturnType<typeof setTimeout>[] = [];
  /** The token whose renewal runs, or waits to be tried again. */
  #renewing: KeptToken | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #provider: Provider;

  constructor(provider: Provider) {
    this.#provider = provider;
    onStoredByOtherTab(TOKEN_KEY, () => this.#follow(keptToken()));
  }

  readonly identity = (): Identity => this.#identity;

  readonly state = (): SignInState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Open the provider's login page, also for a new token before the present one ends. */
  readonly signIn = (): void => {
    this.#provider.begin().catch((error: unknown) => {
      console.warn("the sign-in can't begin", error);
      this.report(problemOf(error));
    });
  };

  authorization(): string | null {
    const token = this.#token;
    if (token && hasEnded(token)) {
      this.#end(token);
      return null;
    }
    return token && bearer(token);
  }

  rejected(authorization: string): void {
    // A new sign-in may have replaced the token since the request was sent.
    if (this.#token && authorization === bearer(this.#token)) {
      this.#expire();
    }
  }

  accept(token: Token, userId: string): void {
    const kept = { ...token, userId };
    store(TOKEN_KEY, kept);
    this.#become(kept);
  }

  /** The valid token that this browser keeps, or null. One that has ended is renewed, also later if that takes long. */
  async resume(): Promise<KeptToken | null> {
    const kept = keptToken();
    if (kept && hasEnded(kept)) {
      this.#become(kept);
      await Promise.race([this.#renew(kept), new Promise((done) => setTimeout(done, RESUME_MS_MAX))]);
    }
    const token = keptToken();
    return token && !hasEnded(token) ? token : null;
  }

  /** Sign out, in all tabs. */
  readonly signOut = (): void => {
    store(TOKEN_KEY, null);
    this.#become(null);
  };

  /** Show why a sign-in did not work. A token that is still valid stays in use. */
  report(problem: SignInProblem): void {
    this.#set({ ...this.#state, problem });
  }

  /** Be signed in or out as another tab is. */
  #follow(kept: KeptToken | null): void {
    if (kept) {
      this.#become(kept);
    } else if (this.#token) {
      this.#become(null, hasEnded(this.#token) ? "expired" : null);
    }
  }

  /** Be signed out: the token is no longer accepted, unless another tab has renewed it. */
  #expire(): void {
    const kept = keptToken();
    if (kept && kept.text !== this.#token?.text) {
      this.#become(kept);
      return;
    }
    store(TOKEN_KEY, null);
    this.#become(null, "expired");
  }

  #become(token: KeptToken | null, problem: SignInProblemKind | null = null): void {
    this.#token = token;
    this.#identity = token ? { userId: token.userId, name: token.name || "Signed in" } : SIGNED_OUT;
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
    if (token) {
      const leftMs = token.endsAtMs - Date.now();
      if (token.refreshToken) {
        this.#after(leftMs - Math.min(RENEW_MS_BEFORE, leftMs / 2), () => void this.#renew(token));
      }
      this.#after(leftMs - WARN_MS_BEFORE, () => this.#warn(token));
      this.#after(leftMs, () => this.#end(token));
    }
    this.#set({ isSignedIn: token !== null, endsAtMs: null, problem: problem && { kind: problem, detail: "" } });
  }

  #warn(token: KeptToken): void {
    if (!hasEnded(token)) {
      this.#set({ ...this.#state, endsAtMs: token.endsAtMs });
    }
  }

  /** The token has ended. If the machine slept, it could not be renewed before. */
  #end(token: KeptToken): void {
    token.refreshToken ? void this.#renew(token) : this.#expire();
  }

  /** Renew the token in one tab. The others receive it by the storage. If it has ended and can't be renewed, it expires. */
  async #renew(token: KeptToken): Promise<void> {
    if (this.#renewing === token) {
      return;
    }
    this.#renewing = token;
    try {
      await withLock(RENEWAL_LOCK, async () => {
        const kept = keptToken();
        if (kept && kept.text !== token.text) {
          this.#become(kept);
        } else if (this.#token === token) {
          const renewed = await this.#provider.renew(token);
          // Unless the user has signed out meanwhile.
          if (this.#token === token) {
            this.accept(renewed, token.userId);
          }
        }
      });
    } catch (error) {
      console.warn("the sign-in can't be renewed", error);
      const problem = problemOf(error);
      if (this.#token === token && problem.kind === "unreachable") {
        this.#retry(token, problem);
        return;
      }
    }
    this.#renewing = null;
    if (this.#token === token && hasEnded(token)) {
      this.#expire();
    }
  }

  /** The provider did not respond. After sleep the network may come back later than the page. */
  #retry(token: KeptToken, problem: SignInProblem): void {
    if (hasEnded(token)) {
      this.report(problem);
    }
    this.#after(RETRY_MS, () => {
      this.#renewing = null;
      void this.#renew(token);
    });
  }

  #after(ms: number, act: () => void): void {
    if (ms <= TIMER_MS_MAX) {
      this.#timers.push(setTimeout(act, ms));
    }
  }

  #set(state: SignInState): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

/** The token that this browser keeps, unless it has ended and can't be renewed. */
export function keptToken(): KeptToken | null {
  const kept = readStored(TOKEN_KEY) as KeptToken | null;
  return kept && (kept.refreshToken || !hasEnded(kept)) ? kept : null;
}

function hasEnded(token: Token): boolean {
  return token.endsAtMs <= Date.now();
}

export function problemOf(error: unknown): SignInProblem {
  return error instanceof SignInFault ? error.problem : { kind: "invalid", detail: String(error) };
}

function bearer(token: Token): string {
  return `Bearer ${token.text}`;
}

/** Run in one tab at a time. Sign-in needs a secure context, and in one there are locks. */
async function withLock(name: string, act: () => Promise<void>): Promise<void> {
  const locks = (navigator as { locks?: LockManager }).locks;
  await (locks ? locks.request(name, act) : act());
}
