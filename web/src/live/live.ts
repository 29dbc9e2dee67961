import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { BidService, type Item } from "@gavel/client";
import { ServerClock } from "../clock/server-clock";
import type { Session } from "../session/session";
import { BidHistory, HISTORY_PAGE_SIZE } from "./bid-history";
import { Connection } from "./connection";
import { Feed, type FeedUpdate, type Position } from "./feed";
import { hidesReserve, LiveItems } from "./live-items";
import { observeAnswers } from "./observe-answers";
import { WatchList } from "./watch-list";

/** The least time between two questions whether an item's hidden reserve is met. */
const RESERVE_ASKED_MS_MIN = 1_000;

/** All that keeps this page current: one clock, one stream, one state of each item. */
export class Live {
  readonly items = new LiveItems();
  readonly clock = new ServerClock();
  readonly connection = new Connection();
  readonly session: Session;
  /** Where the installation tells it; else any item does. */
  readonly houseCurrency: string | null;
  /** Where the API is; empty: where the page is. */
  readonly apiUrl: string;
  readonly transport: Transport;
  readonly feed: Feed;
  readonly watching: WatchList;
  readonly bids: Client<typeof BidService>;
  readonly #updateListeners = new Set<(update: FeedUpdate) => void>();
  #isAskingForTime = false;
  readonly #reserveAsked = new Set<string>();

  constructor(
    session: Session,
    openTransport: (interceptors: Interceptor[]) => Transport,
    { currency = null, apiUrl = "" }: { currency?: string | null; apiUrl?: string } = {},
  ) {
    this.session = session;
    this.houseCurrency = currency;
    this.apiUrl = apiUrl;
    this.transport = openTransport([authorize(session), observeAnswers(this.items, this.clock, this.connection)]);
    this.bids = createClient(BidService, this.transport);
    this.feed = new Feed({
      open: (positions, signal, onHeader) =>
        this.bids.watchItems(
          { items: positions.map((each: Position) => ({ ...each })) },
          { signal, onHeader, timeoutMs: 0 },
        ),
      existing: (itemIds, signal) => this.#existing(itemIds, signal),
      onUpdate: (update) => this.#take(update),
      onState: (state) => this.connection.feedIs(state),
      onHeard: (message) => message.serverTime && this.clock.heard(timestampMs(message.serverTime)),
    });
    this.items.onChange(({ after }) => this.#askForTime(after.id));
    this.watching = new WatchList((itemIds) => this.feed.watch(itemIds));
  }

  /** Call `listener` with every update of the feed. Returns what stops that. */
  onUpdate(listener: (update: FeedUpdate) => void): () => void {
    this.#updateListeners.add(listener);
    return () => this.#updateListeners.delete(listener);
  }

  /** Ask for an item as it stands now; what is told goes where all answers go. */
  async refresh(itemId: string): Promise<void> {
    await this.bids.getItem({ id: itemId });
  }

  /** An item's bids, kept current for as long as `signal` lasts. */
  history(itemId: string, signal: AbortSignal): BidHistory {
    const history = new BidHistory((pageToken) =>
      this.bids.getItemBids({ itemId, pageSize: HISTORY_PAGE_SIZE, pageToken }, { signal }),
    );
    const stop = this.onUpdate((update) => {
      if (update.kind === "snapshot" && update.item.id === itemId) {
        void history.reload();
      } else if (update.kind === "event" && update.event.itemId === itemId && update.event.what.case === "bidPlaced") {
        history.add(update.event.what.value);
      }
    });
    // Without the feed, a change of the count is all that tells of new bids.
    const stopPolling = this.items.onChange(({ before, after }) => {
      if (after.id === itemId && before?.bidCount !== after.bidCount && this.feed.state !== "live") {
        void history.reload();
      }
    });
    signal.addEventListener("abort", () => {
      stop();
      stopPolling();
    });
    void history.reload();
    return history;
  }

  #take(update: FeedUpdate): void {
    if (update.kind === "snapshot") {
      this.items.offer(update.item);
    } else if (this.items.apply(update.event)) {
      this.#askForReserve(this.items.get(update.event.itemId));
    }
    for (const listener of this.#updateListeners) {
      listener(update);
    }
  }

  /** Events do not say whether the reserve is met. */
  #askForReserve(item: Item | undefined): void {
    if (!item || !hidesReserve(item) || this.#reserveAsked.has(item.id)) {
      return;
    }
    this.#reserveAsked.add(item.id);
    setTimeout(() => {
      this.#reserveAsked.delete(item.id);
      this.refresh(item.id).catch(() => undefined);
    }, RESERVE_ASKED_MS_MIN);
  }

  /** Lists do not tell the server's time; an item of theirs does. */
  #askForTime(itemId: string): void {
    if (this.clock.nowMs() === null && !this.#isAskingForTime) {
      this.#isAskingForTime = true;
      this.refresh(itemId)
        .catch(() => undefined)
        .finally(() => {
          this.#isAskingForTime = false;
        });
    }
  }

  async #existing(itemIds: readonly string[], signal: AbortSignal): Promise<string[]> {
    const found = await Promise.all(
      itemIds.map(async (id) => {
        try {
          await this.bids.getItem({ id }, { signal });
          return [id];
        } catch (error) {
          if (ConnectError.from(error).code === Code.NotFound) {
            return [];
          }
          throw error;
        }
      }),
    );
    return found.flat();
  }
}

/** Sends what proves who one is, and tells the session where the server does not believe it. */
function authorize(session: Session): Interceptor {
  return (next) => async (request) => {
    const authorization = session.authorization();
    if (!authorization) {
      return next(request);
    }
    request.header.set("Authorization", authorization);
    const told = (error: unknown): void => {
      if (ConnectError.from(error).code === Code.Unauthenticated) {
        session.rejected(authorization);
      }
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: telling(response.message, told) } : response;
    } catch (error) {
      told(error);
      throw error;
    }
  };
}

/** The same messages, with a word to `told` where they end in an error. */
async function* telling<Message>(
  messages: AsyncIterable<Message>,
  told: (error: unknown) => void,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    told(error);
    throw error;
  }
}
