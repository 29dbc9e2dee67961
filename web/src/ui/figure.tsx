import type { ReactNode } from "react";
import "./figure.css";

/** One number with its name. Stands in a `<dl className="figures">`. */
export function Figure({
  label,
  value,
  note,
  children,
}: {
  label: string;
  value: string;
  note?: string;
  children?: ReactNode;
}) {
  return (
    <div className="figure sheet">
      <dt className="label">{label}</dt>
      <dd className="figure__value">{value}</dd>
      {note && <dd className="small muted">{note}</dd>}
      {children && <dd>{children}</dd>}
    </div>
  );
}
