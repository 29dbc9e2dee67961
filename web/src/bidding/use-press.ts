import { type KeyboardEvent, useCallback, useRef } from "react";

/** A finger's click comes some time after its `pointerup`. */
const CLICK_MS_MAX = 400;

/**
 * What a button showed when a press on it began, by finger, mouse or key. A button whose text follows the price may show
 * something else when the press ends.
 */
export function usePress<Shown>() {
  const pressed = useRef<{ readonly shown: Shown } | null>(null);
  const begin = useCallback((shown: Shown): void => {
    const press = { shown };
    const listening = new AbortController();
    pressed.current = press;
    const end = (event: Event): void => {
      listening.abort();
      const forget = (): void => {
        pressed.current = pressed.current === press ? null : pressed.current;
      };
      event.type === "pointercancel" ? forget() : setTimeout(forget, CLICK_MS_MAX);
    };
    for (const name of ["pointerup", "pointercancel", "keyup", "blur"]) {
      window.addEventListener(name, end, { signal: listening.signal });
    }
  }, []);
  /** The handlers of a button that shows this. */
  const on = (shown: Shown) => ({
    onPointerDown: () => begin(shown),
    onKeyDown: ({ key, repeat }: KeyboardEvent) => {
      if (!repeat && (key === "Enter" || key === " ")) {
        begin(shown);
      }
    },
  });
  /** What the button showed when the press of this click began; null for a click without one, as by Enter in a field. */
  const take = useCallback((): Shown | null => {
    const press = pressed.current;
    pressed.current = null;
    return press?.shown ?? null;
  }, []);
  return { on, take };
}
