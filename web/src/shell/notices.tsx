import { CircleAlert, Info, Trophy, X } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import "./notices.css";

export type Notice = {
  readonly key: string;
  readonly kind: "outbid" | "won" | "info";
  readonly title: string;
  /** A component for what changes while the notice is shown. */
  readonly text: ReactNode;
  readonly link?: { readonly href: string; readonly label: ReactNode };
};

type Notices = {
  readonly notices: readonly Notice[];
  /** Show a notice. It replaces an earlier one with the same key. */
  notify(notice: Notice): void;
  dismiss(key: string): void;
};

const NOTICES_MAX = 4;
/** How long a notice stays. A notice of being outbid stays until it is dismissed, or no longer true. */
const SHOWN_MS = 8_000;
const ICONS = { outbid: CircleAlert, won: Trophy, info: Info };

const NoticesContext = createContext<Notices | null>(null);

export function useNotices(): Notices {
  const notices = useContext(NoticesContext);
  if (!notices) {
    throw new Error("useNotices outside of a NoticesProvider");
  }
  return notices;
}

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const dismiss = useCallback((key: string) => setNotices((shown) => shown.filter((each) => each.key !== key)), []);
  const notify = useCallback((notice: Notice) => {
    setNotices((shown) => [notice, ...shown.filter((each) => each.key !== notice.key)].slice(0, NOTICES_MAX));
  }, []);
  const value = useMemo(() => ({ notices, notify, dismiss }), [notices, notify, dismiss]);
  return <NoticesContext value={value}>{children}</NoticesContext>;
}

/** The notices, announced to screen readers. */
export function NoticeList() {
  const { notices } = useNotices();
  return (
    <section className="notices" aria-label="Notices" aria-live="assertive" aria-relevant="additions">
      {notices.map((notice) => (
        <NoticeCard key={notice.key} notice={notice} />
      ))}
    </section>
  );
}

function NoticeCard({ notice }: { notice: Notice }) {
  const { key, kind, link } = notice;
  const { dismiss } = useNotices();
  const [location] = useLocation();
  useEffect(() => {
    if (kind === "outbid") {
      return;
    }
    const timer = setTimeout(() => dismiss(key), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [key, kind, dismiss]);
  const Icon = ICONS[kind];
  // On the page that the notice leads to, the panel says the same.
  const isHere = link?.href === location;
  return (
    <div className={`notice notice--${kind}${isHere ? " notice--here" : ""}`}>
      <Icon size={22} aria-hidden="true" />
      <div className="notice__text">
        <strong>{notice.title}</strong>
        <p>{notice.text}</p>
        {link && !isHere && (
          <Link href={link.href} onClick={() => dismiss(key)}>
            {link.label}
          </Link>
        )}
      </div>
      <button type="button" className="icon-button" onClick={() => dismiss(key)}>
        <X size={18} aria-hidden="true" />
        <span className="visually-hidden">{`Dismiss: ${notice.title}`}</span>
      </button>
    </div>
  );
}
