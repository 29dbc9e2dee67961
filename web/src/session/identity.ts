import { isUuid, randomUuid } from "../lib/uuid";
import { pseudonym } from "./pseudonym";

/** Who someone is on this page: the id that bids are placed under, and a name that only this browser knows. */
export type Identity = { readonly userId: string; readonly name: string };

export const NAME_CHARACTERS_MAX = 40;
const STORAGE_KEY = "gavel.identity";

/** The identity that this browser keeps. Makes and keeps a new one where there is none, or none that can be read. */
export function loadIdentity(): Identity {
  return readIdentity() ?? saveIdentity(newIdentity());
}

/** Someone new, named by the id's own pseudonym until a name is picked. */
export function newIdentity(): Identity {
  const userId = randomUuid();
  return { userId, name: pseudonym(userId) };
}

/** Keep an identity. Where the browser keeps nothing it lasts as long as the page. */
export function saveIdentity(identity: Identity): Identity {
  const name = identity.name.trim().slice(0, NAME_CHARACTERS_MAX) || pseudonym(identity.userId);
  const kept = { userId: identity.userId, name };
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
  } catch {
    // A browser may forbid it: bidding works all the same.
  }
  return kept;
}

function readIdentity(): Identity | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "null");
    if (typeof kept === "object" && kept !== null && "userId" in kept && typeof kept.userId === "string") {
      const name = "name" in kept && typeof kept.name === "string" ? kept.name : "";
      return isUuid(kept.userId) ? { userId: kept.userId, name: name || pseudonym(kept.userId) } : null;
    }
  } catch {
    // Unreadable is as good as absent.
  }
  return null;
}
