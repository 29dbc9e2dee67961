import type { Item } from "@gavel/client";
import { useEffect, useRef, useState } from "react";
import { isLedBy } from "../auction/phase";
import { useIdentity } from "../live/live-context";
import { majorText, parseMoney } from "../money/money";
import { type Bid, type Checked, checkBid } from "./bid-draft";
import { type BidAnswer, useBid } from "./use-bid";

type Problem = Extract<Checked, { ok: false }>;

/**
 * What the bid form holds. Until someone types, that is the least bid, and it follows it; what was typed stays as it
 * is, whatever others bid meanwhile.
 */
export function useBidForm(item: Item) {
  const leads = isLedBy(item, useIdentity().userId);
  const { place, retry, isPlacing, answer, forget } = useBid(item);
  const [typed, setTyped] = useState<string | null>(null);
  const [maximumText, setMaximumText] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [doubtful, setDoubtful] = useState<Bid | null>(null);
  const amountField = useRef<HTMLInputElement>(null);
  const maximumField = useRef<HTMLInputElement>(null);

  // The lead is a new situation: what was typed before it means nothing any more.
  useEffect(() => {
    if (leads) {
      setTyped(null);
      setMaximumText(null);
      setProblem(null);
    }
  }, [leads]);

  const clearAnswers = (): void => {
    setProblem(null);
    setDoubtful(null);
    forget();
  };
  const settle = (answered: BidAnswer | null): void => {
    if (answered?.kind === "accepted") {
      setTyped(null);
      setMaximumText(null);
    }
  };
  const send = async (bid: Bid): Promise<void> => {
    setDoubtful(null);
    settle(await place(bid));
  };
  const amountText = typed ?? majorText(item.minimumNextBid, item.currency);
  const submit = (): void => {
    const checked = checkBid(
      { amountText, maximumText: leads ? (maximumText ?? "") : maximumText || null },
      item,
      leads,
    );
    clearAnswers();
    if (!checked.ok) {
      setProblem(checked);
      (checked.field === "amount" ? amountField : maximumField).current?.focus();
    } else if (checked.startling) {
      setDoubtful(checked.bid);
    } else {
      void send(checked.bid);
    }
  };

  return {
    leads,
    isPlacing,
    answer,
    problem,
    doubtful,
    amountText,
    amount: parseMoney(amountText, item.currency),
    maximumText,
    withMaximum: leads || maximumText !== null,
    amountField,
    maximumField,
    submit,
    send,
    async retry() {
      clearAnswers();
      settle(await retry());
    },
    offerMaximum() {
      setMaximumText((text) => text ?? "");
      requestAnimationFrame(() => maximumField.current?.focus());
    },
    typeAmount(text: string) {
      clearAnswers();
      setTyped(text);
    },
    typeMaximum(text: string) {
      clearAnswers();
      setMaximumText(text);
    },
    take(amount: bigint) {
      clearAnswers();
      setTyped(majorText(amount, item.currency));
      amountField.current?.focus();
    },
  };
}

export type BidFormState = ReturnType<typeof useBidForm>;
