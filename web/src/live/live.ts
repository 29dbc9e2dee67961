import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { BidService, type Item, type WatchItemsResponse } from "@gavel/client";
import { ServerClock } from "../clock/server-clock";
import { BidderNames } from "../session/pseudonym";
import type { Session } from "../session/session";
import { BidHistory, HISTORY_PAGE_SIZE } from "./bid-history";
import { Connection } from "./connection";
import type { ResumePosition } from "./feed";
import { type FeedUpdate, updateOf } from "./feed-cursor";
import { isReserveUnmet, LiveItems } from "./live-items";
import { observeResponses } from "./observe-responses";
import { TabFeed } from "./tab-feed";
import { WatchList } from "./watch-list";

/** The least time between two reads of an item whose reserve is not met. */
const RESERVE_READ_MS_MIN = 1_000;

/** The state of the page outside React: the server's clock, the live updates, the newest state of each item. */
export class Live {
  readonly items = new LiveItems();
  readonly clock = new ServerClock();
  readonly connection = new Connection();
  readonly names = new BidderNames();
  readonly session: Session;
  /** Null if the installation's configuration does not name it; then any item does. */
  readonly houseCurrency: string | null;
  /** The base URL of the API; empty for the page's own origin. */
  readonly apiUrl: string;
  readonly transport: Transport;
  readonly feed: TabFeed;
  readonly watching: WatchList;
  readonly bids: Client<typeof BidService>;
  readonly #updateListeners = new Set<(update: FeedUpdate) => void>();
  #isReadingTime = false;
  readonly #reserveReads = new Set<string>();

  constructor(
    session: Session,
    openTransport: (interceptors: Interceptor[]) => Transport,
    { currency = null, apiUrl = "" }: { currency?: string | null; apiUrl?: string } = {},
  ) {
    this.session = session;
    this.houseCurrency = currency;
    this.apiUrl = apiUrl;
    this.transport = openTransport([authorize(session), observeResponses(this.items, this.clock, this.connection)]);
    this.bids = createClient(BidService, this.transport);
    this.feed = new TabFeed({
      open: (positions, signal, onHeader) =>
        this.bids.watchItems(
          { items: positions.map((each: ResumePosition) => ({ ...each })) },
          { signal, onHeader, timeoutMs: 0 },
        ),
      existing: (itemIds, signal) => this.#existing(itemIds, signal),
      newest: (itemId) => this.items.get(itemId),
      onMessage: (message) => this.#receive(message),
      onState: (state) => this.connection.feedChanged(state),
    });
    this.items.onChange(({ after }) => this.#readTime(after.id));
    this.watching = new WatchList((wanted) => this.feed.watch(wanted));
  }

  /** Call `listener` with every update of the feed. Returns a function that unsubscribes. */
  onUpdate(listener: (update: FeedUpdate) => void): () => void {
    this.#updateListeners.add(listener);
    return () => this.#updateListeners.delete(listener);
  }

  /** Read an item. Its state reaches `items` as that of every response does. */
  async refresh(itemId: string): Promise<void> {
    await this.bids.getItem({ id: itemId });
  }

  /** An item's bids, kept current until `signal` aborts. */
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
    // While the feed is down, a changed bid count is the only sign of new bids.
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

  #receive(message: WatchItemsResponse): void {
    if (message.serverTime) {
      this.clock.observeMessage(timestampMs(message.serverTime));
    }
    const update = updateOf(message);
    if (update) {
      this.#apply(update);
    }
  }

  #apply(update: FeedUpdate): void {
    if (update.kind === "snapshot") {
      this.items.offer(update.item);
    } else if (this.items.apply(update.event)) {
      this.#readReserve(this.items.get(update.event.itemId));
    }
    for (const listener of this.#updateListeners) {
      listener(update);
    }
  }

  /** Read the item after a bid that may have met its reserve: events do not say so. */
  #readReserve(item: Item | undefined): void {
    if (!item || !isReserveUnmet(item) || this.#reserveReads.has(item.id)) {
      return;
    }
    this.#reserveReads.add(item.id);
    setTimeout(() => {
      this.#reserveReads.delete(item.id);
      this.refresh(item.id).catch(() => undefined);
    }, RESERVE_READ_MS_MIN);
  }

  /** Read one item if the server's time is unknown: responses of lists do not have it. */
  #readTime(itemId: string): void {
    if (this.clock.nowMs() === null && !this.#isReadingTime) {
      this.#isReadingTime = true;
      this.refresh(itemId)
        .catch(() => undefined)
        .finally(() => {
          this.#isReadingTime = false;
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

/** Send the session's credentials, and note in the session when the server rejects them. */
function authorize(session: Session): Interceptor {
  return (next) => async (request) => {
    const authorization = session.authorization();
    if (!authorization) {
      return next(request);
    }
    request.header.set("Authorization", authorization);
    const onError = (error: unknown): void => {
      if (ConnectError.from(error).code === Code.Unauthenticated) {
        session.rejected(authorization);
      }
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: withErrorHandler(response.message, onError) } : response;
    } catch (error) {
      onError(error);
      throw error;
    }
  };
}

/** The same messages; `onError` is called if they end in an error. */
async function* withErrorHandler<Message>(
  messages: AsyncIterable<Message>,
  onError: (error: unknown) => void,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (error) {
    onError(error);
    throw error;
  }
}
