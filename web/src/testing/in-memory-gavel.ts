import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Code,
  ConnectError,
  createRouterTransport,
  type Interceptor,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import {
  type Bid,
  BidService,
  type Item,
  type ItemEvent,
  UserStatsService,
  type WatchItemsRequest,
  type WatchItemsResponse,
  WatchItemsResponseSchema,
} from "@gavel/client";

type Update = Exclude<MessageInitShape<typeof WatchItemsResponseSchema>["update"], undefined>;

/** A stream that the page has opened. A test sends its messages and ends it. */
export class OpenStream {
  readonly request: WatchItemsRequest;
  readonly #queue: (WatchItemsResponse | ConnectError | null)[] = [];
  #arrived: () => void = () => undefined;

  constructor(request: WatchItemsRequest) {
    this.request = request;
  }

  /** The seq after which the page resumes each item. */
  positions(): Record<string, bigint> {
    return Object.fromEntries(this.request.items.map(({ itemId, afterSeq }) => [itemId, afterSeq]));
  }

  snapshot(item: Item): void {
    this.#send({ case: "snapshot", value: item });
  }

  event(event: ItemEvent): void {
    this.#send({ case: "event", value: event });
  }

  heartbeat(): void {
    this.#send({ case: "heartbeat", value: {} });
  }

  end(error: ConnectError | null = null): void {
    this.#push(error);
  }

  #send(update: Update): void {
    this.#push(create(WatchItemsResponseSchema, { serverTime: timestampFromMs(Date.now()), update }));
  }

  #push(entry: WatchItemsResponse | ConnectError | null): void {
    this.#queue.push(entry);
    this.#arrived();
  }

  async *messages(signal: AbortSignal): AsyncGenerator<WatchItemsResponse> {
    signal.addEventListener("abort", () => this.#push(null));
    for (;;) {
      const entry = this.#queue.shift();
      if (entry === undefined) {
        await new Promise<void>((arrived) => {
          this.#arrived = arrived;
        });
      } else if (entry === null) {
        return;
      } else if (entry instanceof ConnectError) {
        throw entry;
      } else {
        yield entry;
      }
    }
  }
}

/**
 * A fake server in memory behind Connect's router, so every call is encoded and decoded as on the wire. It has no
 * rules of its own: a test sets its responses.
 */
export class InMemoryGavel {
  readonly streams: OpenStream[] = [];
  readonly items = new Map<string, Item>();
  bids: Bid[] = [];
  /** Methods that respond other than by `items` and `bids`. */
  methods: Partial<ServiceImpl<typeof BidService>> = {};
  stats: Partial<ServiceImpl<typeof UserStatsService>> = {};
  /** The number of GetItem and GetLeaderboard calls. */
  itemRequests = 0;
  feedIsUp = true;
  isUp = true;

  constructor(...items: Item[]) {
    for (const item of items) {
      this.items.set(item.id, item);
    }
  }

  /** The stream that the page opened last. */
  get stream(): OpenStream {
    const stream = this.streams.at(-1);
    if (!stream) {
      throw new Error("no stream is open");
    }
    return stream;
  }

  readonly transport = (interceptors: Interceptor[] = []): Transport =>
    createRouterTransport(
      ({ service }) => {
        service(BidService, {
          getItem: ({ id }) => ({ item: this.#item(id), serverTime: timestampFromMs(Date.now()) }),
          listItems: () => this.#up({ items: [...this.items.values()] }),
          getItemBids: () => this.#up({ bids: this.bids }),
          listMyBids: () => this.#up({ bids: [] }),
          getLeaderboard: ({ itemId }) => this.#up({ entries: [], seq: this.#item(itemId).seq }),
          watchItems: (request, context) => this.#watch(request, context.signal),
          ...this.methods,
        });
        service(UserStatsService, this.stats);
      },
      { transport: { interceptors } },
    );

  #watch(request: WatchItemsRequest, signal: AbortSignal): AsyncIterable<WatchItemsResponse> {
    if (!this.isUp || !this.feedIsUp) {
      throw new ConnectError("unavailable", Code.Unavailable);
    }
    const stream = new OpenStream(request);
    this.streams.push(stream);
    return stream.messages(signal);
  }

  #item(id: string): Item {
    this.itemRequests += 1;
    const item = this.#up(this.items.get(id));
    if (!item) {
      throw new ConnectError(`no item has the id ${id}`, Code.NotFound);
    }
    return item;
  }

  #up<Response>(response: Response): Response {
    if (!this.isUp) {
      throw new ConnectError("unavailable", Code.Unavailable);
    }
    return response;
  }
}
