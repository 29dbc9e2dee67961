import { Link } from "wouter";
import { useIdentity } from "../live/live-context";
import { paddleHue, pseudonym } from "../who/pseudonym";
import "./bidder.css";

/** The little paddle that stands for a bidder, in their colour. */
export function Paddle({ userId }: { userId: string }) {
  const hue = paddleHue(userId);
  return (
    <svg className="paddle" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M8.6 12.5h2.8v6a1.4 1.4 0 0 1-2.8 0z" fill={`oklch(0.48 0.07 ${hue})`} />
      <circle cx="10" cy="7.5" r="7" fill={`oklch(0.66 0.14 ${hue})`} />
      <circle cx="10" cy="7.5" r="3" fill={`oklch(0.95 0.03 ${hue})`} />
    </svg>
  );
}

/** A bidder as everyone sees them; oneself is "You". */
export function Bidder({ userId, linked = true }: { userId: string; linked?: boolean }) {
  const me = useIdentity().userId;
  const name = userId === me ? "You" : pseudonym(userId);
  return (
    <span className="bidder" title={userId}>
      <Paddle userId={userId} />
      {linked ? <Link href={`/bidders/${userId}`}>{name}</Link> : <span>{name}</span>}
    </span>
  );
}
