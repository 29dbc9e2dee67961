import { useEffect, useState } from "react";
import { useNotices } from "./notices";

let pageTitle = "";
const listeners = new Set<() => void>();

function setPageTitle(title: string): void {
  pageTitle = title;
  for (const listener of listeners) {
    listener();
  }
}

/** Name the page in the tab. */
export function usePageTitle(title: string): void {
  useEffect(() => setPageTitle(title), [title]);
}

/** Writes the tab's title: the page's name, and before it the news that someone in another tab must not miss. */
export function TabTitle() {
  const [title, setTitle] = useState(pageTitle);
  const { notices } = useNotices();
  useEffect(() => {
    const update = (): void => setTitle(pageTitle);
    update();
    listeners.add(update);
    return () => {
      listeners.delete(update);
    };
  }, []);
  const outbid = notices.find((notice) => notice.kind === "outbid");
  const full = title ? `${title} · Gavel` : "Gavel";
  useEffect(() => {
    document.title = outbid ? `${outbid.title} · ${full}` : full;
  }, [outbid, full]);
  return null;
}
