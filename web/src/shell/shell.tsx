import { Gauge, Gavel, ListChecks, Plus, Trophy } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { phaseAt } from "../auction/phase";
import { positionIn } from "../auction/position";
import { useIdentity, useLive } from "../live/live-context";
import { ConnectionBanner } from "./connection-banner";
import { IdentityButton } from "./identity-button";
import { useMyBids } from "./my-bids";
import { NoticeList } from "./notices";
import { SignInBanner } from "./sign-in-banner";
import { ThemeButton } from "./theme";
import "./shell.css";

const PLACES = [
  { href: "/", label: "Auctions", Icon: Gavel },
  { href: "/my-bids", label: "My bids", Icon: ListChecks },
  { href: "/sell", label: "Sell", Icon: Plus },
  { href: "/bidders", label: "Bidders", Icon: Trophy },
  { href: "/status", label: "Status", Icon: Gauge },
] as const;

/** What every page stands in. */
export function Shell({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const main = useFocusOnMove(location);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <div className="top__row">
          <Link href="/" className="brand" aria-label="Gavel, to all auctions">
            <img src="/gavel.svg" alt="" width="30" height="30" />
            <span>Gavel</span>
          </Link>
          <nav className="places" aria-label="Main">
            {PLACES.map(({ href, label, Icon }) => (
              <Link
                key={href}
                href={href}
                className="places__link"
                aria-current={isAt(location, href) ? "page" : undefined}
              >
                <Icon size={20} aria-hidden="true" />
                <span>{label}</span>
                {href === "/my-bids" && <OutbidCount />}
              </Link>
            ))}
          </nav>
          <div className="top__end">
            <ThemeButton />
            <IdentityButton />
          </div>
        </div>
        <ConnectionBanner />
        <SignInBanner />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <NoticeList />
    </>
  );
}

function isAt(location: string, href: string): boolean {
  return href === "/" ? location === "/" || location.startsWith("/items/") : location.startsWith(href);
}

/** How many auctions one has been outbid on and could still win. */
function OutbidCount() {
  const { userId } = useIdentity();
  const { items, clock } = useLive();
  const { bids } = useMyBids();
  const count = bids.filter(({ item }) => {
    const newest = item && (items.get(item.id) ?? item);
    const phase = newest && phaseAt(newest, clock.nowMs());
    return newest && phase === "open" && positionIn(newest, userId, phase) === "outbid";
  }).length;
  return count > 0 ? (
    <span className="places__count">
      {count}
      <span className="unseen"> outbid</span>
    </span>
  ) : null;
}

/** A new page begins at its top, for eyes and for screen readers. */
function useFocusOnMove(location: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  useEffect(() => {
    if (shown.current !== location) {
      shown.current = location;
      window.scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [location]);
  return main;
}
