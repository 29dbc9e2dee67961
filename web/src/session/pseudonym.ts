/**
 * Other bidders are known by id only. To be readable, each id has a pseudonym of two words and a hue, the same in every
 * browser; where two bidders on a page share one, it is made longer.
 */

const FIRST = (
  "Amber Ashen Bold Brass Brave Bright Calm Clever Coral Copper Crimson Daring Deft Dusky Eager Early Fabled Fair " +
  "Fleet Frank Gentle Gilded Glad Golden Grand Hardy Hazel Honest Indigo Iron Ivory Jade Jolly Keen Kind Lively Lucky " +
  "Lunar Merry Misty Mossy Nimble Noble Olive Opal Patient Pearl Plucky Prime Quick Quiet Regal Ruby Rustic Sable " +
  "Scarlet Silver Steady Sunny Swift Teal Tidy Velvet Witty"
).split(" ");
const SECOND = (
  "Badger Bear Beaver Bison Bobcat Camel Condor Crane Curlew Deer Dove Eagle Egret Elk Falcon Ferret Finch Fox Gazelle " +
  "Goose Hare Hawk Heron Ibex Ibis Jackal Jaguar Jay Kestrel Kite Lark Leopard Lion Lynx Magpie Marten Merlin Moose " +
  "Newt Orca Osprey Otter Owl Panda Pelican Pike Plover Puffin Quail Rabbit Raven Robin Salmon Seal Shrike Sparrow " +
  "Stork Swan Tapir Tern Tiger Walrus Wolf Wren"
).split(" ");

/** A hash of 32 bits, evenly distributed and the same everywhere (FNV-1a with a final mix). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The public name of the bidder with this id, such as "Amber Heron". */
export function pseudonym(userId: string): string {
  const hash = hashOf(userId);
  return `${FIRST[hash % FIRST.length]} ${SECOND[Math.floor(hash / FIRST.length) % SECOND.length]}`;
}

/** The hue of the bidder's paddle, in degrees. */
export function paddleHue(userId: string): number {
  return hashOf(`hue ${userId}`) % 360;
}

/** The least length of what is added to a pseudonym that two bidders share. */
const ADDED_CHARACTERS_MIN = 2;

/**
 * The names of the bidders that this page has shown, no two of them the same. If two bidders share a pseudonym, the
 * beginning of each one's hash is added to it: "Amber Heron 3f". A name may become longer, and changes in no other way.
 */
export class BidderNames {
  readonly #idsByPseudonym = new Map<string, Set<string>>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Note that this bidder is shown. */
  add(userId: string): void {
    const sharing = this.#sharing(userId);
    if (!sharing.has(userId)) {
      sharing.add(userId);
      if (sharing.size > 1) {
        for (const listener of this.#listeners) {
          listener();
        }
      }
    }
  }

  nameOf(userId: string): string {
    const others = [...this.#sharing(userId)].filter((id) => id !== userId);
    if (others.length === 0) {
      return pseudonym(userId);
    }
    const added = suffix(userId);
    const taken = others.map(suffix);
    let length = ADDED_CHARACTERS_MIN;
    while (length < added.length && taken.some((other) => other.startsWith(added.slice(0, length)))) {
      length += 1;
    }
    return `${pseudonym(userId)} ${added.slice(0, length)}`;
  }

  #sharing(userId: string): Set<string> {
    const name = pseudonym(userId);
    const sharing = this.#idsByPseudonym.get(name) ?? new Set();
    this.#idsByPseudonym.set(name, sharing);
    return sharing;
  }
}

/** Characters that differ between bidders of one pseudonym; in the end the whole id does. */
function suffix(userId: string): string {
  return hashOf(`name ${userId}`).toString(16).padStart(8, "0") + userId;
}
