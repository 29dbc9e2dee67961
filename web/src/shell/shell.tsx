import { Gavel, ListChecks, Plus, Trophy } from "lucide-react";
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

const NAV_LINKS = [
  { href: "/", label: "Auctions", Icon: Gavel },
  { href: "/my-bids", label: "My bids", Icon: ListChecks },
  { href: "/sell", label: "Sell", Icon: Plus },
  { href: "/bidders", label: "Bidders", Icon: Trophy },
] as const;

/** The frame of every page: header, navigation, banners and notices. */
export function Shell({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const main = useFocusOnMove(location);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <div className="top__row">
          <Link href="/" className="brand" aria-label="Gavel, to all auctions">
            <img src="/gavel.svg" alt="" width="30" height="30" />
            <span>Gavel</span>
          </Link>
          <nav className="nav" aria-label="Main">
            {NAV_LINKS.map(({ href, label, Icon }) => (
              <Link
                key={href}
                href={href}
                className="nav__link"
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

/** The number of open auctions in which the user has been outbid. */
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
    <span className="nav__count">
      {count}
      <span className="visually-hidden"> outbid</span>
    </span>
  ) : null;
}

/** After a navigation, scroll to the top and move the focus to the content. */
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
