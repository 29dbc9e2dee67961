import { formatMoney } from "../money/money";
import "./price.css";

/** A price whose figures roll when it changes. Read aloud as one amount. */
export function Price({ amount, currency }: { amount: bigint; currency: string }) {
  const text = formatMoney(amount, currency);
  return (
    <span className="price">
      <span className="unseen">{text}</span>
      <span className="price__figures" aria-hidden="true">
        {figuresOf(text).map(({ figure, key }) => (
          <span key={key} className={/\d/.test(figure) ? "price__digit" : undefined}>
            {figure}
          </span>
        ))}
      </span>
    </span>
  );
}

/** Each character by its place from the right, so that only the figures that change are new. */
function figuresOf(text: string): { figure: string; key: string }[] {
  return [...text].map((figure, index) => ({ figure, key: `${text.length - index} ${figure}` }));
}
