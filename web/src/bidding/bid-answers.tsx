import type { Item } from "@gavel/client";
import { useEffect, useRef } from "react";
import { formatMoney } from "../money/money";
import type { Refusal } from "./refusal";
import type { BidFormState } from "./use-bid-form";

type BidAnswersProps = { item: Item; form: BidFormState };

/** What became of a bid, and what can be done about it; read aloud as it comes, and brought into sight. */
export function BidAnswers({ item, form }: BidAnswersProps) {
  const { answer, doubtful, problem, leads } = form;
  const answers = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (answer || doubtful || problem?.tooLow) {
      answers.current?.scrollIntoView({ block: "nearest" });
    }
  }, [answer, doubtful, problem]);
  return (
    <div ref={answers} aria-live="polite" className="bid-form__answers">
      {problem?.tooLow && (
        <RefusalMessage refusal={{ text: problem.problem, leastAmount: 0n }} item={item} form={form} />
      )}
      {doubtful && (
        <div className="message message--hammer">
          <p>
            {formatMoney(doubtful.amount, item.currency)} is far above the least bid of{" "}
            {formatMoney(item.minimumNextBid, item.currency)}. A bid can't be taken back.
          </p>
          <button type="button" className="button button--small" onClick={() => void form.send(doubtful)}>
            {`Bid ${formatMoney(doubtful.amount, item.currency)} all the same`}
          </button>
        </div>
      )}
      {answer?.kind === "accepted" && answer.leading === leads && (
        <p className={`message ${leads ? "message--lead" : "message--alarm"}`}>{answer.text}</p>
      )}
      {answer?.kind === "refused" && <RefusalMessage refusal={answer.refusal} item={item} form={form} />}
    </div>
  );
}

/** Why not, and the one thing to do about it. The least bid in it is the newest known one. */
function RefusalMessage({ refusal, item, form }: BidAnswersProps & { refusal: Refusal }) {
  const { text, leastAmount, next } = refusal;
  const least = leastAmount !== undefined && leastAmount > item.minimumNextBid ? leastAmount : item.minimumNextBid;
  const leastText = formatMoney(least, item.currency);
  return (
    <div className="message message--alarm">
      <p>{leastAmount === undefined ? text : `${text} The least bid is now ${leastText}: use it?`}</p>
      {leastAmount !== undefined && (
        <button type="button" className="button button--small" onClick={() => form.take(least)}>
          {`Use ${leastText}`}
        </button>
      )}
      {next === "retry" && (
        <button type="button" className="button button--small" onClick={() => void form.retry()}>
          Try again
        </button>
      )}
      {next === "raise-maximum" && (
        <button type="button" className="button button--small" onClick={form.offerMaximum}>
          Set a maximum
        </button>
      )}
    </div>
  );
}
