import { type Identity, loadIdentity, newIdentity, saveIdentity } from "./identity";

/** Who bids from this page, and what proves it. Kept apart from React, for those who send requests. */
export class Session {
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

  /** What to send as `Authorization`; null where the installation trusts the id in a request. */
  authorization(): string | null {
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
