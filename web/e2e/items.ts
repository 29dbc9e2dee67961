import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GavelClient, Item } from "@gavel/client";
import { pseudonym } from "../src/session/pseudonym";

type Listing = {
  title: string;
  description?: string;
  images?: string[];
  category?: string;
  sellerId?: string;
  startPrice?: bigint;
  reservePrice?: bigint;
  buyNowPrice?: bigint;
  endsInSeconds?: number;
  startsInSeconds?: number;
  softCloseSeconds?: number;
};

/** List an item. The test runs on the server's machine and so uses its clock. */
export async function list(client: GavelClient, listing: Listing): Promise<Item> {
  const { endsInSeconds = 3_600, startsInSeconds, softCloseSeconds = 0, ...texts } = listing;
  const { item } = await client.bids.createItem({
    sellerId: randomUUID(),
    startPrice: 2_000n,
    category: "antiques",
    ...texts,
    ...(startsInSeconds ? { startAt: timestampFromMs(Date.now() + startsInSeconds * 1000) } : {}),
    endAt: timestampFromMs(Date.now() + endsInSeconds * 1000),
    softClose: {
      windowSeconds: softCloseSeconds,
      extensionSeconds: softCloseSeconds,
      maxExtensionSeconds: 0,
    },
  });
  if (!item) {
    throw new Error("CreateItem returned no item");
  }
  return item;
}

/** Place a bid without a browser. */
export async function bid(
  client: GavelClient,
  item: Item,
  userId: string,
  amount: bigint,
  maxAmount = 0n,
): Promise<void> {
  await client.bids.placeBid({ itemId: item.id, userId, amount, maxAmount });
}

/** A user id with this pseudonym. */
export function bidderNamed(name: string): string {
  for (;;) {
    const userId = randomUUID();
    if (pseudonym(userId) === name) {
      return userId;
    }
  }
}
