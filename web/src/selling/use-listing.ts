import { create } from "@bufbuild/protobuf";
import { type CreateItemRequest, CreateItemRequestSchema, type Item } from "@gavel/client";
import { useCallback, useRef } from "react";
import { explainRefusal } from "../auction/refusal";
import { randomUuid } from "../lib/uuid";
import { useLive } from "../live/live-context";
import type { ListingDraft, ListingRequest } from "./listing-draft";

/** A request keeps its idempotency key and its end until its outcome is known. */
type Attempt = { readonly draft: string; readonly request: CreateItemRequest };

/** List a draft. A retry of an unchanged draft sends the same request, which can't list the item twice. */
export function useListing(): (draft: ListingDraft, request: ListingRequest) => Promise<Item | undefined> {
  const live = useLive();
  const attempt = useRef<Attempt | null>(null);

  return useCallback(
    async (draft, request) => {
      const typed = JSON.stringify([request.sellerId, draft]);
      if (attempt.current?.draft !== typed) {
        const next = create(CreateItemRequestSchema, { ...request, idempotencyKey: randomUuid() });
        attempt.current = { draft: typed, request: next };
      }
      try {
        const { item } = await live.bids.createItem(attempt.current.request);
        attempt.current = null;
        return item;
      } catch (error) {
        attempt.current = explainRefusal(error).next === "retry" ? attempt.current : null;
        throw error;
      }
    },
    [live],
  );
}
