import { useCallback, useState } from "react";

/**
 * State that this tab keeps while the user is away, as for signing in at another site. `null` forgets it. If the browser
 * forbids storage, it lasts as long as the component.
 */
export function useKeptState<Value>(key: string): [Value | null, (value: Value | null) => void] {
  const [value, setValue] = useState(() => read<Value>(key));
  const keep = useCallback(
    (next: Value | null) => {
      setValue(next);
      write(key, next);
    },
    [key],
  );
  return [value, keep];
}

function read<Value>(key: string): Value | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as Value | null;
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): void {
  try {
    value === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The component has the value.
  }
}
