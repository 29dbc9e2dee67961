import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CreateItemRequest } from "@gavel/client";
import { minorDigits, parseMoney } from "../money/money";

/** The fields of the form, as typed. */
export type ListingDraft = {
  readonly title: string;
  readonly description: string;
  readonly category: string;
  readonly images: string;
  readonly startPrice: string;
  readonly reservePrice: string;
  readonly buyNowPrice: string;
  readonly durationSeconds: number;
  /** Local date and time in the format of a datetime-local field; empty to open at once. */
  readonly startAt: string;
  readonly softCloseSeconds: string;
  readonly incrementFixed: string;
  readonly incrementPercent: string;
};

export type FieldName = keyof ListingDraft;
export type Problems = Partial<Record<FieldName | "form", string>>;
/** The request that the form makes, without its idempotency key. */
export type ListingRequest = Omit<
  CreateItemRequest,
  "$typeName" | "$unknown" | "softClose" | "bidIncrement" | "idempotencyKey"
> &
  ListingRules;
export type CheckedListing =
  | { readonly ok: true; readonly request: ListingRequest }
  | { readonly ok: false; readonly problems: Problems };
type ListingRules = {
  softClose?: { windowSeconds: number; extensionSeconds: number; maxExtensionSeconds: number };
  bidIncrement?: { fixed: bigint; basisPoints: number };
};

export const EMPTY_DRAFT: ListingDraft = {
  title: "",
  description: "",
  category: "",
  images: "",
  startPrice: "",
  reservePrice: "",
  buyNowPrice: "",
  durationSeconds: 86_400,
  startAt: "",
  softCloseSeconds: "60",
  incrementFixed: "",
  incrementPercent: "",
};

const SECONDS_MAX = 86_400;

/** Convert a draft to a request, at a time of the server's clock. Returns the problems by field if it is invalid. */
export function checkListing(draft: ListingDraft, currency: string, sellerId: string, nowMs: number): CheckedListing {
  const problems: Problems = {};
  const money = (field: "startPrice" | "reservePrice" | "buyNowPrice" | "incrementFixed"): bigint => {
    if (draft[field].trim() === "" && field !== "startPrice") {
      return 0n;
    }
    const parsed = parseMoney(draft[field], currency);
    if (!parsed.ok) {
      problems[field] = parsed.problem;
      return 0n;
    }
    return parsed.minor;
  };
  const startPrice = money("startPrice");
  const reservePrice = money("reservePrice");
  const buyNowPrice = money("buyNowPrice");
  const fixed = money("incrementFixed");
  if (!draft.title.trim()) {
    problems.title = "Enter a title.";
  }
  if (startPrice === 0n) {
    problems.startPrice ??= "The starting price must be more than 0.";
  }
  if (reservePrice > 0n && reservePrice < startPrice) {
    problems.reservePrice ??= "The reserve must be at least the starting price.";
  }
  if (buyNowPrice > 0n && (buyNowPrice < startPrice || buyNowPrice < reservePrice)) {
    problems.buyNowPrice ??= "The buy-now price must be at least the starting price and the reserve.";
  }
  const windowSeconds = wholeSeconds(draft.softCloseSeconds);
  if (windowSeconds === null) {
    problems.softCloseSeconds = `Enter whole seconds from 0 to ${SECONDS_MAX}. 0 turns this off.`;
  }
  const basisPoints = percent(draft.incrementPercent);
  if (basisPoints === null) {
    problems.incrementPercent = "Enter a percentage from 0 to 100 with at most two decimals.";
  }
  // A Timestamp holds whole nanoseconds, which a float of milliseconds may not be.
  const startMs = draft.startAt ? Date.parse(draft.startAt) : Math.round(nowMs);
  if (Number.isNaN(startMs)) {
    problems.startAt = "Enter a date and time.";
  }
  if (Object.keys(problems).length > 0 || windowSeconds === null || basisPoints === null) {
    return { ok: false, problems };
  }
  return {
    ok: true,
    request: {
      sellerId,
      title: draft.title.trim(),
      description: draft.description.trim(),
      category: draft.category.trim().toLowerCase(),
      images: draft.images
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
      startPrice,
      reservePrice,
      buyNowPrice,
      ...(draft.startAt ? { startAt: timestampFromMs(startMs) } : {}),
      endAt: timestampFromMs(startMs + draft.durationSeconds * 1000),
      softClose: { windowSeconds, extensionSeconds: windowSeconds, maxExtensionSeconds: 0 },
      ...(fixed > 0n || basisPoints > 0 ? { bidIncrement: { fixed, basisPoints } } : {}),
    },
  };
}

const SERVER_FIELDS: Readonly<Record<string, FieldName>> = {
  title: "title",
  description: "description",
  category: "category",
  images: "images",
  start_price: "startPrice",
  reserve_price: "reservePrice",
  buy_now_price: "buyNowPrice",
  end_at: "durationSeconds",
  start_at: "startAt",
  soft_close: "softCloseSeconds",
  bid_increment: "incrementFixed",
};

const MAY_BE_LISTED = [Code.Unavailable, Code.DeadlineExceeded, Code.Unknown];

/** Assign the server's error to the field that it names: its messages begin with "field: ". */
export function problemsFrom(error: unknown): Problems {
  const refused = ConnectError.from(error);
  const [, field = "", , problem] = /^([a-z_]+)(\.[a-z_]+)?: (.*)$/.exec(refused.rawMessage) ?? [];
  const name = SERVER_FIELDS[field];
  if (refused.code === Code.InvalidArgument && name && problem) {
    return { [name]: `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.` };
  }
  if (MAY_BE_LISTED.includes(refused.code)) {
    return {
      form: "The server did not respond, so the item may or may not be listed. Trying again can't list it twice.",
    };
  }
  return { form: refused.rawMessage || "The item could not be listed. Try again." };
}

function wholeSeconds(text: string): number | null {
  const seconds = Number(text.trim() || "0");
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MAX ? seconds : null;
}

/** "2.5" is 250 basis points. */
function percent(text: string): number | null {
  const match = /^(\d{0,3})(?:[.,](\d{0,2}))?$/.exec(text.trim());
  const basisPoints = match ? Number((match[1] || "0") + (match[2] ?? "").padEnd(2, "0")) : Number.NaN;
  return basisPoints <= 10_000 ? basisPoints : null;
}

/** An example of an amount: "20.00", or "2000" in a currency without fractions. */
export function exampleAmount(currency: string): string {
  return minorDigits(currency) === 0 ? "2000" : `20.${"0".repeat(minorDigits(currency))}`;
}
