import { type Item, Standing } from "@gavel/client";
import { useEffect, useRef, useState } from "react";
import { useIdentity } from "../live/live-context";
import { formatMoney, majorText, parseMoney } from "../money/money";
import { type Bid, checkBid, suggestedAmounts } from "./bid-draft";
import { MoneyField } from "./money-field";
import type { Refusal } from "./refusal";
import { useBid } from "./use-bid";
import "./bid-form.css";

/**
 * The form that bids. Until someone types, it holds the least bid and follows it; what was typed stays as it is, and
 * when it has become too low the form says so and offers the new least bid.
 */
export function BidForm({ item }: { item: Item }) {
  const { userId } = useIdentity();
  const leads = item.highestBidderId === userId;
  const { place, isPlacing, answer, forget } = useBid(item);
  const [typed, setTyped] = useState<string | null>(null);
  const [maximumText, setMaximumText] = useState<string | null>(null);
  const [problem, setProblem] = useState<ReturnType<typeof checkBid> | null>(null);
  const [doubtful, setDoubtful] = useState<Bid | null>(null);
  const amountField = useRef<HTMLInputElement>(null);
  const maximumField = useRef<HTMLInputElement>(null);

  const money = (minor: bigint): string => formatMoney(minor, item.currency);
  const amountText = typed ?? majorText(item.minimumNextBid, item.currency);
  const withMaximum = leads || maximumText !== null;
  const parsed = parseMoney(amountText, item.currency);

  // The lead is a new situation: what was typed before it means nothing any more.
  useEffect(() => {
    if (leads) {
      setTyped(null);
      setMaximumText(null);
      setProblem(null);
    }
  }, [leads]);

  const edit = (): void => {
    setProblem(null);
    setDoubtful(null);
    forget();
  };

  const send = async (bid: Bid): Promise<void> => {
    setDoubtful(null);
    const answered = await place(bid);
    if (answered.kind === "accepted") {
      setTyped(null);
      setMaximumText(null);
    }
  };

  const submit = (): void => {
    const checked = checkBid(
      { amountText, maximumText: leads ? (maximumText ?? "") : maximumText || null },
      item,
      leads,
    );
    edit();
    if (!checked.ok) {
      setProblem(checked);
      (checked.field === "amount" ? amountField : maximumField).current?.focus();
    } else if (checked.startling && !doubtful) {
      setDoubtful(checked.bid);
    } else {
      void send(checked.bid);
    }
  };

  const takeLeast = (least: bigint): void => {
    edit();
    setTyped(majorText(least, item.currency));
    amountField.current?.focus();
  };

  const problemOf = (field: "amount" | "maximum"): string | undefined =>
    problem && !problem.ok && !problem.tooLow && problem.field === field ? problem.problem : undefined;

  return (
    <form
      className={leads ? "bid-form bid-form--leader" : "bid-form"}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {!leads && (
        <>
          <MoneyField
            ref={amountField}
            label="Your bid"
            currency={item.currency}
            value={amountText}
            problem={problemOf("amount")}
            hint={`${money(item.minimumNextBid)} or more`}
            onChange={(text) => {
              edit();
              setTyped(text);
            }}
          />
          <fieldset className="chips bid-form__chips">
            <legend className="unseen">Suggested bids</legend>
            {suggestedAmounts(item).map((amount) => (
              <button
                key={String(amount)}
                type="button"
                className="chip"
                aria-pressed={parsed.ok && parsed.minor === amount}
                onClick={() => {
                  edit();
                  setTyped(majorText(amount, item.currency));
                }}
              >
                {money(amount)}
              </button>
            ))}
          </fieldset>
        </>
      )}
      {withMaximum && (
        <MoneyField
          ref={maximumField}
          label={leads ? "Your maximum" : "Your maximum (optional)"}
          currency={item.currency}
          value={maximumText ?? ""}
          problem={problemOf("maximum")}
          hint="Gavel bids for you, no more than needed, up to this. Nobody else sees it."
          onChange={(text) => {
            edit();
            setMaximumText(text);
          }}
        />
      )}
      <div aria-live="polite" className="bid-form__answers">
        {problem && !problem.ok && problem.tooLow && (
          <RefusalMessage refusal={{ text: problem.problem, leastAmount: 0n }} item={item} takeLeast={takeLeast} />
        )}
        {doubtful && (
          <div className="message message--hammer">
            <p>
              {money(doubtful.amount)} is far above the least bid of {money(item.minimumNextBid)}. A bid can't be taken
              back.
            </p>
            <button type="button" className="button button--small" onClick={() => void send(doubtful)}>
              {`Bid ${money(doubtful.amount)} all the same`}
            </button>
          </div>
        )}
        {answer?.kind === "accepted" && (answer.standing === Standing.LEADING) === leads && (
          <p className={`message ${leads ? "message--lead" : "message--alarm"}`}>{answer.text}</p>
        )}
        {answer?.kind === "refused" && (
          <RefusalMessage
            refusal={answer.refusal}
            item={item}
            takeLeast={takeLeast}
            retry={submit}
            raise={() => maximumField.current?.focus()}
          />
        )}
      </div>
      <button
        type="submit"
        className={`button button--big button--wide ${leads ? "" : "button--primary"}`}
        disabled={isPlacing}
      >
        {isPlacing ? "Placing…" : leads ? "Set my maximum" : parsed.ok ? `Bid ${money(parsed.minor)}` : "Bid"}
      </button>
      {!withMaximum && (
        <button type="button" className="bid-form__more" onClick={() => setMaximumText("")}>
          Set a maximum and let Gavel bid for you
        </button>
      )}
    </form>
  );
}

type RefusalMessageProps = {
  refusal: Refusal;
  item: Item;
  takeLeast: (least: bigint) => void;
  retry?: () => void;
  raise?: () => void;
};

/** Why not, and the one thing to do about it. The least bid in it is the newest known one. */
function RefusalMessage({ refusal, item, takeLeast, retry, raise }: RefusalMessageProps) {
  const { text, leastAmount, next } = refusal;
  const least = leastAmount !== undefined && leastAmount > item.minimumNextBid ? leastAmount : item.minimumNextBid;
  const leastText = formatMoney(least, item.currency);
  return (
    <div className="message message--alarm">
      <p>{leastAmount === undefined ? text : `${text} The least bid is now ${leastText}: use it?`}</p>
      {leastAmount !== undefined && (
        <button type="button" className="button button--small" onClick={() => takeLeast(least)}>
          {`Use ${leastText}`}
        </button>
      )}
      {next === "retry" && (
        <button type="button" className="button button--small" onClick={retry}>
          Try again
        </button>
      )}
      {next === "raise-maximum" && (
        <button type="button" className="button button--small" onClick={raise}>
          Set a maximum
        </button>
      )}
    </div>
  );
}
