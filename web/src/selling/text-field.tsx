import { useId } from "react";

type TextFieldProps = {
  label: string;
  value: string;
  onChange: (text: string) => void;
  problem?: string | undefined;
  hint?: string;
  max?: number;
  lines?: boolean;
  required?: boolean;
  options?: readonly string[];
  type?: "text" | "datetime-local";
};

/** A labelled text field, with a hint and an error message that screen readers announce. */
export function TextField({
  label,
  value,
  onChange,
  problem,
  hint,
  max,
  lines,
  required,
  options,
  type = "text",
}: TextFieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  const shared = {
    id,
    className: "input",
    value,
    maxLength: max,
    required,
    "aria-invalid": problem ? true : undefined,
    "aria-describedby": described || undefined,
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {lines ? (
        <textarea {...shared} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input
          {...shared}
          type={type}
          list={options && `${id}-options`}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {options && (
        <datalist id={`${id}-options`}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
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
}
