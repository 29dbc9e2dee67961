import type { TabFeed } from "./tab-feed";

const TICK_MS = 5_000;
/** A tick that is later than this means that the machine slept or the browser froze the page. */
const SLEPT_MS_MIN = 15_000;

/**
 * Wake or stop the feed when the page sleeps, freezes, resumes, is hidden or shown, or changes networks. Returns a
 * function that stops it.
 */
export function followPageLifecycle(feed: TabFeed): () => void {
  let tickedAtMs = Date.now();
  const tick = setInterval(() => {
    const lateMs = Date.now() - tickedAtMs - TICK_MS;
    tickedAtMs = Date.now();
    if (lateMs > SLEPT_MS_MIN) {
      // Browsers run the timers of a hidden page once a minute at most.
      feed.wake(document.visibilityState === "visible" ? "dead" : "maybe dead");
    }
  }, TICK_MS);
  const listening = new AbortController();
  const on = (target: EventTarget, name: string, react: () => void): void =>
    target.addEventListener(name, react, { signal: listening.signal });
  on(window, "online", () => feed.wake("dead"));
  // Not a reason to stop: a server on this machine or network may still be reachable.
  on(window, "offline", () => feed.wake("dead"));
  on(window, "pagehide", () => feed.stop());
  on(window, "pageshow", () => feed.wake());
  on(document, "freeze", () => feed.stop());
  on(document, "resume", () => feed.wake());
  on(document, "visibilitychange", () => {
    feed.announce();
    if (document.visibilityState === "visible") {
      feed.wake();
    }
  });
  return () => {
    clearInterval(tick);
    listening.abort();
  };
}
