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

/** Set the page's part of the document title. */
export function usePageTitle(title: string): void {
  useEffect(() => setPageTitle(title), [title]);
}

/** Write the document title: the page's title, preceded by a notice of being outbid, for users in another tab. */
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
