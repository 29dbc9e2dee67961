import type { Item } from "@gavel/client";
import { useEffect, useRef } from "react";
import type { Refusal } from "../auction/refusal";
import { formatMoney } from "../money/money";
import type { BidFormState } from "./use-bid-form";

type BidFeedbackProps = { item: Item; form: BidFormState };

/** The result of a bid and the actions that follow from it. Announced to screen readers and scrolled into view. */
export function BidFeedback({ item, form }: BidFeedbackProps) {
  const { result, unconfirmed, problem, leads } = form;
  const feedback = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (result || unconfirmed || problem?.tooLow) {
      feedback.current?.scrollIntoView({ block: "nearest" });
    }
  }, [result, unconfirmed, problem]);
  return (
    <div ref={feedback} aria-live="polite" className="bid-form__feedback">
      {problem?.tooLow && (
        <RefusalMessage refusal={{ text: problem.problem, leastAmount: 0n }} item={item} form={form} />
      )}
      {unconfirmed && (
        <div className="message message--hammer">
          <p>
            {formatMoney(unconfirmed.amount, item.currency)} is far more than the least bid of{" "}
            {formatMoney(item.minimumNextBid, item.currency)}. A bid can't be undone.
          </p>
          <button type="button" className="button button--small" onClick={() => void form.send(unconfirmed)}>
            {`Bid ${formatMoney(unconfirmed.amount, item.currency)} anyway`}
          </button>
        </div>
      )}
      {result?.kind === "accepted" && result.leading === leads && (
        <p className={`message ${leads ? "message--lead" : "message--alarm"}`}>{result.text}</p>
      )}
      {result?.kind === "refused" && <RefusalMessage refusal={result.refusal} item={item} form={form} />}
    </div>
  );
}

/** The reason of a refusal and the action that may resolve it, with the newest known least bid. */
function RefusalMessage({ refusal, item, form }: BidFeedbackProps & { refusal: Refusal }) {
  const { text, leastAmount, next } = refusal;
  const least = leastAmount !== undefined && leastAmount > item.minimumNextBid ? leastAmount : item.minimumNextBid;
  const leastText = formatMoney(least, item.currency);
  return (
    <div className="message message--alarm">
      <p>{leastAmount === undefined ? text : `${text} The least bid is now ${leastText}.`}</p>
      {leastAmount !== undefined && (
        <button type="button" className="button button--small" onClick={() => form.setAmount(least)}>
          {`Use ${leastText}`}
        </button>
      )}
      {next === "retry" && (
        <button type="button" className="button button--small" onClick={() => void form.retry()}>
          Try again
        </button>
      )}
      {next === "raise-maximum" && (
        <button type="button" className="button button--small" onClick={form.showMaximum}>
          Set a maximum
        </button>
      )}
    </div>
  );
}
