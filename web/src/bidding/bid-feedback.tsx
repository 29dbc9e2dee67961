import type { Item } from "@gavel/client";
import { type ReactNode, useEffect, useRef } from "react";
import type { Refusal } from "../auction/refusal";
import { Amount } from "../ui/amount";
import { greatestOf, isUnusual, type Question } from "./question";
import type { BidFormState } from "./use-bid-form";

type BidFeedbackProps = { id: string; item: Item; form: BidFormState };
type PartProps = Omit<BidFeedbackProps, "id">;

/** The answer to a bid: its result, or the question that the big button answers. Announced to screen readers. */
export function BidFeedback({ id, item, form }: BidFeedbackProps) {
  const { result, question, problem, leads } = form;
  const feedback = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (result || question || problem) {
      feedback.current?.scrollIntoView({ block: "nearest" });
    }
  }, [result, question, problem]);
  return (
    <div ref={feedback} id={id} aria-live="polite" className="bid-form__answer">
      {problem && (
        <RefusalMessage
          refusal={{ text: problem.problem, ...(problem.tooLow ? { leastAmount: 0n } : {}) }}
          item={item}
          form={form}
        />
      )}
      {question && <QuestionMessage question={question} item={item} form={form} />}
      {result?.kind === "accepted" && result.leading === leads && (
        <Message style={leads ? "lead" : "alarm"}>{result.text}</Message>
      )}
      {result?.kind === "refused" && <RefusalMessage refusal={result.refusal} item={item} form={form} />}
    </div>
  );
}

type MessageProps = { style: "lead" | "alarm" | "hammer"; children: ReactNode; action?: ReactNode };

function Message({ style, children, action }: MessageProps) {
  return (
    <div className={`message message--${style} bid-form__message`}>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** The reason of a refusal and the action that may resolve it, with the newest known least bid. */
function RefusalMessage({ refusal, item, form }: PartProps & { refusal: Refusal }) {
  const { text, leastAmount, next } = refusal;
  if (leastAmount !== undefined) {
    const least = leastAmount > item.minimumNextBid ? leastAmount : item.minimumNextBid;
    const amount = <Amount minor={least} currency={item.currency} />;
    return (
      <Message style="alarm" action={<Action onClick={() => form.setAmount(least)}>Use {amount}</Action>}>
        {text} The least bid is now {amount}.
      </Message>
    );
  }
  const action =
    next === "retry" ? (
      <Action onClick={() => void form.retry()}>Try again</Action>
    ) : next === "raise-maximum" ? (
      <Action onClick={form.showMaximum}>Set a maximum</Action>
    ) : null;
  return (
    <Message style="alarm" action={action}>
      {text}
    </Message>
  );
}

function QuestionMessage({ question, item, form }: PartProps & { question: Question }) {
  const money = (minor: bigint): ReactNode => <Amount minor={minor} currency={item.currency} />;
  const greatest = question.kind === "moved" ? question.maximum : greatestOf(question.bid);
  return (
    <Message style="hammer" action={<Action onClick={form.dropQuestion}>Not now</Action>}>
      {question.kind === "moved" &&
        (question.pressed < question.maximum ? (
          <>
            The price moved: {money(question.pressed)} is too low by now. Bid up to {money(question.maximum)}, no more
            than needed?
          </>
        ) : (
          <>The price moved as you pressed. Bid up to {money(question.maximum)}, no more than needed?</>
        ))}
      {(question.kind === "unusual" || isUnusual(greatest, item)) && (
        <>
          {" "}
          {money(greatest)} is far above the price of {money(item.currentHighestBid || item.startPrice)}. A bid can't be
          undone.
        </>
      )}
    </Message>
  );
}

function Action({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className="button button--small" onClick={onClick}>
      {children}
    </button>
  );
}
