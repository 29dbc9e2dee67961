/** So often at most are changes shown: more often no eye can tell, and a crowd's bids must not keep the page from them. */
export const SHOWN_MS_MIN = 40;

type Subscribe = (listener: () => void) => () => void;

/** The same subscription, whose listener is called once for all that happens within a moment, at its end. */
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
