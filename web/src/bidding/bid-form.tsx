import type { Item } from "@gavel/client";
import { type CSSProperties, type ReactNode, useId } from "react";
import { formatMoney } from "../money/money";
import { Amount, WithAmounts } from "../ui/amount";
import { MoneyField } from "../ui/money-field";
import { BidBar } from "./bid-bar";
import { suggestedAmounts, suggestedMaximums } from "./bid-draft";
import { BidFeedback } from "./bid-feedback";
import { Suggestions } from "./suggestions";
import { type BidFormState, useBidForm } from "./use-bid-form";
import "./bid-form.css";

/**
 * The form that bids; for the leader, the form that sets a maximum. Both have the same height, and an answer has a place
 * of its own, so that nothing moves under a finger.
 */
export function BidForm({ item, maximum, position }: { item: Item; maximum: bigint; position: ReactNode }) {
  const form = useBidForm(item, maximum);
  const answerId = useId();
  const parts = { item, form, answerId };
  const label = submitLabel(item, form);
  return (
    <form
      className="bid-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        form.submit();
      }}
    >
      <div className="bid-form__fields">
        {form.leads ? <MaximumField key="maximum" {...parts} /> : <AmountField key="amount" {...parts} />}
        <Suggestions
          label={form.leads ? "Suggested maximums" : "Suggested bids"}
          amounts={form.leads ? suggestedMaximums(item, form) : suggestedAmounts(item)}
          chosen={form.leads ? form.parsedMaximum : form.amount}
          currency={item.currency}
          choose={form.leads ? form.typeMaximum : form.typeAmount}
        />
        {!form.leads && form.withMaximum && <MaximumField key="maximum" {...parts} />}
      </div>
      <div className="bid-form__idle">
        <button type="button" className="bid-form__more" disabled={form.withMaximum} onClick={form.showMaximum}>
          Set a maximum and let Gavel bid for you
        </button>
        <p className="small muted">Gavel bids no more than needed. Only you can see your maximum.</p>
      </div>
      <BidBar item={item} position={position} feedback={<BidFeedback id={answerId} item={item} form={form} />}>
        <button
          ref={form.button}
          type="submit"
          className={`button button--big button--wide ${buttonStyle(form)}`}
          style={{ "--characters": label.length } as CSSProperties}
          data-settled={form.isSettled && form.isAnswerable}
          aria-disabled={form.isPlacing || !form.isAnswerable}
          {...form.pressHandlers}
        >
          <span className="bid-form__label">
            <WithAmounts text={label} />
          </span>
        </button>
      </BidBar>
    </form>
  );
}

type PartProps = { item: Item; form: BidFormState; answerId: string };

function AmountField({ item, form, answerId }: PartProps) {
  return (
    <MoneyField
      ref={form.fields.amount}
      label="Your bid"
      currency={item.currency}
      value={form.amountText}
      problemId={form.problem?.field === "amount" ? answerId : undefined}
      hint={<OrMore item={item} />}
      onChange={form.typeAmount}
    />
  );
}

function MaximumField({ item, form, answerId }: PartProps) {
  const hasMaximum = form.maximum > item.currentHighestBid;
  return (
    <MoneyField
      ref={form.fields.maximum}
      label={form.leads ? "Your maximum" : "Your maximum (optional)"}
      currency={item.currency}
      value={form.maximumText ?? ""}
      problemId={form.problem?.field === "maximum" ? answerId : undefined}
      hint={form.leads && (hasMaximum ? `now ${formatMoney(form.maximum, item.currency)}` : <OrMore item={item} />)}
      onChange={form.typeMaximum}
    />
  );
}

function OrMore({ item }: { item: Item }) {
  return (
    <>
      <Amount minor={item.minimumNextBid} currency={item.currency} /> or more
    </>
  );
}

function buttonStyle({ question, leads }: BidFormState): string {
  return question ? "button--question" : leads ? "" : "button--primary";
}

function submitLabel(item: Item, form: BidFormState): string {
  const { isPlacing, leads, question, amount, parsedMaximum } = form;
  const money = (minor: bigint): string => formatMoney(minor, item.currency);
  if (isPlacing) {
    return "Placing…";
  }
  if (question?.kind === "moved") {
    return `Bid up to ${money(question.maximum)}`;
  }
  if (question?.kind === "unusual") {
    const { amount, maxAmount } = question.bid;
    return maxAmount > 0n ? `Bid up to ${money(maxAmount)} anyway` : `Bid ${money(amount)} anyway`;
  }
  if (leads) {
    return parsedMaximum.ok ? `Set my maximum to ${money(parsedMaximum.minor)}` : "Set my maximum";
  }
  if (!amount.ok) {
    return "Bid";
  }
  return `Bid ${money(amount.minor)}${parsedMaximum.ok ? `, up to ${money(parsedMaximum.minor)}` : ""}`;
}
