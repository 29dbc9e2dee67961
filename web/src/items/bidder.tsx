import { Link } from "wouter";
import { useBidderName, useIdentity } from "../live/live-context";
import { paddleHue } from "../session/pseudonym";
import "./bidder.css";

/** The icon of a bidder: a bidding paddle in their colour. */
export function Paddle({ userId }: { userId: string }) {
  const hue = paddleHue(userId);
  return (
    <svg className="paddle" viewBox="0 0 20 20" aria-hidden="true">
      <g transform="rotate(38 10 10)">
        <rect x="8.3" y="12" width="3.4" height="8.4" rx="1.5" fill={`oklch(0.45 0.08 ${hue})`} />
        <rect x="2.6" y="-0.8" width="14.8" height="14.6" rx="6.2" fill={`oklch(0.68 0.15 ${hue})`} />
        <rect x="5.9" y="5.4" width="8.2" height="2.2" rx="1.1" fill={`oklch(0.97 0.02 ${hue})`} />
      </g>
    </svg>
  );
}

/** A bidder by their public name; the user is "You". */
export function Bidder({ userId, linked = true }: { userId: string; linked?: boolean }) {
  const me = useIdentity().userId;
  const publicName = useBidderName(userId);
  const name = userId === me ? "You" : publicName;
  return (
    <span className="bidder" title={userId}>
      <Paddle userId={userId} />
      {linked ? <Link href={`/bidders/${userId}`}>{name}</Link> : <span>{name}</span>}
    </span>
  );
}
