import { forwardRef, type ReactNode, useId } from "react";
import { currencySign } from "../money/money";

type MoneyFieldProps = {
  label: string;
  currency: string;
  value: string;
  onChange: (text: string) => void;
  hint?: ReactNode;
  problem?: string | undefined;
  /** The id of the element that says what the problem is, where that is not this field. */
  problemId?: string | undefined;
  required?: boolean;
  name?: string;
};

/** A field for an amount in major units. Its value is text, which `parseMoney` turns into an amount. */
export const MoneyField = forwardRef<HTMLInputElement, MoneyFieldProps>(function MoneyField(
  { label, currency, value, onChange, hint, problem, problemId, required = false, name },
  ref,
) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`, problemId].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="money-input">
        <span className="money-input__sign" aria-hidden="true">
          {currencySign(currency)}
        </span>
        <input
          ref={ref}
          id={id}
          name={name}
          className="input"
          inputMode="decimal"
          autoComplete="off"
          value={value}
          required={required}
          aria-invalid={problem || problemId ? true : undefined}
          aria-describedby={described || undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
      {hint && (
        <p id={`${id}-hint`} className="field__hint">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="field__problem">
          {problem}
        </p>
      )}
    </div>
  );
});
