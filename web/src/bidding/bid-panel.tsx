import { type Item, ReserveState } from "@gavel/client";
import { TimerReset, Trophy } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { canBuyNow, endMs, isLedBy, type Phase, shownPrice, startMs } from "../auction/phase";
import { Bidder } from "../items/bidder";
import { Countdown, usePhase } from "../items/countdown";
import { priceLabel } from "../items/item-card";
import { Price } from "../items/price";
import { useIdentity, useLive } from "../live/live-context";
import { formatMoney } from "../money/money";
import { TokenSession } from "../session/token-session";
import { localTime } from "../ui/local-time";
import { BidForm } from "./bid-form";
import { BuyNow } from "./buy-now";
import { SellerPanel } from "./seller-panel";
import "./bid-panel.css";

/** The price, the countdown, and the form or message that fits the phase and the user. */
export function BidPanel({ item }: { item: Item }) {
  const phase = usePhase(item);
  const { userId } = useIdentity();
  const isOver = phase === "sold" || phase === "unsold" || phase === "cancelled";
  return (
    <section className="bid-panel sheet" aria-label="Bidding">
      <div className="bid-panel__now">
        <div>
          <p className="label">{priceLabel(phase, Number(item.bidCount))}</p>
          <p className="bid-panel__price">
            <Price amount={shownPrice(item)} currency={item.currency} />
          </p>
        </div>
        {!isOver && (
          <div>
            <p className="label">{phase === "scheduled" ? "Bidding opens" : "Time left"}</p>
            <p className="bid-panel__time">
              <Countdown item={item} prominent />
            </p>
          </div>
        )}
        <Leader item={item} phase={phase} />
        {!isOver && <Clock item={item} phase={phase} />}
      </div>
      <SpokenPrice item={item} />
      {isOver || phase === "closing" ? (
        <OutcomeMessage item={item} phase={phase} />
      ) : item.sellerId === userId ? (
        <SellerPanel item={item} />
      ) : userId === "" ? (
        <SignInToBid />
      ) : phase === "open" ? (
        <>
          <BidForm key={userId} item={item} />
          {canBuyNow(item, phase) && <BuyNow item={item} />}
        </>
      ) : (
        <p className="message">The least bid will be {formatMoney(item.minimumNextBid, item.currency)}.</p>
      )}
    </section>
  );
}

function Leader({ item, phase }: { item: Item; phase: Phase }) {
  const { userId } = useIdentity();
  const bids = Number(item.bidCount);
  const leads = isLedBy(item, userId);
  return (
    <div className="bid-panel__leader" data-leads={leads || undefined}>
      {bids === 0 ? (
        <span className="muted">No bids yet</span>
      ) : leads && phase === "open" ? (
        <span className="tag tag--lead">You lead</span>
      ) : (
        <span>
          <Bidder userId={item.highestBidderId} /> {phase === "open" ? "leads" : ""}
        </span>
      )}
      {bids > 0 && (
        <span className="muted small numbers">{bids === 1 ? "1 bid" : `${bids.toLocaleString("en")} bids`}</span>
      )}
      {item.reserveState === ReserveState.NOT_MET && <span className="tag tag--hammer">Reserve not met</span>}
      {item.reserveState === ReserveState.MET && <span className="tag">Reserve met</span>}
    </div>
  );
}

function SignInToBid() {
  const { session } = useLive();
  return (
    session instanceof TokenSession && (
      <button type="button" className="button button--primary button--big button--wide" onClick={session.signIn}>
        Sign in to bid
      </button>
    )
  );
}

/** When the auction ends, and whether late bids have extended it. */
function Clock({ item, phase }: { item: Item; phase: Phase }) {
  const extensions = useExtensions(item);
  const window = item.softClose?.windowSeconds ?? 0;
  return (
    <div className="bid-panel__clock small muted">
      <p>
        {phase === "scheduled" ? `Opens ${localTime(startMs(item))}.` : `Ends ${localTime(endMs(item))}.`}
        {window > 0 && extensions === 0 && " Late bids extend this."}
      </p>
      <div aria-live="polite">
        {extensions > 0 && (
          <p key={extensions} className="tag tag--hammer bid-panel__extension">
            <TimerReset size={15} aria-hidden="true" />
            {extensions === 1 ? "Extended by a late bid" : `Extended ${extensions} times by late bids`}
          </p>
        )}
      </div>
    </div>
  );
}

/** How often the end has moved while this component was shown. */
function useExtensions(item: Item): number {
  const end = endMs(item);
  const latest = useRef(end);
  const [extensions, setExtensions] = useState(0);
  useEffect(() => {
    if (end > latest.current) {
      latest.current = end;
      setExtensions((count) => count + 1);
    }
  }, [end]);
  return extensions;
}

/** The newest price for screen readers, announced no more often than one can listen. */
function SpokenPrice({ item }: { item: Item }) {
  const spoken = `${formatMoney(shownPrice(item), item.currency)}, ${item.bidCount} bids`;
  const [announced, setAnnounced] = useState("");
  const [first] = useState(spoken);
  useEffect(() => {
    const timer = setTimeout(() => setAnnounced(spoken === first ? "" : `Now at ${spoken}`), 1_500);
    return () => clearTimeout(timer);
  }, [spoken, first]);
  return (
    <p className="visually-hidden" role="status">
      {announced}
    </p>
  );
}

function OutcomeMessage({ item, phase }: { item: Item; phase: Phase }) {
  const { userId } = useIdentity();
  const { outcome } = item;
  const isMine = outcome?.sold && outcome.winnerId === userId;
  return (
    <div
      className={`outcome message ${isMine ? "message--lead" : phase === "sold" ? "message--hammer" : ""}`}
      role="status"
    >
      {phase === "closing" && <strong>Time is up. Closing the auction…</strong>}
      {phase === "cancelled" && <strong>The seller cancelled this auction.</strong>}
      {phase === "unsold" && <strong>Not sold</strong>}
      {phase === "unsold" && <p>{item.bidCount > 0n ? "The reserve was not met." : "There were no bids."}</p>}
      {phase === "sold" && outcome && (
        <>
          <strong>
            <Trophy size={20} aria-hidden="true" />
            {isMine ? "You won!" : "Sold"}
          </strong>
          <p>
            {isMine ? "The item is yours for " : <Bidder userId={outcome.winnerId} />}
            {!isMine && " won it for "}
            {formatMoney(outcome.amount, item.currency)}.
          </p>
        </>
      )}
    </div>
  );
}
