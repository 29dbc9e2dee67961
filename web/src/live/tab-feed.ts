import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Item, type WatchItemsResponse, WatchItemsResponseSchema } from "@gavel/client";
import { Feed, type FeedPorts, type FeedState } from "./feed";
import { FeedCursor, itemIdOf, updateOf } from "./feed-cursor";
import { TabGroup } from "./tab-group";
import { chooseWatched, NOTHING_WANTED, type Wanted } from "./watch-list";

/** The protocol between tabs. A change that an older build can't read needs another name. */
const GROUP_NAME = "gavel.feed.1";
/** Wishes that arrive together change the stream once. */
export const GATHER_MS = 20;

type Wish = {
  readonly kind: "wish";
  readonly tabId: string;
  readonly wanted: Wanted;
  /** The last seq that the tab has of each item. */
  readonly positions: ReadonlyMap<string, bigint>;
};

type TabMessage =
  /** To the leader. */
  | Wish
  | { readonly kind: "wake" }
  /** From a new leader, for which every tab repeats its wish. */
  | { readonly kind: "leads" }
  /** From the leader: the state of its stream. */
  | { readonly kind: "state"; readonly state: FeedState }
  /** From the leader: a message of its stream; with `to`, a snapshot for one tab. Encoded, as builds may differ. */
  | { readonly kind: "message"; readonly to?: string; readonly bytes: Uint8Array };

export type TabFeedPorts = FeedPorts & {
  /** The newest known state of an item. */
  newest(itemId: string): Item | undefined;
};

/**
 * The live updates of one tab. All tabs of a browser share one stream, since they share six HTTP/1.1 connections.
 *
 * The leading tab holds the stream and passes its messages on. Each tab keeps its own position in each item, so it
 * notices what it missed, also when another tab takes the lead.
 */
export class TabFeed {
  readonly #ports: TabFeedPorts;
  readonly #group: TabGroup<TabMessage>;
  readonly #cursor = new FeedCursor();
  /** Runs while this tab leads. */
  readonly #feed: Feed;
  #wanted: Wanted = NOTHING_WANTED;
  #itemIds: readonly string[] = [];
  #state: FeedState = "idle";
  /** As the leader: what the other tabs want. */
  readonly #others = new Map<string, Wanted>();
  #leading = new AbortController();
  #gathering: ReturnType<typeof setTimeout> | undefined;

  constructor(ports: TabFeedPorts) {
    this.#ports = ports;
    const onMessage = (message: WatchItemsResponse): void => this.#passOn(message);
    this.#feed = new Feed({ ...ports, onMessage, onState: (state) => this.#setState(state) }, this.#cursor);
    this.#group = new TabGroup<TabMessage>(GROUP_NAME, {
      onLead: () => this.#lead(),
      onFollow: () => this.#follow(),
      onMessage: (message) => this.#receive(message),
    });
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Watch these items from now on. */
  watch(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#itemIds = [...new Set(Object.values(wanted).flat())];
    this.start();
    this.announce();
  }

  /** Take part, also after `stop`. */
  start(): void {
    if (this.#itemIds.length > 0) {
      this.#group.join();
    }
  }

  /** Leave the stream to other tabs. Keeps the position in each item. */
  stop(): void {
    this.#group.leave();
    this.#endLead();
    this.#setState(this.#itemIds.length > 0 ? "reconnecting" : "idle");
  }

  /** React to a possible change of the network: reconnect now if the stream is dead, instead of at the next timeout. */
  wake(stream: "dead" | "maybe dead" = "maybe dead"): void {
    this.start();
    this.#group.leads ? this.#feed.wake(stream) : this.#group.post({ kind: "wake" });
  }

  /** Tell the leader what this tab wants, after that or its visibility has changed. */
  announce(): void {
    if (this.#group.leads) {
      this.#gather();
      return;
    }
    this.#cursor.keep(this.#itemIds);
    const positions = new Map(this.#itemIds.map((id) => [id, this.#cursor.positionOf(id)]));
    this.#group.post({ kind: "wish", tabId: this.#group.id, wanted: this.#wantedNow(), positions });
  }

  /** Nothing of a hidden tab is on screen. */
  #wantedNow(): Wanted {
    const { screen, bids, others } = this.#wanted;
    return document.visibilityState === "hidden" ? { screen: [], bids, others: [...screen, ...others] } : this.#wanted;
  }

  #lead(): void {
    this.#leading = new AbortController();
    this.#group.post({ kind: "leads" });
    this.#gather();
  }

  #follow(): void {
    this.#endLead();
    this.announce();
  }

  #endLead(): void {
    this.#leading.abort();
    this.#others.clear();
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#feed.stop();
  }

  #receive(message: TabMessage): void {
    if (this.#group.leads) {
      if (message.kind === "wish") {
        this.#grant(message);
      } else if (message.kind === "wake") {
        this.#feed.wake();
      }
    } else if (message.kind === "leads") {
      this.announce();
    } else if (message.kind === "state") {
      this.#setState(message.state);
    } else if (message.kind === "message" && (message.to ?? this.#group.id) === this.#group.id) {
      this.#take(fromBinary(WatchItemsResponseSchema, message.bytes));
    }
  }

  /** As the leader: watch what another tab wants, and send it the items of which it has missed events. */
  #grant({ tabId, wanted, positions }: Wish): void {
    if (!this.#others.has(tabId)) {
      void this.#forgetWhenLeft(tabId, this.#leading.signal);
    }
    this.#others.set(tabId, wanted);
    this.#gather();
    this.#group.post({ kind: "state", state: this.#state });
    for (const [itemId, seq] of positions) {
      const item = this.#cursor.positionOf(itemId) > seq ? this.#ports.newest(itemId) : undefined;
      if (item) {
        const snapshot = create(WatchItemsResponseSchema, { update: { case: "snapshot", value: item } });
        this.#group.post({ kind: "message", to: tabId, bytes: toBinary(WatchItemsResponseSchema, snapshot) });
      }
    }
  }

  async #forgetWhenLeft(tabId: string, leading: AbortSignal): Promise<void> {
    await this.#group.left(tabId, leading);
    if (!leading.aborted) {
      this.#others.delete(tabId);
      this.#gather();
    }
  }

  /** As the leader: change the stream to what all tabs want. */
  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#feed.watch(chooseWatched([this.#wantedNow(), ...this.#others.values()], this.#feed.watched));
      this.#feed.start();
      this.#setState(this.#feed.state);
    }, GATHER_MS);
  }

  /** As the leader: a message of the stream, for all tabs. */
  #passOn(message: WatchItemsResponse): void {
    if (this.#others.size > 0) {
      this.#group.post({ kind: "message", bytes: toBinary(WatchItemsResponseSchema, message) });
    }
    this.#ports.onMessage(message);
  }

  /** As another tab: a message of the leader, which may be of an item that this tab does not want. */
  #take(message: WatchItemsResponse): void {
    const update = updateOf(message);
    if (update) {
      const itemId = itemIdOf(update);
      if (!this.#itemIds.includes(itemId)) {
        return;
      }
      const hadPosition = this.#cursor.positionOf(itemId) > 0n;
      const step = this.#cursor.advance(update);
      if (step === "gap" && hadPosition) {
        this.#cursor.forget(itemId);
        this.announce();
      }
      if (step !== "new") {
        return;
      }
    }
    this.#ports.onMessage(message);
  }

  #setState(state: FeedState): void {
    if (this.#group.leads) {
      this.#group.post({ kind: "state", state });
    }
    if (state !== this.#state) {
      this.#state = state;
      this.#ports.onState(state);
    }
  }
}
