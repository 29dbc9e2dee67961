import { isUuid, randomUuid } from "../lib/uuid";
import { readStored, store } from "./browser-storage";
import { pseudonym } from "./pseudonym";

/** The user of this page: the id that bids are placed under, and a name that only this browser knows. */
export type Identity = { readonly userId: string; readonly name: string };

export const NAME_CHARACTERS_MAX = 40;
export const IDENTITY_KEY = "gavel.identity";

/** The identity that this browser keeps. Creates one if there is none or it can't be read. */
export function loadIdentity(): Identity {
  return readIdentity() ?? saveIdentity(newIdentity());
}

/** A new identity, named by the id's pseudonym until the user picks a name. */
export function newIdentity(): Identity {
  const userId = randomUuid();
  return { userId, name: pseudonym(userId) };
}

/** Store an identity. If the browser refuses to store it, it lasts as long as the page. */
export function saveIdentity(identity: Identity): Identity {
  const name = identity.name.trim().slice(0, NAME_CHARACTERS_MAX) || pseudonym(identity.userId);
  const kept = { userId: identity.userId, name };
  store(IDENTITY_KEY, kept);
  return kept;
}

/** The path of the page that takes an identity over from another device. */
export const IDENTITY_PATH = "/identity";

/** A link that takes this identity to another device. The name stands in the fragment, which no server sees. */
export function identityLink({ userId, name }: Identity): string {
  return `${location.origin}${IDENTITY_PATH}#${new URLSearchParams({ id: userId, name })}`;
}

/** The identity in such a link, or of a bidder id alone. Null if there is none. */
export function parseIdentity(text: string): Identity | null {
  const fields = new URLSearchParams(text.includes("#") ? text.slice(text.indexOf("#") + 1) : { id: text });
  const userId = (fields.get("id") ?? "").trim().toLowerCase();
  const name = (fields.get("name") ?? "").trim().slice(0, NAME_CHARACTERS_MAX);
  return isUuid(userId) ? { userId, name: name || pseudonym(userId) } : null;
}

function readIdentity(): Identity | null {
  const kept = readStored(IDENTITY_KEY);
  if (typeof kept !== "object" || kept === null || !("userId" in kept) || typeof kept.userId !== "string") {
    return null;
  }
  const name = "name" in kept && typeof kept.name === "string" ? kept.name : "";
  return isUuid(kept.userId) ? { userId: kept.userId, name: name || pseudonym(kept.userId) } : null;
}
