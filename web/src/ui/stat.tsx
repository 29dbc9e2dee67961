import type { ReactNode } from "react";
import "./stat.css";

/** One number with its label, inside a `<dl className="stats">`. */
export function Stat({
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
    <div className="stat sheet">
      <dt className="label">{label}</dt>
      <dd className="stat__value">{value}</dd>
      {note && <dd className="small muted">{note}</dd>}
      {children && <dd>{children}</dd>}
    </div>
  );
}
