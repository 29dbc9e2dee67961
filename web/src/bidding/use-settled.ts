import { useLayoutEffect, useRef, useState } from "react";

/**
 * Whether a value that others change has been shown for this long. The first value, and null for one that the user
 * chose, count as settled at once.
 */
export function useSettled(value: string | null, shownMs: number): boolean {
  const known = useRef(value);
  const [isSettled, setIsSettled] = useState(true);
  useLayoutEffect(() => {
    if (known.current === value) {
      return;
    }
    known.current = value;
    setIsSettled(value === null);
    const timer = setTimeout(() => setIsSettled(true), shownMs);
    return () => clearTimeout(timer);
  }, [value, shownMs]);
  return isSettled;
}
