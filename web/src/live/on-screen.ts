import type { WatchList } from "./watch-list";

/** While the user scrolls, the watched items do not change. */
const SCROLLING_MS = 300;

/**
 * Watch the items of a list that are on screen. The list has one child for each item, in the same order. Returns a
 * function that stops it.
 */
export function watchOnScreen(list: Element, itemIds: readonly string[], watching: WatchList): () => void {
  // Old browsers, and tests without a layout: everything counts as on screen.
  if (typeof IntersectionObserver === "undefined") {
    return watching.add(itemIds, "screen");
  }
  const visible = new Set<Element>();
  let stop = (): void => undefined;
  let due: ReturnType<typeof setTimeout> | undefined;
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      isIntersecting ? visible.add(target) : visible.delete(target);
    }
    clearTimeout(due);
    due = setTimeout(() => {
      const stopBefore = stop;
      stop = watching.add(
        itemIds.filter((_, index) => list.children[index] && visible.has(list.children[index])),
        "screen",
      );
      stopBefore();
    }, SCROLLING_MS);
  });
  for (const child of list.children) {
    observer.observe(child);
  }
  return () => {
    clearTimeout(due);
    observer.disconnect();
    stop();
  };
}
