/** The least time between two renderings of a value: many bids at once must not block the page. */
export const SHOWN_MS_MIN = 40;

type Subscribe = (listener: () => void) => () => void;

/** A subscription whose listener is called at most once in each interval, at its end. */
export function coalesced(subscribe: Subscribe): Subscribe {
  return (listener) => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe(() => {
      due ??= setTimeout(() => {
        due = undefined;
        listener();
      }, SHOWN_MS_MIN);
    });
    return () => {
      stop();
      clearTimeout(due);
    };
  };
}
