import { Fragment } from "react";
import { formatMoney } from "../money/money";

/** An amount with its currency. It breaks between groups of digits only: "$10,000,|000.00". */
export function Amount({ minor, currency }: { minor: bigint; currency: string }) {
  return <WithAmounts text={formatMoney(minor, currency)} />;
}

/** A text whose amounts break between groups of digits only. */
export function WithAmounts({ text }: { text: string }) {
  return text.split(/(?<=\d,)(?=\d)/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a part has no other identity
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
