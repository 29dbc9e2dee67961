import type { CSSProperties } from "react";
import { formatMoney } from "../money/money";
import { Amount } from "../ui/amount";
import "./price.css";

/**
 * A price that is readable at any moment: a change tints all digits, and moves and fades none. A long one shrinks to the
 * width of its box first, and then breaks between groups of digits.
 */
export function Price({ amount, currency }: { amount: bigint; currency: string }) {
  const characters = { "--price-characters": formatMoney(amount, currency).length } as CSSProperties;
  return (
    <span className="price" style={characters}>
      <span key={String(amount)} className="price__digits">
        <Amount minor={amount} currency={currency} />
      </span>
    </span>
  );
}
