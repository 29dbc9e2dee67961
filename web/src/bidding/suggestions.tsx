import type { CSSProperties } from "react";
import { formatMoney, majorText, type ParsedMoney } from "../money/money";
import { WithAmounts } from "../ui/amount";
import { usePress } from "./use-press";

type SuggestionsProps = {
  label: string;
  amounts: readonly bigint[];
  chosen: ParsedMoney;
  currency: string;
  choose: (text: string) => void;
};

/** Amounts that one press fills in. Each fills in what it showed when the press began. */
export function Suggestions({ label, amounts, chosen, currency, choose }: SuggestionsProps) {
  const press = usePress<bigint>();
  return (
    <fieldset className="bid-form__chips">
      <legend className="visually-hidden">{label}</legend>
      {amounts.map((amount, index) => (
        <button
          // biome-ignore lint/suspicious/noArrayIndexKey: the same button shows each new amount, so that no press is lost
          key={index}
          type="button"
          className="chip"
          aria-pressed={chosen.ok && chosen.minor === amount}
          style={{ "--characters": textOf(amount, currency).length } as CSSProperties}
          onClick={() => choose(majorText(press.take() ?? amount, currency))}
          {...press.on(amount)}
        >
          <span className="bid-form__chip">
            <WithAmounts text={textOf(amount, currency)} />
          </span>
        </button>
      ))}
    </fieldset>
  );
}

/** The amount without zero cents. */
function textOf(amount: bigint, currency: string): string {
  return formatMoney(amount, currency).replace(/\.0+$/, "");
}
