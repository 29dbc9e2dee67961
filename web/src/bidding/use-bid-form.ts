import type { Item } from "@gavel/client";
import { useEffect, useRef, useState } from "react";
import { isLedBy } from "../auction/phase";
import { useIdentity } from "../live/live-context";
import { majorText, parseMoney } from "../money/money";
import { useKeptState } from "../ui/kept-state";
import { type Bid, type Checked, checkBid } from "./bid-draft";
import { type BidResult, useBid } from "./use-bid";

type Problem = Extract<Checked, { ok: false }>;

/**
 * The state of the bid form. The amount follows the least bid until the user types; then it stays as typed, whatever
 * others bid.
 */
export function useBidForm(item: Item) {
  const { userId } = useIdentity();
  const leads = isLedBy(item, userId);
  const { place, retry, isPlacing, result, clearResult } = useBid(item);
  // Kept while the user signs in again.
  const [typed, setTyped] = useKeptState<string>(`gavel.bid.${userId}.${item.id}.amount`);
  const [maximumText, setMaximumText] = useKeptState<string>(`gavel.bid.${userId}.${item.id}.maximum`);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [unconfirmed, setUnconfirmed] = useState<Bid | null>(null);
  const amountField = useRef<HTMLInputElement>(null);
  const maximumField = useRef<HTMLInputElement>(null);

  // Input from before the user took the lead no longer applies.
  useEffect(() => {
    if (leads) {
      setTyped(null);
      setMaximumText(null);
      setProblem(null);
    }
  }, [leads, setTyped, setMaximumText]);

  const clearFeedback = (): void => {
    setProblem(null);
    setUnconfirmed(null);
    clearResult();
  };
  const resetIfAccepted = (sent: BidResult | null): void => {
    if (sent?.kind === "accepted") {
      setTyped(null);
      setMaximumText(null);
    }
  };
  const send = async (bid: Bid): Promise<void> => {
    setUnconfirmed(null);
    resetIfAccepted(await place(bid));
  };
  const amountText = typed ?? majorText(item.minimumNextBid, item.currency);
  const submit = (): void => {
    const checked = checkBid(
      { amountText, maximumText: leads ? (maximumText ?? "") : maximumText || null },
      item,
      leads,
    );
    clearFeedback();
    if (!checked.ok) {
      setProblem(checked);
      (checked.field === "amount" ? amountField : maximumField).current?.focus();
    } else if (checked.needsConfirmation) {
      setUnconfirmed(checked.bid);
    } else {
      void send(checked.bid);
    }
  };

  return {
    leads,
    isPlacing,
    result,
    problem,
    unconfirmed,
    amountText,
    amount: parseMoney(amountText, item.currency),
    maximumText,
    withMaximum: leads || maximumText !== null,
    amountField,
    maximumField,
    submit,
    send,
    async retry() {
      clearFeedback();
      resetIfAccepted(await retry());
    },
    showMaximum() {
      setMaximumText(maximumText ?? "");
      requestAnimationFrame(() => maximumField.current?.focus());
    },
    typeAmount(text: string) {
      clearFeedback();
      setTyped(text);
    },
    typeMaximum(text: string) {
      clearFeedback();
      setMaximumText(text);
    },
    setAmount(amount: bigint) {
      clearFeedback();
      setTyped(majorText(amount, item.currency));
      amountField.current?.focus();
    },
  };
}

export type BidFormState = ReturnType<typeof useBidForm>;
