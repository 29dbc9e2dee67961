import type { Item } from "@gavel/client";
import { formatMoney, majorText } from "../money/money";
import { MoneyField } from "../ui/money-field";
import { suggestedAmounts } from "./bid-draft";
import { BidFeedback } from "./bid-feedback";
import { type BidFormState, useBidForm } from "./use-bid-form";
import "./bid-form.css";

/** The form that bids; for the leader, the form that sets a maximum. */
export function BidForm({ item }: { item: Item }) {
  const form = useBidForm(item);
  return (
    <form
      className={form.leads ? "bid-form bid-form--leader" : "bid-form"}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        form.submit();
      }}
    >
      {!form.leads && <AmountField item={item} form={form} />}
      {form.withMaximum && <MaximumField item={item} form={form} />}
      <BidFeedback item={item} form={form} />
      <button
        type="submit"
        className={`button button--big button--wide ${form.leads ? "" : "button--primary"}`}
        disabled={form.isPlacing}
      >
        {submitLabel(item, form)}
      </button>
      {!form.withMaximum && (
        <button type="button" className="bid-form__more" onClick={form.showMaximum}>
          Set a maximum and let Gavel bid for you
        </button>
      )}
    </form>
  );
}

type PartProps = { item: Item; form: BidFormState };

function AmountField({ item, form }: PartProps) {
  const { problem, amount } = form;
  const money = (minor: bigint): string => formatMoney(minor, item.currency);
  return (
    <>
      <MoneyField
        ref={form.amountField}
        label="Your bid"
        currency={item.currency}
        value={form.amountText}
        problem={problem?.field === "amount" && !problem.tooLow ? problem.problem : undefined}
        hint={`${money(item.minimumNextBid)} or more`}
        onChange={form.typeAmount}
      />
      <fieldset className="chips bid-form__chips">
        <legend className="visually-hidden">Suggested bids</legend>
        {suggestedAmounts(item).map((suggested) => (
          <button
            key={String(suggested)}
            type="button"
            className="chip"
            aria-pressed={amount.ok && amount.minor === suggested}
            onClick={() => form.typeAmount(majorText(suggested, item.currency))}
          >
            {money(suggested)}
          </button>
        ))}
      </fieldset>
    </>
  );
}

function MaximumField({ item, form }: PartProps) {
  return (
    <MoneyField
      ref={form.maximumField}
      label={form.leads ? "Your maximum" : "Your maximum (optional)"}
      currency={item.currency}
      value={form.maximumText ?? ""}
      problem={form.problem?.field === "maximum" ? form.problem.problem : undefined}
      hint="Gavel bids for you up to this amount, no more than needed. Only you can see it."
      onChange={form.typeMaximum}
    />
  );
}

function submitLabel(item: Item, { isPlacing, leads, amount }: BidFormState): string {
  if (isPlacing) {
    return "Placing…";
  }
  if (leads) {
    return "Set my maximum";
  }
  return amount.ok ? `Bid ${formatMoney(amount.minor, item.currency)}` : "Bid";
}
