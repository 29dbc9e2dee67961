import type { Item } from "@gavel/client";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { isLedBy } from "../auction/phase";
import { useIdentity, useLive } from "../live/live-context";
import { majorText, parseMoney } from "../money/money";
import { useKeptState } from "../ui/kept-state";
import { type Bid, type BidDraft, type Checked, checkBid, type Mine } from "./bid-draft";
import { movedQuestion, type Question, questionOf, STOOD_MS_MIN } from "./question";
import { type BidResult, useBid } from "./use-bid";
import { usePress } from "./use-press";
import { useRecentBids } from "./use-recent-bids";
import { useSettled } from "./use-settled";

type Problem = Extract<Checked, { ok: false }>;
/** All that the button stands for at one moment. */
type Shown = { draft: BidDraft; item: Item; mine: Mine; isSettled: boolean; question: Question | null };

/** The least time between a question and its answer: the second click of a double click answers nothing. */
const QUESTION_MS_MIN = 300;

/**
 * The state of the bid form. The amount follows the least bid until the user types; then it stays as typed, whatever
 * others bid. What is sent is what the button showed when the press on it began.
 */
export function useBidForm(item: Item, maximum: bigint) {
  const live = useLive();
  const { userId } = useIdentity();
  const mine: Mine = { leads: isLedBy(item, userId), maximum };
  const { leads } = mine;
  const { place, placeUpTo, retry, isPlacing, result, clearResult } = useBid(item);
  // Kept while the user signs in again.
  const [typed, setTyped] = useKeptState<string>(`gavel.bid.${userId}.${item.id}.amount`);
  const [maximumText, setMaximumText] = useKeptState<string>(`gavel.bid.${userId}.${item.id}.maximum`);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const fields = useFields(leads);
  const button = useRef<HTMLButtonElement>(null);
  const recentBids = useRecentBids(item);

  // Input from before the user took the lead no longer applies.
  useEffect(() => {
    if (leads) {
      setTyped(null);
      setMaximumText(null);
      setProblem(null);
    }
  }, [leads, setTyped, setMaximumText]);

  const amountText = typed ?? majorText(item.minimumNextBid, item.currency);
  const draft = { amountText, maximumText: leads ? (maximumText ?? "") : maximumText || null };
  const isSettled = useSettled(leads || typed !== null ? null : amountText, STOOD_MS_MIN);
  const isAnswerable = useSettled(question ? question.kind : null, QUESTION_MS_MIN);
  const shown: Shown = { draft, item, mine, isSettled, question };
  const press = usePress<Shown>();

  const clearFeedback = (): void => {
    setProblem(null);
    setQuestion(null);
    clearResult();
  };
  const send = async (bid: Bid, sending: Promise<BidResult>): Promise<void> => {
    const sent = await sending;
    if (sent.kind === "accepted") {
      setTyped(null);
      setMaximumText(null);
    } else if (sent.refusal.leastAmount !== undefined) {
      const newest = live.items.get(item.id) ?? item;
      clearResult();
      setQuestion(movedQuestion(bid, newest, recentBids(newest)));
    }
  };
  const submit = (): void => {
    const pressed = press.take() ?? shown;
    if (isPlacing || !isAnswerable) {
      return;
    }
    if (pressed.mine.leads && leads && !maximumText) {
      fields.maximum.current?.focus();
      return;
    }
    clearFeedback();
    if (pressed.question) {
      if (pressed.question.kind === "moved") {
        const { maximum } = pressed.question;
        void send({ amount: 0n, maxAmount: maximum }, placeUpTo(maximum));
      } else {
        void send(pressed.question.bid, place(pressed.question.bid));
      }
      return;
    }
    const checked = checkBid(pressed.draft, pressed.item, pressed.mine);
    if (!checked.ok) {
      setProblem(checked);
      fields[checked.field].current?.focus();
      return;
    }
    const asked = questionOf(pressedBid(checked.bid, pressed), item, leads, recentBids(item));
    if (asked) {
      setQuestion(asked);
    } else {
      void send(checked.bid, place(checked.bid));
    }
  };

  return {
    ...mine,
    isPlacing,
    isSettled,
    isAnswerable,
    result,
    problem,
    question,
    amountText,
    amount: parseMoney(amountText, item.currency),
    maximumText,
    parsedMaximum: parseMoney(maximumText ?? "", item.currency),
    withMaximum: leads || maximumText !== null,
    fields,
    button,
    pressHandlers: press.on(shown),
    submit,
    dropQuestion() {
      setQuestion(null);
      button.current?.focus();
    },
    async retry() {
      clearFeedback();
      button.current?.focus();
      const again = retry();
      if (again) {
        await send(again.bid, again.sending);
      }
    },
    showMaximum() {
      setMaximumText(maximumText ?? "");
      requestAnimationFrame(() => fields.maximum.current?.focus());
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
      button.current?.focus();
    },
  };
}

export type BidFormState = ReturnType<typeof useBidForm>;

function pressedBid(bid: Bid, { item, mine, isSettled }: Shown) {
  return { bid, leads: mine.leads, leastBid: item.minimumNextBid, isSettled };
}

/** The two fields, one of which takes the place of the other when the user takes or loses the lead: the focus stays there. */
function useFields(leads: boolean) {
  const amount = useRef<HTMLInputElement>(null);
  const maximum = useRef<HTMLInputElement>(null);
  const focused = [amount, maximum].find(({ current }) => current && current === document.activeElement);
  const last = useRef(leads);
  useLayoutEffect(() => {
    if (last.current !== leads) {
      last.current = leads;
      if (focused && !focused.current) {
        (leads ? maximum : amount).current?.focus();
      }
    }
  }, [leads, focused]);
  return { amount, maximum };
}
