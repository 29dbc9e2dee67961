import { formatMoney } from "../money/money";
import "./price.css";

/** A price whose changed digits are animated. Screen readers read it as one amount. */
export function Price({ amount, currency }: { amount: bigint; currency: string }) {
  const text = formatMoney(amount, currency);
  return (
    <span className="price">
      <span className="visually-hidden">{text}</span>
      <span className="price__digits" aria-hidden="true">
        {charactersOf(text).map(({ character, key }) => (
          <span key={key} className={/\d/.test(character) ? "price__digit" : undefined}>
            {character}
          </span>
        ))}
      </span>
    </span>
  );
}

/** Each character, keyed by its position from the right, so that only changed digits are rendered anew. */
function charactersOf(text: string): { character: string; key: string }[] {
  return [...text].map((character, index) => ({ character, key: `${text.length - index} ${character}` }));
}
