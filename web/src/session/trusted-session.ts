import { onStoredByOtherTab } from "./browser-storage";
import { IDENTITY_KEY, type Identity, loadIdentity, newIdentity, saveIdentity } from "./identity";
import type { Session } from "./session";

/** With `AUTH_MODE=trusted`: an id that this browser generated, and a name that the user picked. All tabs share it. */
export class TrustedSession implements Session {
  #identity: Identity;
  readonly #listeners = new Set<() => void>();

  constructor(identity: Identity = loadIdentity()) {
    this.#identity = identity;
    onStoredByOtherTab(IDENTITY_KEY, () => this.#show(loadIdentity()));
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
    this.become({ ...this.#identity, name });
  }

  /** Replace the identity by a new one, which has no bids yet. */
  startOver(): void {
    this.become(newIdentity());
  }

  /** Replace the identity, as by one from another device. */
  become(identity: Identity): void {
    this.#show(saveIdentity(identity));
  }

  #show(identity: Identity): void {
    this.#identity = identity;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
