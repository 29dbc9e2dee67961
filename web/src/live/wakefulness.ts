import type { Feed } from "./feed";

const TICK_MS = 5_000;
/** A tick that comes so late was not late: the machine slept, or the browser froze the page. */
const SLEPT_MS_MIN = 15_000;

/** Tells the feed when the page slept, was frozen or changed networks. Returns what stops that. */
export function keepAwake(feed: Feed): () => void {
  let tickedAtMs = Date.now();
  const tick = setInterval(() => {
    const lateMs = Date.now() - tickedAtMs - TICK_MS;
    tickedAtMs = Date.now();
    if (lateMs > SLEPT_MS_MIN) {
      // Of a page that is hidden, browsers run timers no more than once a minute.
      feed.wake(document.visibilityState === "visible" ? "surely broken" : "maybe broken");
    }
  }, TICK_MS);
  const listening = new AbortController();
  const on = (target: EventTarget, name: string, react: () => void): void =>
    target.addEventListener(name, react, { signal: listening.signal });
  on(window, "online", () => feed.wake("surely broken"));
  // Not a reason to stop: a Gavel on this machine, or this network's, may well be there still.
  on(window, "offline", () => feed.wake("surely broken"));
  on(window, "pagehide", () => feed.stop());
  on(window, "pageshow", () => feed.wake());
  on(document, "freeze", () => feed.stop());
  on(document, "resume", () => feed.wake());
  on(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") {
      feed.wake();
    }
  });
  return () => {
    clearInterval(tick);
    listening.abort();
  };
}
